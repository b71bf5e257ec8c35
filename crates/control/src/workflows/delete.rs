//! Deleting a cluster: everything is taken away, whatever runs of it, then its records go.

use isobar_workflow::{Context, Step, StepError, StepOutcome, Workflow};

use super::ends::EndsDelete;
use super::give_up::again;
use super::tools::Tools;
use super::work::DELETE;

/// The workflow. There is no way back from the beginning: what is being taken away is gone in part.
pub(super) fn workflow(tools: &Tools) -> Workflow {
    Workflow::new(DELETE).no_return().step(Removes(tools.clone())).on_end(EndsDelete)
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

    // Nothing to undo: nobody cancels a deletion, and nothing fails here for good.
}
