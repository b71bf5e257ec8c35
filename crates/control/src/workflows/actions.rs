//! What is done to one node. Whether it may be away is asked of the cluster at the moment before it stops,
//! and again before its disks are blanked.
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
use crate::limits::STEP_LOOKS_EVERY;
use crate::watch::{AskRefusal, NodeState};

/// Restarts a node, or starts one that is down.
pub(super) fn restart(tools: &Tools) -> Workflow {
    Workflow::new(RESTART)
        .step(Checks(tools.clone(), Action::Restart))
        .step(Stops(tools.clone()))
        .step(Starts(tools.clone()))
        .step(Serves(tools.clone()))
        .on_end(EndsAction)
}

/// Replaces what a node has.
pub(super) fn replace(tools: &Tools) -> Workflow {
    Workflow::new(REPLACE)
        .step(Checks(tools.clone(), Action::Replace))
        .step(Stops(tools.clone()))
        .step(Blanks(tools.clone()))
        .step(Starts(tools.clone()))
        .step(Admits(tools.clone()))
        .step(Rebuilds(tools.clone()))
        .on_end(EndsAction)
}

fn node_of(work: &Work) -> Result<&str, StepError> {
    work.node.as_deref().ok_or_else(|| StepError::fail("InvalidInput", "there is no node"))
}

/// Fails unless the node may be away.
async fn check(tools: &Tools, context: &Context, action: Action) -> Result<(), StepError> {
    let work = tools.work(context)?;
    let verdict = judge(action, node_of(&work)?, &tools.look(context, &work).await?);
    match verdict.allowed {
        true => Ok(()),
        false => Err(StepError::fail("UnsafeOperation", verdict.statements.join(" "))),
    }
}

struct Checks(Tools, Action);

impl Step for Checks {
    fn name(&self) -> &str {
        "check"
    }

    fn words(&self) -> &str {
        "Checking whether the node may be away"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        check(&self.0, context, self.1).await?;
        Ok(StepOutcome::done())
    }

    async fn undo(&self, _: &Context) -> Result<StepOutcome, StepError> {
        Ok(StepOutcome::done())
    }
}

struct Stops(Tools);

impl Step for Stops {
    fn name(&self) -> &str {
        "stop"
    }

    fn words(&self) -> &str {
        "Stopping the node"
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        let work = self.0.work(context)?;
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
        check(&self.0, context, Action::Replace).await?;
        let work = self.0.work(context)?;
        let provider = self.0.provider(&work)?;
        let blanked = provider.blank(&work.deployment, node_of(&work)?, context.operation_id()).await;
        blanked.map_err(|error| failed(context, error))?;
        Ok(StepOutcome::done())
    }

    async fn undo(&self, _: &Context) -> Result<StepOutcome, StepError> {
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

    async fn undo(&self, _: &Context) -> Result<StepOutcome, StepError> {
        Ok(StepOutcome::done())
    }
}

/// Starts the node if it has ended meanwhile.
async fn keep_running(tools: &Tools, context: &Context, work: &Work) -> Result<(), StepError> {
    let provider = tools.provider(work)?;
    let node = node_of(work)?;
    let running = provider.running(&work.deployment).await.map_err(|error| failed(context, error))?;
    if !running.contains(node) {
        provider.start(&work.deployment, node).await.map_err(|error| failed(context, error))?;
    }
    Ok(())
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
        let seen = self.0.look(context, &work).await?;
        let node = seen.node(name);
        if node.is_some_and(|node| node.state == NodeState::Up && node.whole) {
            return Ok(StepOutcome::done());
        }
        let words = node.map_or(seen.statement.as_str(), |node| node.statement.as_str());
        if is_late(context, &self.0.time) {
            return Err(StepError::fail("NodeNotReady", format!("{name}: {words}")));
        }
        context.report(50, format!("{name}: {words}"));
        keep_running(&self.0, context, &work).await?;
        Ok(StepOutcome::again(STEP_LOOKS_EVERY))
    }

    async fn undo(&self, _: &Context) -> Result<StepOutcome, StepError> {
        Ok(StepOutcome::done())
    }
}

/// Tells the leader that the blank disks take the places of the lost ones.
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
        let spec = self.0.access(context, &work).await?;
        let seen = self.0.asking.look(&spec).await;
        let node = seen.node(name).filter(|node| node.state == NodeState::Up);
        if node.is_some_and(|node| !node.blank) {
            return Ok(StepOutcome::done());
        }
        let asked = match node {
            // The leader is asked only once the node is seen with its new disks: an old report of it would
            // make the leader find nothing to replace.
            Some(_) => self.0.asking.admit(&spec, name).await,
            None => Err(AskRefusal::Retry(format!("{name} is not up yet"))),
        };
        match asked {
            Err(AskRefusal::Cannot(why)) => return Err(StepError::fail("NodeNotAdmitted", why)),
            Err(AskRefusal::Retry(why)) if is_late(context, &self.0.time) => {
                return Err(StepError::fail("NodeNotAdmitted", why));
            }
            Err(AskRefusal::Retry(why)) => context.report(50, why),
            Ok(()) => context.report(80, format!("The disks of {name} are admitted")),
        }
        keep_running(&self.0, context, &work).await?;
        Ok(StepOutcome::again(STEP_LOOKS_EVERY))
    }

    async fn undo(&self, _: &Context) -> Result<StepOutcome, StepError> {
        Ok(StepOutcome::done())
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
        let seen = self.0.look(context, &work).await?;
        let Some(node) = seen.node(name) else {
            return Err(StepError::retry(seen.statement));
        };
        if node.state == NodeState::Up && node.whole {
            return Ok(StepOutcome::done());
        }
        let (done, all) = node.rebuild.unwrap_or_default();
        let [done, all] = [done, all].map(|rows| usize::try_from(rows).unwrap_or(usize::MAX));
        report(context, done, all, &format!("{name}: {}", node.statement));
        keep_running(&self.0, context, &work).await?;
        Ok(StepOutcome::again(STEP_LOOKS_EVERY))
    }

    async fn undo(&self, _: &Context) -> Result<StepOutcome, StepError> {
        Ok(StepOutcome::done())
    }
}
