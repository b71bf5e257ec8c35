//! What expressions give: bodies of resources, and outputs, with the resources that they refer to.

use isobar_arm::{ArmError, ProvisioningState};
use isobar_template::{Made, Reference};
use isobar_workflow::{Outputs, StepError, StepOutcome};
use serde_json::{Value, json};

use super::super::looking::{look, missing};
use super::Run;
use crate::limits::DEPLOYMENT_OUTPUTS_BYTES_MAX;
use crate::refusal::Refusal;

/// A resource's body, if it can be worked out.
pub(super) enum Body {
    Ready(Made),
    /// It refers to another resource of the template that is not there yet.
    Waits,
    Wrong(ArmError),
}

impl Run<'_> {
    /// Works out a body, and reads the resources that it refers to.
    pub(super) async fn body(&mut self, at: usize) -> Result<Body, StepError> {
        loop {
            let worked_out = self.deployment.body(at, &self.documents);
            let reference = match missing(worked_out, &self.documents) {
                Ok(Ok(body)) => return Ok(Body::Ready(body)),
                Ok(Err(reference)) => reference,
                Err(error) => return Ok(Body::Wrong(error)),
            };
            let other = self.deployment.resources().iter().position(|of| of.id == reference.id);
            if other.is_some_and(|other| self.state(other) != Some(ProvisioningState::Succeeded)) {
                return Ok(Body::Waits);
            }
            match self.look_at(reference).await? {
                Ok(()) => {}
                Err(error) => return Ok(Body::Wrong(error)),
            }
        }
    }

    /// Works out the outputs.
    pub(in super::super) async fn outputs(&mut self) -> Result<StepOutcome, StepError> {
        let failed = |error: ArmError| {
            let message = "The outputs could not be worked out. What was deployed stays.";
            let all =
                ArmError::new(409, "DeploymentOutputEvaluationFailed", message).with_details(vec![error]);
            StepError::Fail(json!(all))
        };
        loop {
            let worked_out = self.deployment.outputs(&self.documents);
            let reference = match missing(worked_out, &self.documents).map_err(failed)? {
                Ok(outputs) => {
                    let outputs = Value::Object(outputs);
                    if outputs.to_string().len() > DEPLOYMENT_OUTPUTS_BYTES_MAX {
                        let why = format!("The outputs have more than {DEPLOYMENT_OUTPUTS_BYTES_MAX} bytes.");
                        return Err(failed(ArmError::new(400, "OutputsTooLarge", why)));
                    }
                    return Ok(StepOutcome::Done(Outputs::from_iter([("outputs".to_owned(), outputs)])));
                }
                Err(reference) => reference,
            };
            self.look_at(reference).await?.map_err(failed)?;
        }
    }

    /// Reads a resource; a refusal that stays is given back.
    async fn look_at(&mut self, reference: Reference) -> Result<Result<(), ArmError>, StepError> {
        let mut snapshot = self.tools.records.read().await.map_err(StepError::retry)?;
        match look(&*self.inside, &self.asker, &mut snapshot, &reference).await {
            Ok(document) => {
                self.documents.insert(reference, document);
                Ok(Ok(()))
            }
            Err(Refusal(error)) => {
                self.try_again(&reference.id, &error)?;
                Ok(Err(error.with_target(reference.id.to_string())))
            }
        }
    }
}
