//! What is done to one node. Whether it may be away is asked of the cluster in the very step that stops it,
//! whenever that is tried, and again in the one that blanks its disks.
//!
//! Nothing of it is undone but that a stopped node is started again: what was blanked is gone, and a node
//! that is not whole stays so until it is replaced again. The cluster's health says how it is.

use isobar_workflow::{Context, Step, StepError, StepOutcome, Workflow};

use super::create::report;
use super::ends::EndsAction;
use super::give_up::{begins, failed, is_late};
use super::safety::{Action, judge};
use super::tools::Tools;
use super::work::{REPLACE, RESTART, Work};
use crate::limits::{PROVIDER_TRIES_MAX, STEP_LOOKS_EVERY};
use crate::watch::{AskRefusal, NodeObservation, NodeState, Observation};

/// Restarts a node, or starts one that is down.
pub(super) fn restart(tools: &Tools) -> Workflow {
    Workflow::new(RESTART)
        .step(Stops(tools.clone(), Action::Restart))
        .step(Starts(tools.clone()))
        .step(Serves(tools.clone()))
        .on_end(EndsAction)
}

/// Replaces what a node has.
pub(super) fn replace(tools: &Tools) -> Workflow {
    Workflow::new(REPLACE)
        .step(Stops(tools.clone(), Action::Replace))
        .step(Blanks(tools.clone()))
        .step(Starts(tools.clone()))
        .step(Admits(tools.clone()))
        .step(Rebuilds(tools.clone()))
        .on_end(EndsAction)
}

fn node_of(work: &Work) -> Result<&str, StepError> {
    work.node.as_deref().ok_or_else(|| StepError::fail("InvalidInput", "there is no node"))
}

/// Fails unless the node may be away. Where nobody knows, it is asked again: who led may just have stopped.
async fn check(tools: &Tools, context: &Context, work: &Work, action: Action) -> Result<(), StepError> {
    let verdict = judge(action, node_of(work)?, &tools.look(context, work).await?.observation);
    let why = verdict.statements.join(" ");
    match verdict.allowed {
        true => Ok(()),
        false if !verdict.known && context.attempts() + 1 < PROVIDER_TRIES_MAX => Err(StepError::retry(why)),
        false => Err(StepError::fail("UnsafeOperation", why)),
    }
}

/// Stops the node, if it may be away.
struct Stops(Tools, Action);

impl Step for Stops {
    fn name(&self) -> &str {
        "stop"
    }

    fn words(&self) -> &str {
        "Stopping the node"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        check(&self.0, context, &work, self.1).await?;
        let stopped = self.0.provider(&work)?.stop(&work.deployment, node_of(&work)?).await;
        stopped.map_err(|error| failed(context, error))?;
        Ok(StepOutcome::done())
    }

    async fn undo(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        // If that fails, too, the node is down and the health says so: nobody waits for it for ever.
        if let Err(error) = self.0.provider(&work)?.start(&work.deployment, node_of(&work)?).await {
            tracing::warn!(cluster = %work.id, %error, "a node was not started again");
        }
        Ok(StepOutcome::done())
    }
}

struct Blanks(Tools);

impl Step for Blanks {
    fn name(&self) -> &str {
        "blank"
    }

    fn words(&self) -> &str {
        "Blanking the disks of the node"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        check(&self.0, context, &work, Action::Replace).await?;
        let provider = self.0.provider(&work)?;
        let blanked = provider.blank(&work.deployment, node_of(&work)?, context.operation_id()).await;
        blanked.map_err(|error| failed(context, error))?;
        Ok(StepOutcome::done())
    }
}

struct Starts(Tools);

impl Step for Starts {
    fn name(&self) -> &str {
        "start"
    }

    fn words(&self) -> &str {
        "Starting the node"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        let started = self.0.provider(&work)?.start(&work.deployment, node_of(&work)?).await;
        started.map_err(|error| failed(context, error))?;
        Ok(StepOutcome::Done(begins(&self.0.time)))
    }
}

