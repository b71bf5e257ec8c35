//! Measuring how ready a cluster is. A node that was stopped for it runs again in the end, whoever ends it.

use std::sync::Arc;

use isobar_workflow::{Context, Outputs, Step, StepError, StepOutcome, Workflow};
use serde_json::json;

use super::ends::EndsValidation;
use super::give_up::failed;
use super::tools::Tools;
use super::work::{READINESS, VALIDATE, Work};
use crate::limits::{
    LARGE_FILE_BYTES_MAX, LARGE_FILE_BYTES_MIN, LARGE_FILES_AT_ONCE, SMALL_FILE_ROOM_BYTES, SMALL_FILES_USUAL,
};
use crate::readiness::ReadinessOrder;
use crate::watch::Observation;

/// The workflow.
pub(super) fn workflow(tools: &Tools) -> Workflow {
    Workflow::new(VALIDATE).step(Looks(tools.clone())).step(Measures(tools.clone())).on_end(EndsValidation)
}

/// Under which name the nodes are noted that ran before.
const RAN: &str = "ran";
/// The same for the size of large files.
const FILE_BYTES: &str = "fileBytes";
/// The same for the number of small ones.
const FILES: &str = "files";

/// Notes which nodes run, how large files can be, and how many small ones there can be.
struct Looks(Tools);

impl Step for Looks {
    fn name(&self) -> &str {
        "look"
    }

    fn words(&self) -> &str {
        "Looking at the cluster"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        let running = self.0.provider(&work)?.running(&work.deployment).await;
        let running = running.map_err(|error| failed(context, error))?;
        let spec = self.0.access(context, &work).await?;
        let sight = self.0.look(context, &work).await?;
        let usable = usable_bytes(&sight.observation, (spec.data_rows, spec.parity_rows));
        let outputs =
            [(RAN, json!(running)), (FILE_BYTES, json!(file_bytes(usable))), (FILES, json!(files(usable)))];
        let outputs = outputs.into_iter().map(|(name, value)| (name.to_owned(), value));
        Ok(StepOutcome::Done(outputs.collect()))
    }
}

/// What can still be written.
fn usable_bytes(seen: &Observation, (data_rows, parity_rows): (u8, u8)) -> u64 {
    let targets = seen.nodes.iter().flat_map(|node| &node.targets);
    let free: u64 = targets.map(|target| target.total_bytes.saturating_sub(target.used_bytes)).sum();
    let rows = u64::from(data_rows) + u64::from(parity_rows);
    free / rows.max(1) * u64::from(data_rows)
}

/// How large a file may be, so that all that are there at once fit.
fn file_bytes(usable_bytes: u64) -> u64 {
    let fits = usable_bytes / LARGE_FILES_AT_ONCE;
    let whole = fits - fits % LARGE_FILE_BYTES_MIN;
    whole.clamp(LARGE_FILE_BYTES_MIN, LARGE_FILE_BYTES_MAX)
}

/// How many small files each process may make, so that all of them fit.
fn files(usable_bytes: u64) -> u64 {
    (usable_bytes / SMALL_FILE_ROOM_BYTES).clamp(1, SMALL_FILES_USUAL)
}

/// Measures.
struct Measures(Tools);

impl Measures {
    /// Starts what ran before: whoever measured may have been killed after stopping a node.
    async fn put_right(&self, context: &Context, work: &Work) -> Result<(), StepError> {
        let ran: Vec<String> = context.output_as(RAN)?.unwrap_or_default();
        self.0.keep_running(context, work, &ran).await
    }
}

impl Step for Measures {
    fn name(&self) -> &str {
        "measure"
    }

    fn words(&self) -> &str {
        "Measuring"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        let load = work.load.clone();
        let load = load.ok_or_else(|| StepError::fail("InvalidInput", "there is no load"))?;
        self.put_right(context, &work).await?;
        let hears = context.clone();
        let wants = context.clone();
        let fits = context.output_as(FILE_BYTES)?.unwrap_or(LARGE_FILE_BYTES_MIN);
        let files = context.output_as(FILES)?.unwrap_or(SMALL_FILES_USUAL);
        let order = ReadinessOrder {
            spec: self.0.access(context, &work).await?,
            provider: self.0.provider(&work)?,
            deployment: work.deployment.clone(),
            file_bytes: load.file_bytes.unwrap_or(fits),
            files: load.files.unwrap_or(files),
            load,
            tell: Arc::new(move |percent, words| hears.report(percent, words)),
            called_off: Box::pin(async move { wants.cancel_wanted().await }),
        };
        match self.0.readiness.measure(order).await {
            Ok(readiness) => {
                Ok(StepOutcome::Done(Outputs::from_iter([(READINESS.to_owned(), json!(readiness))])))
            }
            Err(why) if context.is_cancel_wanted() => Err(StepError::retry(why)),
            Err(why) => Err(StepError::fail("NotMeasured", why)),
        }
    }

    async fn undo(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        self.put_right(context, &work).await?;
        Ok(StepOutcome::done())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::{NodeObservation, NodeState, TargetObservation};

    #[test]
    fn files_fit_into_what_is_free() {
        const MIB: u64 = 1 << 20;
        let of = |nodes: usize, free_bytes: u64| {
            let target = TargetObservation {
                id: "t".into(),
                state: NodeState::Up,
                total_bytes: free_bytes + MIB,
                used_bytes: MIB,
            };
            let node = NodeObservation { targets: vec![target], ..NodeObservation::up("n") };
            let seen = Observation { nodes: vec![node; nodes], ..Observation::unknown("") };
            let usable = usable_bytes(&seen, (2, 1));
            (file_bytes(usable), files(usable))
        };
        assert_eq!(of(3, 64 * MIB), (8 * MIB, 256));
        assert_eq!(of(8, 1 << 40), (512 * MIB, 500));
        assert_eq!(of(3, 0), (MIB, 1));
        assert_eq!(usable_bytes(&Observation::unknown(""), (2, 1)), 0);
    }
}
