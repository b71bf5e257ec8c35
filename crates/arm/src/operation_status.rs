//! The status of an operation that goes on after its request was answered: what `Azure-AsyncOperation` names.
//!
//! It is always answered with 200, also for an operation that failed: what failed is the operation, not the
//! question. Clients ask until the status is one of three: `Succeeded`, `Failed`, `Canceled`. Only an
//! operation with one of these has an `endTime`, and only one that did not succeed an `error`: constructors
//! see to it. `properties` are what is known of it so far, and stay when it fails.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ArmError;
use crate::id::ResourceId;
use crate::time::Timestamp;

/// Where an operation stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum OperationState {
    /// It has not begun.
    Accepted,
    /// It is at work.
    InProgress,
    /// Somebody asked it to end.
    Canceling,
    /// It is done.
    Succeeded,
    /// It could not be done.
    Failed,
    /// It ended because somebody asked.
    Canceled,
}

impl OperationState {
    /// All of them.
    pub const ALL: [OperationState; 6] = [
        OperationState::Accepted,
        OperationState::InProgress,
        OperationState::Canceling,
        OperationState::Succeeded,
        OperationState::Failed,
        OperationState::Canceled,
    ];

    /// Whether clients stop asking.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed | Self::Canceled => true,
            Self::Accepted | Self::InProgress | Self::Canceling => false,
        }
    }
}

/// The status as it is answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationStatus {
    /// Where it can be asked for: `…/providers/NS/locations/L/operationStatuses/NAME`.
    pub id: ResourceId,
    /// The last part of it.
    pub name: String,
    /// What is being made, changed or taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<ResourceId>,
    /// Where it stands.
    pub status: OperationState,
    /// When it was asked for.
    pub start_time: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
    /// How much of it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent_complete: Option<u8>,
    /// Why it was not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ArmError>,
    /// What came of it, or what is known while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Value>,
}

impl OperationStatus {
    /// An operation that was asked for.
    pub fn accepted(
        id: ResourceId,
        resource_id: Option<ResourceId>,
        start_time: Timestamp,
    ) -> OperationStatus {
        OperationStatus {
            name: id.name().to_owned(),
            id,
            resource_id,
            status: OperationState::Accepted,
            start_time,
            end_time: None,
            percent_complete: Some(0),
            error: None,
            properties: None,
        }
    }

    /// It is at work. What is above 99 percent is 99: the last one is for the end.
    #[must_use]
    pub fn in_progress(self, percent_complete: u8) -> OperationStatus {
        let percent_complete = Some(percent_complete.min(99));
        OperationStatus { status: OperationState::InProgress, percent_complete, ..self }
    }

    /// It was asked to end.
    #[must_use]
    pub fn canceling(self) -> OperationStatus {
        OperationStatus { status: OperationState::Canceling, ..self }
    }

    /// Something is known of it.
    #[must_use]
    pub fn with_properties(self, properties: Value) -> OperationStatus {
        OperationStatus { properties: Some(properties), ..self }
    }

    /// It is done, and this came of it. An end before its beginning (a clock was set) is its beginning.
    #[must_use]
    pub fn succeeded(self, end_time: Timestamp, properties: Option<Value>) -> OperationStatus {
        OperationStatus {
            percent_complete: Some(100),
            properties,
            ..self.ended(OperationState::Succeeded, end_time)
        }
    }

    /// It could not be done.
    #[must_use]
    pub fn failed(self, end_time: Timestamp, error: ArmError) -> OperationStatus {
        OperationStatus { error: Some(error), ..self.ended(OperationState::Failed, end_time) }
    }

    /// It ended because somebody asked.
    #[must_use]
    pub fn canceled(self, end_time: Timestamp) -> OperationStatus {
        let error = ArmError::new(409, "OperationCanceled", "The operation was canceled.");
        OperationStatus { error: Some(error), ..self.ended(OperationState::Canceled, end_time) }
    }

    fn ended(self, status: OperationState, end_time: Timestamp) -> OperationStatus {
        let end_time = Some(end_time.max(self.start_time));
        OperationStatus { status, end_time, error: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepted() -> OperationStatus {
        let id = "/subscriptions/s/providers/Isobar.Storage/locations/uksouth/operationStatuses/op-1";
        let id = ResourceId::parse(id).expect("an id");
        OperationStatus::accepted(id, None, Timestamp::from_millis(1000))
    }

    #[test]
    fn exactly_three_states_are_terminal() {
        let terminal: Vec<_> = OperationState::ALL.into_iter().filter(|state| state.is_terminal()).collect();
        let json = serde_json::to_string(&terminal).expect("JSON");
        assert_eq!(json, r#"["Succeeded","Failed","Canceled"]"#);
    }

    #[test]
    fn an_operation_that_goes_on_has_no_end() {
        let expected = json!({
            "id": "/subscriptions/s/providers/Isobar.Storage/locations/uksouth/operationStatuses/op-1",
            "name": "op-1",
            "status": "InProgress",
            "startTime": "1970-01-01T00:00:01.000Z",
            "percentComplete": 40,
        });
        let status = accepted().in_progress(40);
        assert_eq!(serde_json::to_value(&status).expect("JSON"), expected);
        assert_eq!(serde_json::from_value::<OperationStatus>(expected).expect("read back"), status);
        assert_eq!(accepted().in_progress(200).percent_complete, Some(99));
        let canceling = accepted().in_progress(7).canceling();
        assert_eq!((canceling.status, canceling.percent_complete), (OperationState::Canceling, Some(7)));
    }

    #[test]
    fn one_that_is_done_has_what_came_of_it() {
        let done = accepted().in_progress(40).succeeded(Timestamp::from_millis(5000), Some(json!({"a": 1})));
        let json = serde_json::to_value(&done).expect("JSON");
        assert_eq!((&json["status"], &json["percentComplete"]), (&json!("Succeeded"), &json!(100)));
        assert_eq!(
            (&json["endTime"], &json["properties"]),
            (&json!("1970-01-01T00:00:05.000Z"), &json!({"a": 1}))
        );
        assert_eq!(json.get("error"), None);
    }

    #[test]
    fn one_that_failed_says_why_without_wrapping() {
        let why = ArmError::new(409, "QuotaExceeded", "No.").with_target("cores");
        let known = accepted().in_progress(40).with_properties(json!({"step": 3}));
        let failed = known.failed(Timestamp::from_millis(0), why);
        let json = serde_json::to_value(&failed).expect("JSON");
        assert_eq!(json["error"], json!({"code": "QuotaExceeded", "message": "No.", "target": "cores"}));
        assert_eq!((&json["status"], &json["percentComplete"]), (&json!("Failed"), &json!(40)));
        assert_eq!(json["properties"], json!({"step": 3}));
        assert_eq!(json["endTime"], json["startTime"], "a clock that was set back");
        let canceled = serde_json::to_value(accepted().canceled(Timestamp::from_millis(2000))).expect("JSON");
        assert_eq!(
            (&canceled["status"], &canceled["error"]["code"]),
            (&json!("Canceled"), &json!("OperationCanceled"))
        );
    }
}