/// Waits until the node serves, with everything it should have.
struct Serves(Tools);

impl Step for Serves {
    fn name(&self) -> &str {
        "serve"
    }

    fn words(&self) -> &str {
        "Waiting until the node serves"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        let name = node_of(&work)?;
        let sight = self.0.look(context, &work).await?;
        let seen = &sight.observation;
        let node = seen.node(name);
        if node.is_some_and(|node| node.state == NodeState::Up && node.whole) {
            return Ok(StepOutcome::done());
        }
        let words = node.map_or(seen.statement.as_str(), |node| node.statement.as_str());
        if is_late(context, &self.0.time) {
            return Err(StepError::fail("NodeNotReady", format!("{name}: {words}")));
        }
        context.report(50, format!("{name}: {words}"));
        self.0.keep_running(context, &work, work.node.as_slice()).await?;
        Ok(StepOutcome::again(STEP_LOOKS_EVERY))
    }
}

/// Whether a node has disks that a leader does not know, if one says so. Without a leader nobody knows what
/// is part of the cluster.
fn is_blank(node: &NodeObservation, seen: &Observation) -> Option<bool> {
    (node.state == NodeState::Up && seen.leader.is_some()).then_some(node.blank)
}

/// Tells the leader that the blank disks of a node take the places of the lost ones; gives what came of it.
async fn admit(tools: &Tools, context: &Context, work: &Work) -> Result<String, StepError> {
    let (spec, name) = (tools.access(context, work).await?, node_of(work)?);
    match tools.asking.admit(&spec, name).await {
        Ok(()) => Ok(format!("The disks of {name} are admitted, and not seen in the cluster yet")),
        Err(AskRefusal::Retry(why)) => Ok(why),
        Err(AskRefusal::Cannot(why)) => Err(StepError::fail("NodeNotAdmitted", why)),
    }
}

/// Has the blank disks admitted to the cluster.
struct Admits(Tools);

impl Step for Admits {
    fn name(&self) -> &str {
        "admit"
    }

    fn words(&self) -> &str {
        "Admitting the blank disks to the cluster"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        let name = node_of(&work)?;
        let sight = self.0.look(context, &work).await?;
        let seen = &sight.observation;
        let words = match seen.node(name).and_then(|node| is_blank(node, seen)) {
            Some(false) => return Ok(StepOutcome::done()),
            // The leader is asked only once the node is seen with its new disks: an old report of it would
            // make the leader find nothing to replace.
            Some(true) => admit(&self.0, context, &work).await?,
            None => format!("{name} is not up yet, or nobody leads: {}", seen.statement),
        };
        if is_late(context, &self.0.time) {
            return Err(StepError::fail("NodeNotAdmitted", words));
        }
        context.report(50, words);
        self.0.keep_running(context, &work, work.node.as_slice()).await?;
        Ok(StepOutcome::again(STEP_LOOKS_EVERY))
    }
}

/// Waits until every row is back, however long that takes: others are built meanwhile, and it can be
/// cancelled.
struct Rebuilds(Tools);

impl Step for Rebuilds {
    fn name(&self) -> &str {
        "rebuild"
    }

    fn words(&self) -> &str {
        "Building the rows of the node again"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
        let name = node_of(&work)?;
        let sight = self.0.look(context, &work).await?;
        let seen = &sight.observation;
        let Some(node) = seen.node(name) else {
            return Err(StepError::retry(&seen.statement));
        };
        if node.state == NodeState::Up && node.whole {
            return Ok(StepOutcome::done());
        }
        if is_blank(node, seen) == Some(true) {
            // Others came since, or not all were admitted.
            admit(&self.0, context, &work).await?;
        }
        let (done, all) = node.rebuild.unwrap_or_default();
        let [done, all] = [done, all].map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
        report(context, done, all, &format!("{name}: {}", node.statement));
        self.0.keep_running(context, &work, work.node.as_slice()).await?;
        Ok(StepOutcome::again(STEP_LOOKS_EVERY))
    }
}
