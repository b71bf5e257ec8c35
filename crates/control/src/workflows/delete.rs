//! Deleting a cluster: its nodes stop, then everything is taken away, then its records go.

use isobar_workflow::{Context, Step, StepError, StepOutcome, Workflow};

use super::create::report;
use super::ends::EndsDelete;
use super::give_up::again;
use super::tools::Tools;
use super::work::DELETE;

/// The workflow.
pub(super) fn workflow(tools: &Tools) -> Workflow {
    Workflow::new(DELETE)
        .step(Stops(tools.clone()))
        .no_return()
        .step(Removes(tools.clone()))
        .on_end(EndsDelete)
}

struct Stops(Tools);

impl Step for Stops {
    fn name(&self) -> &str {
        "stop"
    }

    fn words(&self) -> &str {
        "Stopping the nodes"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        let provider = self.0.provider(&work)?;
        let running = provider.running(&work.deployment).await.map_err(again)?;
        for (at, node) in running.iter().enumerate() {
            report(context, at, running.len(), &format!("{} nodes run", running.len() - at));
            provider.stop(&work.deployment, node).await.map_err(again)?;
        }
        Ok(StepOutcome::done())
    }

    async fn undo(&self, _: &Context) -> Result<StepOutcome, StepError> {
        // Nobody cancels a deletion, and nothing fails here for good.
        Ok(StepOutcome::done())
    }
}

struct Removes(Tools);

impl Step for Removes {
    fn name(&self) -> &str {
        "remove"
    }

    fn words(&self) -> &str {
        "Taking away machines, disks and credentials"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        self.0.provider(&work)?.remove(&work.deployment).await.map_err(again)?;
        Ok(StepOutcome::done())
    }

    async fn undo(&self, _: &Context) -> Result<StepOutcome, StepError> {
        Ok(StepOutcome::done())
    }
}
