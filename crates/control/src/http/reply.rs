//! What is answered.

use bytes::Bytes;
use isobar_arm::ArmError;
use serde::Serialize;
use serde_json::Value;

/// An answer, before it is written.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body, if there is one.
    pub body: Option<Value>,
    /// What is answered instead of JSON; its type is among the headers.
    pub file: Option<Bytes>,
    /// The version of what is answered, in quotes.
    pub etag: Option<String>,
    /// After how many seconds to ask again.
    pub retry_after_s: Option<u32>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// Whether a workflow was started, so that the engine has to be told.
    pub started: bool,
}

impl Reply {
    /// One without a body.
    pub(crate) fn empty(status: u16) -> Reply {
        Reply {
            status,
            body: None,
            file: None,
            etag: None,
            retry_after_s: None,
            headers: Vec::new(),
            started: false,
        }
    }

    /// One with this body.
    pub(crate) fn json(status: u16, body: Value) -> Reply {
        Reply { body: Some(body), ..Reply::empty(status) }
    }

    /// One with a body of this type.
    ///
    /// # Errors
    /// It cannot be written as JSON, which is our own mistake.
    pub(crate) fn of(status: u16, body: &impl Serialize) -> Result<Reply, ArmError> {
        let value = serde_json::to_value(body);
        value.map(|value| Reply::json(status, value)).map_err(|error| {
            tracing::error!(%error, "an answer cannot be written");
            ArmError::internal_server_error("an answer cannot be written")
        })
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    /// The refusal of a request.
    pub(crate) fn refusal(error: &ArmError) -> Reply {
        let body = serde_json::to_value(error.body()).unwrap_or_default();
        Reply { retry_after_s: error.retry_after_s(), ..Reply::json(error.status(), body) }
    }
}
