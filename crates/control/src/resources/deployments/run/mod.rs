//! One turn of the work on a deployment: it looks at what it waits for, makes what can be made, and says what
//! comes next. What it knows is read anew each time; everything that is to be known later is in the records.

mod values;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use isobar_arm::{ArmError, ProvisioningState, ResourceId};
use isobar_records::{Operation, Tx};
use isobar_template::{Deployment, Documents};
use isobar_workflow::{Context, Outputs, StepError, StepOutcome};
use serde_json::{Value, json};

use super::errors::{hidden, is_of_the_moment, trouble};
use super::made::{self, Made};
use super::plan;
use super::tools::Tools;
use crate::audit;
use crate::call::Caller;
use crate::handler::{Inside, Prepared};
use crate::inside::Asker;
use crate::limits::{DEPLOYMENT_TRIES_MAX, POLL_AFTER_S};
use crate::refusal::Refusal;
use crate::store::Author;
use crate::table::Method;

pub(super) use waiting::give_up_waiting;

/// One turn.
pub(super) struct Run<'c> {
    tools: &'c Tools,
    context: &'c Context,
    inside: Arc<dyn Inside>,
    asker: Asker,
    id: ResourceId,
    deployment: Deployment,
    /// What became of each resource, by its number.
    made: Vec<Option<Made>>,
    documents: Documents,
}

/// The id of the deployment of an operation.
fn id_of(operation: &Operation) -> Result<ResourceId, StepError> {
    ResourceId::parse(&operation.target).map_err(|error| StepError::fail("InvalidInput", error))
}

/// Makes sure that this process is the one that works on the operation, until the transaction ends.
async fn hold(tx: &mut Tx, context: &Context) -> Result<(), StepError> {
    let operation = context.operation();
    let held = tx.hold_operation(&operation.id).await.map_err(StepError::retry)?;
    match held {
        Some(held) if held.fence == operation.fence && held.ended_ms.is_none() && !held.cancel_wanted => {
            Ok(())
        }
        _ => Err(StepError::retry("the deployment is to end, or another process goes on with it")),
    }
}

