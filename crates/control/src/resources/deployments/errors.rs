//! What is told of the refusals of single resources.

use isobar_arm::ArmError;
use isobar_workflow::StepError;
use serde_json::json;

use crate::refusal::Refusal;

/// Whether it may go better another time.
pub(super) fn is_of_the_moment(error: &ArmError) -> bool {
    error.retry_after_s().is_some() || error.status() >= 500
}

/// An error of a resource whose body has secrets: nothing is told but its code.
pub(super) fn hidden(error: ArmError) -> ArmError {
    error.with_words_only(
        "The resource was refused. It uses secure parameters, so nothing more of the reason is kept.",
    )
}

/// A refusal of what a turn needs: it may go better another time, or it never will.
pub(super) fn trouble(refusal: Refusal) -> StepError {
    let Refusal(error) = refusal;
    match is_of_the_moment(&error) {
        true => StepError::retry(error.message()),
        false => StepError::Fail(json!(error)),
    }
}
