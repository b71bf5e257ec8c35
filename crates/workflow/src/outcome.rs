//! What a step comes to.

use std::time::Duration;

use serde_json::{Map, Value};

/// What steps have found or made, by name: later steps, the undoing and whoever asks see it. It is kept in
/// clear, and all of an operation's together have at most
/// [`DOCUMENT_BYTES_MAX`](isobar_records::limits::DOCUMENT_BYTES_MAX) bytes as text, and
/// [`DOCUMENT_DEPTH_MAX`](isobar_records::limits::DOCUMENT_DEPTH_MAX) levels.
pub type Outputs = Map<String, Value>;

/// A step that did not fail.
#[derive(Clone, PartialEq, Debug)]
pub enum StepOutcome {
    /// Done. The outputs are added to those of the steps before; one of the same name takes the other's
    /// place.
    Done(Outputs),
    /// Not yet: it is to be called again after a while. Meanwhile the operation holds no worker.
    Again {
        /// How long.
        after: Duration,
    },
}

/// A step that failed.
#[derive(Clone, PartialEq, Debug)]
pub enum StepError {
    /// It may go better another time. The wait is that of the engine's back-off, or longer if `after` is.
    Retry {
        /// How long to wait at least.
        after: Duration,
        /// What went wrong, in one line.
        why: String,
    },
    /// It cannot be done: what was done is undone, and the operation fails with this error,
    /// `{"code": …, "message": …}`.
    Fail(Value),
}

impl StepOutcome {
    /// Done, without outputs.
    pub fn done() -> StepOutcome {
        StepOutcome::Done(Outputs::new())
    }

    /// To be called again.
    pub fn again(after: Duration) -> StepOutcome {
        StepOutcome::Again { after }
    }
}

impl StepError {
    /// To be tried again when the back-off says so.
    pub fn retry(why: impl ToString) -> StepError {
        StepError::Retry { after: Duration::ZERO, why: why.to_string() }
    }

    /// Cannot be done.
    pub fn fail(code: &str, message: impl ToString) -> StepError {
        StepError::Fail(serde_json::json!({"code": code, "message": message.to_string()}))
    }
}