impl<'c> Run<'c> {
    /// Reads what is known.
    pub(super) async fn load(tools: &'c Tools, context: &'c Context) -> Result<Run<'c>, StepError> {
        let operation = context.operation();
        let inside = tools.door.inside().ok_or_else(|| StepError::retry("the control plane is starting"))?;
        let id = id_of(operation)?;
        let mut snapshot = tools.records.read().await.map_err(StepError::retry)?;
        let deployment = plan::load(&mut snapshot, &tools.sealing, &id).await.map_err(trouble)?;
        let mut made = vec![None; deployment.resources().len()];
        for one in made::load(&mut snapshot, &id).await.map_err(trouble)? {
            if let Some(place) = made.get_mut(one.number) {
                *place = Some(one);
            }
        }
        let text =
            |name: &str| operation.input.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let caller = Caller { object_id: operation.principal.clone(), app_id: text("caller") };
        let asker = Asker {
            caller,
            correlation: operation.correlation.clone(),
            base: text("base"),
            now: tools.time.now(),
        };
        Ok(Run { tools, context, inside, asker, id, deployment, made, documents: Documents::new() })
    }

    /// Makes what can be made now.
    pub(super) async fn turn(&mut self) -> Result<StepOutcome, StepError> {
        self.look_at_waiting().await?;
        let mut goes_on = true;
        while goes_on {
            goes_on = false;
            for at in 0..self.made.len() {
                if self.context.is_cancel_wanted() {
                    return Err(StepError::retry("it is being cancelled"));
                }
                if self.made[at].is_none() && !self.has_failed() && self.is_ready(at) {
                    goes_on |= self.make(at).await?;
                    self.report();
                }
            }
        }
        self.verdict()
    }

    fn state(&self, at: usize) -> Option<ProvisioningState> {
        self.made.get(at)?.as_ref().map(|made| made.state)
    }

    fn is_ready(&self, at: usize) -> bool {
        let needed = &self.deployment.resources()[at].depends_on;
        needed.iter().all(|other| self.state(*other) == Some(ProvisioningState::Succeeded))
    }

    fn has_failed(&self) -> bool {
        self.made.iter().flatten().any(|made| made.state == ProvisioningState::Failed)
    }

    fn report(&self) {
        let all = self.made.len();
        let done =
            self.made.iter().flatten().filter(|made| made.state == ProvisioningState::Succeeded).count();
        let percent = u8::try_from(done * 100 / all.max(1)).unwrap_or(100);
        self.context.report(percent, format!("Made {done} of {all} resources"));
    }

    /// What comes next.
    fn verdict(&self) -> Result<StepOutcome, StepError> {
        let is = |state| self.made.iter().flatten().any(|made| made.state == state);
        if is(ProvisioningState::Creating) {
            return Ok(StepOutcome::again(Duration::from_secs(u64::from(POLL_AFTER_S))));
        }
        if self.has_failed() {
            let failed = self.made.iter().flatten().filter_map(|made| {
                let error = made.error.clone()?;
                Some(if error.target().is_none() {
                    error.with_target(made.target.to_string())
                } else {
                    error
                })
            });
            let message = "At least one resource deployment operation failed. Please list deployment operations \
                 for details.";
            let error = ArmError::new(409, "DeploymentFailed", message).with_details(failed.collect());
            return Err(StepError::Fail(json!(error)));
        }
        if let Some(at) = self.made.iter().position(Option::is_none) {
            let message = format!(
                "'{}': the resource refers to one that is made after it. Name that one in dependsOn.",
                self.deployment.resources()[at].place
            );
            return Err(StepError::Fail(json!(ArmError::new(400, "InvalidTemplate", message))));
        }
        let ids: Vec<Value> = self.deployment.resources().iter().map(|of| json!({"id": of.id})).collect();
        Ok(StepOutcome::Done(Outputs::from_iter([("outputResources".to_owned(), json!(ids))])))
    }

    /// Makes a resource; `false` if it waits for another one.
    async fn make(&mut self, at: usize) -> Result<bool, StepError> {
        let planned = self.deployment.resources()[at].clone();
        let body = match self.body(at).await? {
            values::Body::Ready(body) => body,
            values::Body::Waits => return Ok(false),
            values::Body::Wrong(error) => return self.refused(at, error, None).await,
        };
        let request = self.asker.request(Method::Put, &planned.id, &planned.api_version, Some(&body.body));
        let request = request.map_err(trouble)?;
        let prepared = self.inside.prepare(request, self.asker.caller.clone()).await;
        let mut prepared = match prepared {
            Ok(prepared) => prepared,
            Err(Refusal(error)) => return self.refused(at, error, None).await,
        };
        let mut tx = self.tools.records.begin().await.map_err(StepError::retry)?;
        let inside = self.inside.clone();
        let reply = match inside.write(&mut prepared, &mut tx).await {
            Ok(reply) => reply,
            Err(Refusal(error)) => {
                drop(tx);
                let error = if body.secret { hidden(error) } else { error };
                return self.refused(at, error, Some(&prepared)).await;
            }
        };
        let waits_for = match reply.started {
            true => tx.unended_operation(planned.id.key()).await.map_err(StepError::retry)?,
            false => None,
        };
        let now_ms = self.asker.now.millis();
        let made = Made {
            number: at,
            target: planned.id.clone(),
            state: match waits_for {
                Some(_) => ProvisioningState::Creating,
                None => ProvisioningState::Succeeded,
            },
            status: reply.status,
            error: None,
            waits_for: waits_for.map(|operation| operation.id),
            begun_ms: now_ms,
            changed_ms: now_ms,
        };
        self.keep(&mut tx, at, made).await?;
        tx.commit().await.map_err(StepError::retry)?;
        if reply.started {
            self.inside.notify();
        }
        Ok(true)
    }

    /// Tries again what was refused for the moment only, unless that was done often enough.
    fn try_again(&self, id: &ResourceId, error: &ArmError) -> Result<(), StepError> {
        if !is_of_the_moment(error) || self.context.attempts() >= DEPLOYMENT_TRIES_MAX {
            return Ok(());
        }
        let after = Duration::from_secs(u64::from(error.retry_after_s().unwrap_or(0)));
        Err(StepError::Retry { after, why: format!("{id}: {}", error.message()) })
    }

    /// Notes a resource that was refused, unless it may go better another time.
    async fn refused(
        &mut self,
        at: usize,
        error: ArmError,
        prepared: Option<&Prepared>,
    ) -> Result<bool, StepError> {
        self.try_again(&self.deployment.resources()[at].id, &error)?;
        let mut tx = self.tools.records.begin().await.map_err(StepError::retry)?;
        if let Some(prepared) = prepared {
            let entry = audit::entry(&prepared.call, error.status(), Some(error.code()));
            tx.append_audit(&entry).await.map_err(StepError::retry)?;
        }
        let now_ms = self.asker.now.millis();
        let made = Made {
            number: at,
            target: self.deployment.resources()[at].id.clone(),
            state: ProvisioningState::Failed,
            status: error.status(),
            error: Some(error),
            waits_for: None,
            begun_ms: now_ms,
            changed_ms: now_ms,
        };
        self.keep(&mut tx, at, made).await?;
        tx.commit().await.map_err(StepError::retry)?;
        Ok(true)
    }

    /// Writes down what became of a resource, if this process still may.
    async fn keep(&mut self, tx: &mut Tx, at: usize, made: Made) -> Result<(), StepError> {
        hold(tx, self.context).await?;
        let app_id = self.asker.caller.app_id.clone();
        let author = Author { name: &app_id, now: self.asker.now };
        made::keep(tx, author, &self.id, &made).await.map_err(trouble)?;
        self.made[at] = Some(made);
        Ok(())
    }
}
