//! The error document: `{"error": {"code", "message", "target", "details", "additionalInfo"}}`.
//!
//! An [`ArmError`] carries the HTTP status beside it, which is not in the document. It is written without its
//! wrapping where it stands inside another document (an operation's status, the details of another error);
//! [`ArmError::body`] is the whole answer. Messages are one line of bounded length, whatever a client sent.
//! The usual errors are in the files beside this one, each with the status and the words that ARM has for it.

mod not_found;
mod refused;
mod request;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limits::MESSAGE_CHARS_MAX;
use crate::text::on_one_line;

/// Why a request is refused, or an operation failed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[error("{code}: {message}")]
pub struct ArmError {
    #[serde(skip, default = "status_of_stored")]
    status: u16,
    #[serde(skip)]
    retry_after_s: Option<u32>,
    code: Cow<'static, str>,
    message: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    details: Vec<ArmError>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    additional_info: Vec<AdditionalInfo>,
}

/// Something for programs beside an error.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AdditionalInfo {
    /// What `info` is.
    #[serde(rename = "type")]
    pub kind: String,
    /// In the form that `kind` names.
    pub info: Value,
}

/// The whole answer to a request that is refused.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ErrorBody<'a> {
    /// Why.
    pub error: &'a ArmError,
}

/// An error that is read back belongs to an operation, whose status is answered with 200.
fn status_of_stored() -> u16 {
    500
}

impl ArmError {
    /// An error with its HTTP status, its code in PascalCase, and one line for people.
    pub fn new(status: u16, code: &'static str, message: impl AsRef<str>) -> Self {
        ArmError {
            status,
            retry_after_s: None,
            code: Cow::Borrowed(code),
            message: on_one_line(message.as_ref(), MESSAGE_CHARS_MAX).into(),
            target: None,
            details: Vec::new(),
            additional_info: Vec::new(),
        }
    }

    /// Says which field or resource is meant; an empty text is the request as a whole.
    #[must_use]
    pub fn with_target(mut self, target: impl AsRef<str>) -> Self {
        let target = on_one_line(target.as_ref(), MESSAGE_CHARS_MAX);
        self.target = (!target.is_empty()).then(|| target.into());
        self
    }

    /// Adds what it consists of.
    #[must_use]
    pub fn with_details(mut self, details: Vec<ArmError>) -> Self {
        self.details.extend(details);
        self
    }

    /// Adds something for programs.
    #[must_use]
    pub fn with_info(mut self, kind: &str, info: Value) -> Self {
        self.additional_info.push(AdditionalInfo { kind: kind.to_owned(), info });
        self
    }

    /// Says after how many seconds to try again: the `Retry-After` of the answer.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The same refusal in these words alone: its status, its code and when to try again stay, and nothing
    /// else that was said.
    #[must_use]
    pub fn with_words_only(self, message: impl AsRef<str>) -> Self {
        ArmError {
            message: on_one_line(message.as_ref(), MESSAGE_CHARS_MAX).into(),
            target: None,
            details: Vec::new(),
            additional_info: Vec::new(),
            ..self
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The `Retry-After` of the answer, in seconds.
    pub fn retry_after_s(&self) -> Option<u32> {
        self.retry_after_s
    }

    /// The code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The line for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Which field or resource is meant.
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// What it consists of.
    pub fn details(&self) -> &[ArmError] {
        &self.details
    }

    /// What programs are told beside it.
    pub fn additional_info(&self) -> &[AdditionalInfo] {
        &self.additional_info
    }

    /// The whole answer.
    pub fn body(&self) -> ErrorBody<'_> {
        ErrorBody { error: self }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_without_more_has_a_code_and_a_message() {
        let error = ArmError::new(409, "Conflict", "It is being deleted.");
        let body = serde_json::to_string(&error.body()).expect("JSON");
        assert_eq!(body, r#"{"error":{"code":"Conflict","message":"It is being deleted."}}"#);
        assert_eq!((error.status(), error.to_string().as_str()), (409, "Conflict: It is being deleted."));
    }

    #[test]
    fn everything_else_is_written_in_camel_case_and_read_back() {
        let detail = ArmError::new(400, "InvalidParameter", "wrong").with_target("properties.nodes");
        let error = ArmError::new(500, "InvalidRequestContent", "2 fields are wrong")
            .with_target("properties")
            .with_details(vec![detail])
            .with_info("Quota", json!({"left": 4}))
            .with_retry_after(5);
        let value = serde_json::to_value(error.body()).expect("JSON");
        let expected = json!({"error": {
            "code": "InvalidRequestContent",
            "message": "2 fields are wrong",
            "target": "properties",
            "details": [{"code": "InvalidParameter", "message": "wrong", "target": "properties.nodes"}],
            "additionalInfo": [{"type": "Quota", "info": {"left": 4}}],
        }});
        assert_eq!(value, expected);
        assert_eq!(error.retry_after_s(), Some(5));
        let read: ArmError = serde_json::from_value(value["error"].clone()).expect("an error");
        assert_eq!((read.code(), read.details().len()), (error.code(), 1));
        assert_eq!((read.target(), read.additional_info()), (Some("properties"), error.additional_info()));
    }

    #[test]
    fn in_other_words_alone_it_is_answered_and_tried_again_in_the_same_way() {
        let error = ArmError::new(429, "TooManyRequests", "hunter2").with_target("hunter2");
        let error = error.with_details(vec![ArmError::new(400, "X", "hunter2")]).with_retry_after(7);
        let error = error.with_info("X", json!("hunter2")).with_words_only("Nothing\nis told.");
        assert_eq!((error.status(), error.retry_after_s()), (429, Some(7)));
        let shown = serde_json::to_value(&error).expect("JSON");
        assert_eq!(shown, json!({"code": "TooManyRequests", "message": "Nothing is told."}));
    }

    #[test]
    fn a_message_is_one_line_of_bounded_length() {
        let error = ArmError::new(400, "X", format!("a\nb{}", "c".repeat(10_000)));
        assert!(error.message().starts_with("a bc") && error.message().chars().count() <= 2001);
        assert!(!error.message().contains('\n'));
    }

    #[test]
    fn an_empty_target_is_not_written() {
        let error = ArmError::new(400, "X", "y").with_target("");
        assert_eq!(serde_json::to_string(&error).expect("JSON"), r#"{"code":"X","message":"y"}"#);
    }

    #[test]
    fn an_error_is_small_enough_to_be_returned_by_value() {
        assert!(size_of::<ArmError>() <= 120, "{} bytes", size_of::<ArmError>());
    }
}
