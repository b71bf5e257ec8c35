//! The workflow that answers Microsoft where it asks: whether a change of plan or quantity, or a
//! reinstatement, was carried out. It is written down with the change itself, so that the answer comes
//! whoever is killed.

use isobar_arm::ResourceId;
use isobar_records::NewOperation;
use isobar_workflow::{Context, Step, StepError, StepOutcome, Workflow};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Tools;
use crate::marketplace::{MarketplaceError, MarketplaceOperation};

/// Its name.
const WORKFLOW: &str = "reservations/answer";

/// What it is given.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    subscription: String,
    operation: String,
    success: bool,
}

/// The operation that gives this answer. Each is on a target of its own: none waits for another.
pub(super) fn operation(
    reservation: &ResourceId,
    asked: &MarketplaceOperation,
    success: bool,
    correlation: &str,
) -> NewOperation {
    let given = Given { subscription: asked.subscription_id.clone(), operation: asked.id.clone(), success };
    NewOperation {
        target: format!("{}/marketplaceoperations/{}", reservation.key(), asked.id.to_lowercase()),
        kind: WORKFLOW.to_owned(),
        subscription: reservation.subscription().unwrap_or_default().to_lowercase(),
        location: "global".to_owned(),
        input: json!(given),
        correlation: correlation.to_owned(),
        ..NewOperation::default()
    }
}

/// The workflow.
pub(super) fn workflow(tools: &Tools) -> Workflow {
    Workflow::new(WORKFLOW).step(Answers(tools.clone()))
}

struct Answers(Tools);

impl Step for Answers {
    fn name(&self) -> &str {
        "answer"
    }

    fn words(&self) -> &str {
        "Answering Microsoft"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let Given { subscription, operation, success } = context.input_as()?;
        let Some(marketplace) = &self.0.marketplace else {
            return Err(StepError::retry("this control plane has no client of Microsoft's marketplace"));
        };
        match marketplace.finish(&subscription, &operation, success).await {
            Ok(()) => Ok(StepOutcome::done()),
            Err(MarketplaceError::Later(why)) => Err(StepError::retry(why)),
            Err(MarketplaceError::Refused(why)) => Err(StepError::fail("AnswerNotTaken", why)),
        }
    }

    // Nothing to undo: an answer that Microsoft does not take has changed nothing.
}
