//! Why a request is refused, whoever found out.

use isobar_arm::{ArmError, IdError};
use isobar_records::RecordsError;
use isobar_workflow::WorkflowError;

use crate::limits::BUSY_RETRY_AFTER_S;
use crate::random::NoRandomness;

/// A refusal: ARM's error, however it came about. What only operators should know is in the log instead.
#[derive(Debug)]
pub(crate) struct Refusal(pub ArmError);

impl From<ArmError> for Refusal {
    fn from(error: ArmError) -> Refusal {
        Refusal(error)
    }
}

impl From<IdError> for Refusal {
    fn from(error: IdError) -> Refusal {
        Refusal(error.into())
    }
}

impl From<NoRandomness> for Refusal {
    fn from(error: NoRandomness) -> Refusal {
        tracing::error!(%error, "a request was refused");
        Refusal(ArmError::service_unavailable("There is no randomness at the moment.", BUSY_RETRY_AFTER_S))
    }
}

impl From<WorkflowError> for Refusal {
    fn from(error: WorkflowError) -> Refusal {
        match error {
            WorkflowError::Records(error) => error.into(),
            WorkflowError::Ended { .. } | WorkflowError::TooLate { .. } => {
                Refusal(ArmError::operation_not_allowed(&format!("The {error}.")))
            }
            WorkflowError::NoOperation { .. } => Refusal(ArmError::not_found("The operation")),
            WorkflowError::UnknownWorkflow { .. } | WorkflowError::Random(_) => {
                tracing::error!(%error, "a workflow was not started");
                Refusal(ArmError::internal_server_error("a workflow was not started"))
            }
        }
    }
}

impl From<RecordsError> for Refusal {
    fn from(error: RecordsError) -> Refusal {
        let later = |why: &str| ArmError::service_unavailable(why, BUSY_RETRY_AFTER_S);
        Refusal(match &error {
            RecordsError::Unavailable(_) => {
                tracing::warn!(%error, "a request was refused");
                later("The database is not available at the moment.")
            }
            RecordsError::Uncertain(_) => {
                tracing::warn!(%error, "a request has an uncertain end");
                later("The connection to the database was lost: send the same request again.")
            }
            RecordsError::Exists { .. } | RecordsError::Stale { .. } | RecordsError::Missing { .. } => {
                ArmError::conflict("Somebody else changed the resource at the same time. Try again.")
                    .with_retry_after(BUSY_RETRY_AFTER_S)
            }
            RecordsError::NoParent { parent, .. } => ArmError::parent_resource_not_found(parent),
            RecordsError::Busy { operation, .. } => {
                ArmError::another_operation_in_progress(operation).with_retry_after(BUSY_RETRY_AFTER_S)
            }
            RecordsError::TooLarge { bytes_max, .. } => ArmError::request_too_large(*bytes_max),
            RecordsError::TooDeep { .. } => ArmError::invalid_request_content(&error.to_string()),
            RecordsError::ZeroByte => {
                ArmError::invalid_request_content("a text has a zero byte, which cannot be kept")
            }
            other => {
                tracing::error!(error = %other, "the records failed");
                ArmError::internal_server_error("the records failed; the log says more")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_kept_is_the_fault_of_whoever_sends_it() {
        let status = |error: RecordsError| Refusal::from(error).0.status();
        assert_eq!(status(RecordsError::TooDeep { what: "a body", depth_max: 127 }), 400);
        assert_eq!(status(RecordsError::TooLarge { what: "a body", bytes: 2, bytes_max: 1 }), 413);
        assert_eq!(status(RecordsError::ZeroByte), 400);
    }
}
