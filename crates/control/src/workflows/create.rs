//! Making a cluster: what does not fit is found before anything is made; what fails later is taken away.

use isobar_arm::ArmError;
use isobar_provider::{Misfit, Plan};
use isobar_workflow::{Context, Outputs, Step, StepError, StepOutcome, Workflow};
use serde_json::json;

use super::ends::EndsCreate;
use super::give_up::{again, begins, failed, is_late};
use super::tools::Tools;
use super::work::{CREATE, MADE, Work};
use crate::clusters::Made;
use crate::limits::STEP_LOOKS_EVERY;
use crate::watch::HealthState;

/// The workflow.
pub(super) fn workflow(tools: &Tools) -> Workflow {
    Workflow::new(CREATE)
        .step(Checks(tools.clone()))
        .step(Makes(tools.clone()))
        .step(Starts(tools.clone()))
        .step(Founds(tools.clone()))
        .on_end(EndsCreate)
}

/// The error of an operation whose plan does not fit.
fn refused(misfits: &[Misfit]) -> ArmError {
    let details =
        misfits.iter().map(|misfit| ArmError::new(409, "DoesNotFit", &misfit.why).with_target(&misfit.of));
    let first = misfits.first().map_or("", |misfit| misfit.why.as_str());
    let error = ArmError::new(409, "DoesNotFit", format!("The cluster does not fit: {first}"));
    error.with_details(details.collect())
}

fn plan_of(work: &Work) -> Result<&Plan, StepError> {
    work.plan.as_ref().ok_or_else(|| StepError::fail("InvalidInput", "there is no plan to make"))
}

struct Checks(Tools);

impl Step for Checks {
    fn name(&self) -> &str {
        "check"
    }

    fn words(&self) -> &str {
        "Checking whether the cluster fits"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        let misfits = self.0.provider(&work)?.check(plan_of(&work)?).await;
        let misfits = misfits.map_err(|error| failed(context, error))?;
        match misfits.is_empty() {
            true => Ok(StepOutcome::done()),
            false => Err(StepError::Fail(json!(refused(&misfits)))),
        }
    }
}

struct Makes(Tools);

impl Step for Makes {
    fn name(&self) -> &str {
        "make"
    }

    fn words(&self) -> &str {
        "Making machines, identity and credentials"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        let provider = self.0.provider(&work)?;
        let plan = plan_of(&work)?;
        let spec = provider.make(plan).await.map_err(|error| failed(context, error))?;
        let made = Made::of(&spec, provider.mount_command(&plan.cluster, &plan.name));
        Ok(StepOutcome::Done(Outputs::from_iter([(MADE.to_owned(), json!(made))])))
    }

    async fn undo(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        self.0.provider(&work)?.remove(&work.deployment).await.map_err(again)?;
        Ok(StepOutcome::done())
    }
}

/// The names of the nodes that were made.
fn nodes_of(context: &Context) -> Result<Vec<String>, StepError> {
    let made: Option<Made> = context.output_as(MADE)?;
    let made = made.ok_or_else(|| StepError::fail("InvalidOutput", "there is nothing made"))?;
    Ok(made.nodes.into_iter().map(|(name, _)| name).collect())
}

struct Starts(Tools);

impl Step for Starts {
    fn name(&self) -> &str {
        "start"
    }

    fn words(&self) -> &str {
        "Starting the nodes"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        let provider = self.0.provider(&work)?;
        let nodes = nodes_of(context)?;
        for (at, node) in nodes.iter().enumerate() {
            if context.is_cancel_wanted() {
                return Err(StepError::retry("somebody wants it to end"));
            }
            report(context, at, nodes.len(), &format!("{at} of {} nodes are started", nodes.len()));
            provider.start(&work.deployment, node).await.map_err(|error| failed(context, error))?;
        }
        Ok(StepOutcome::Done(begins(&self.0.time)))
    }

    // Nothing to undo: what is made is taken away with all that runs of it.
}

struct Founds(Tools);

impl Step for Founds {
    fn name(&self) -> &str {
        "found"
    }

    fn words(&self) -> &str {
        "Founding the cluster"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        let sight = self.0.look(context, &work).await?;
        let seen = &sight.observation;
        if seen.state == HealthState::Healthy {
            return Ok(StepOutcome::done());
        }
        let attention = seen.attention.first().map_or(String::new(), |first| format!(" {first}"));
        let words = format!("{}{attention}", seen.statement);
        if is_late(context, &self.0.time) {
            return Err(StepError::fail("ClusterNotReady", format!("It does not become healthy: {words}")));
        }
        let nodes = nodes_of(context)?;
        report(context, seen.nodes_up(), nodes.len() + 1, &words);
        self.0.keep_running(context, &work, &nodes).await?;
        Ok(StepOutcome::again(STEP_LOOKS_EVERY))
    }
}

/// Says that so much of so much is done.
pub(super) fn report(context: &Context, done: usize, all: usize, words: &str) {
    let percent = done.saturating_mul(100).checked_div(all).unwrap_or(0).min(100);
    context.report(u8::try_from(percent).unwrap_or(100), words);
}
