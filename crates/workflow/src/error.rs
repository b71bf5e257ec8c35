//! What can go wrong when an operation is asked for or cancelled, and what the caller can do about it.

use isobar_records::{RecordsError, Status};

/// The request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    /// The records refused or failed; see there whether to try again. `Busy` is among them: another
    /// operation on the target has not ended.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// This program has no workflow of that name: use one that has.
    #[error("there is no workflow {name}")]
    UnknownWorkflow {
        /// The name asked for.
        name: String,
    },
    /// There is no such operation, or it was forgotten.
    #[error("there is no operation {id}")]
    NoOperation {
        /// The id asked for.
        id: String,
    },
    /// The operation has ended: there is nothing to cancel.
    #[error("operation {id} has ended: {status}")]
    Ended {
        /// Its id.
        id: String,
        /// How.
        status: Status,
    },
    /// The operation has passed the point from which it does not go back: wait for its end.
    #[error("operation {id} has gone too far to be cancelled")]
    TooLate {
        /// Its id.
        id: String,
    },
    /// The operating system gives no random bytes: try again.
    #[error("no random bytes: {0}")]
    Random(String),
}
