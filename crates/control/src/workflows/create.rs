//! Making a cluster: what does not fit is found before anything is made; what fails later is taken away.

use std::sync::Arc;

use isobar_arm::ArmError;
use isobar_provider::{Misfit, Plan, Provider};
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

/// A plan that does not fit.
pub(crate) struct Refused(pub Vec<Misfit>);

impl Refused {
    /// As an operation's error.
    pub(crate) fn error(&self) -> ArmError {
        let details = self.0.iter().map(|misfit| {
            let target = if misfit.of.is_empty() { "" } else { &misfit.of };
            ArmError::new(409, "DoesNotFit", &misfit.why).with_target(target)
        });
        let details: Vec<ArmError> = details.collect();
        let first = self.0.first().map_or("", |misfit| misfit.why.as_str());
        ArmError::new(409, "DoesNotFit", format!("The cluster does not fit: {first}")).with_details(details)
    }
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
            false => Err(StepError::Fail(json!(Refused(misfits).error()))),
        }
    }

    async fn undo(&self, _: &Context) -> Result<StepOutcome, StepError> {
        Ok(StepOutcome::done())
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

    async fn undo(&self, _: &Context) -> Result<StepOutcome, StepError> {
        // What is made is taken away with all that runs of it.
        Ok(StepOutcome::done())
    }
}

struct Founds(Tools);

impl Founds {
    /// Starts again what has ended meanwhile: another program had its port, say.
    async fn keep_running(
        &self,
        context: &Context,
        work: &Work,
        provider: &Arc<dyn Provider>,
    ) -> Result<(), StepError> {
        let running = provider.running(&work.deployment).await.map_err(|error| failed(context, error))?;
        for node in nodes_of(context)?.iter().filter(|node| !running.contains(*node)) {
            provider.start(&work.deployment, node).await.map_err(|error| failed(context, error))?;
        }
        Ok(())
    }
}

impl Step for Founds {
    fn name(&self) -> &str {
        "found"
    }

    fn words(&self) -> &str {
        "Founding the cluster"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        let provider = self.0.provider(&work)?;
        let seen = self.0.look(context, &work).await?;
        if seen.state == HealthState::Healthy {
            return Ok(StepOutcome::done());
        }
        let attention = seen.attention.first().map_or(String::new(), |first| format!(" {first}"));
        let words = format!("{}{attention}", seen.statement);
        if is_late(context, &self.0.time) {
            return Err(StepError::fail("ClusterNotReady", format!("It does not become healthy: {words}")));
        }
        report(context, seen.nodes_up(), nodes_of(context)?.len() + 1, &words);
        self.keep_running(context, &work, &provider).await?;
        Ok(StepOutcome::again(STEP_LOOKS_EVERY))
    }

    async fn undo(&self, _: &Context) -> Result<StepOutcome, StepError> {
        Ok(StepOutcome::done())
    }
}

/// Says that so much of so much is done.
pub(super) fn report(context: &Context, done: usize, all: usize, words: &str) {
    let percent = done.saturating_mul(100).checked_div(all).unwrap_or(0).min(100);
    context.report(u8::try_from(percent).unwrap_or(100), words);
}
