//! Running a step under a lease.
//!
//! The step is a task of its own, so a panic ends nothing but it. While it runs the lease is renewed, its
//! progress is written down, and a wish to end the operation is passed on. When the lease is lost, or the
//! engine stops, the task is dropped and gone before anything else is done.

use std::sync::Arc;
use std::time::Duration;

use isobar_records::{Operation, RecordsError};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use crate::context::{Context, Progress};
use crate::course::{Next, Tried, shown};
use crate::outcome::{StepError, StepOutcome};
use crate::shared::Shared;
use crate::workflow::Workflow;

/// How the running of a step ended.
#[derive(Debug)]
pub(crate) enum Held {
    /// By itself.
    Came(Tried),
    /// Somebody else has the operation, or may have.
    Lost,
    /// The engine stops.
    Stopped,
}

/// Runs the present step of an operation, forward or backward. The operation takes on what the step
/// reported last, and whether its end is wanted.
pub(crate) async fn run_step(
    shared: &Shared,
    workflow: &Arc<Workflow>,
    operation: &mut Operation,
    stop: &mut watch::Receiver<bool>,
) -> Held {
    let course = shared.course(workflow);
    let (at, undoes) = match course.next(operation) {
        Next::Do(at) => (at, false),
        Next::Undo(at) => (at, true),
        Next::End(_) => return Held::Stopped,
    };
    let Some(step) = workflow.steps().get(at).cloned() else {
        let why = format!("its workflow {} has no step {at}", workflow.name());
        return Held::Came(Tried::Panicked(why));
    };
    let (progress, mut reports) = watch::channel(None);
    if operation.attempts > 0 {
        // The message says why it waited; by now it does not wait.
        progress.send_replace(Some(Progress { percent: 0, message: course.words(operation) }));
        reports.mark_changed();
    }
    let (cancel, wanted) = watch::channel(operation.cancel_wanted);
    let context = Context::new(Arc::new(operation.clone()), step.name().into(), wanted, progress);

    // From here on: a wish that comes before the step does anything is heard at once.
    let bell = shared.cancel.subscribe();
    let mut task = JoinSet::new();
    task.spawn(async move { if undoes { step.undo(&context).await } else { step.run(&context).await } });
    let mut hold = Hold { shared, workflow, operation, bell, cancel, reports };
    let held = hold.until_done(&mut task, stop).await;
    // What it holds is free before somebody else is let at it.
    task.shutdown().await;
    hold.take_report();
    held
}

type StepResult = Result<StepOutcome, StepError>;

/// A lease that is renewed.
struct Hold<'a> {
    shared: &'a Shared,
    workflow: &'a Workflow,
    operation: &'a mut Operation,
    /// The end of something that runs here may be wanted.
    bell: watch::Receiver<()>,
    cancel: watch::Sender<bool>,
    reports: watch::Receiver<Option<Progress>>,
}

impl Hold<'_> {
    async fn until_done(&mut self, task: &mut JoinSet<StepResult>, stop: &mut watch::Receiver<bool>) -> Held {
        let every = Duration::from_millis(self.shared.options.renew_ms.max(1));
        let mut renewal = interval_at(Instant::now() + every, every);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                done = task.join_next() => return came(done),
                () = stopped(stop) => return Held::Stopped,
                _ = self.bell.changed() => {}
                _ = renewal.tick() => {}
            }
            // A database that does not answer keeps no step beyond its lease, and no engine from stopping.
            let left_ms = self.operation.lease_until_ms.saturating_sub(self.shared.now_ms());
            let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(0));
            let renewed = tokio::select! {
                biased;
                () = stopped(stop) => return Held::Stopped,
                renewed = timeout(left, self.renew()) => renewed,
            };
            match renewed {
                Ok(Ok(())) => {}
                Err(_) | Ok(Err(RecordsError::Lost { .. })) => return Held::Lost,
                Ok(Err(_)) if self.shared.now_ms() >= self.operation.lease_until_ms => return Held::Lost,
                Ok(Err(error)) => {
                    tracing::warn!(operation = self.operation.id, %error, "a lease was not renewed");
                }
            }
        }
    }

    async fn renew(&mut self) -> Result<(), RecordsError> {
        let lease_until_ms = self.shared.lease_until_ms();
        let has_report = self.reports.has_changed().unwrap_or(true);
        self.take_report();
        let operation = &mut *self.operation;
        let mut tx = self.shared.records.begin().await?;
        let wanted = tx.renew_operation(&operation.id, operation.fence, lease_until_ms).await?;
        if has_report {
            let (percent, message) = (operation.percent, &operation.message);
            let now_ms = self.shared.now_ms();
            tx.note_progress(&operation.id, operation.fence, percent, message, now_ms).await?;
        }
        tx.commit().await?;
        operation.lease_until_ms = lease_until_ms;
        operation.cancel_wanted |= wanted;
        self.cancel.send_if_modified(|was| std::mem::replace(was, wanted) != wanted);
        Ok(())
    }

    /// The operation takes on what the step reported last.
    fn take_report(&mut self) {
        let report = self.reports.borrow_and_update().clone();
        if let Some(Progress { percent, message }) = report {
            let course = self.shared.course(self.workflow);
            self.operation.percent = course.percent(self.operation, percent);
            self.operation.message = shown(&message);
        }
    }
}

/// Returns when the engine stops, or is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

fn came(done: Option<Result<StepResult, JoinError>>) -> Held {
    match done {
        Some(Ok(result)) => Held::Came(Tried::Came(result)),
        Some(Err(error)) => match error.try_into_panic() {
            Ok(panic) => Held::Came(Tried::Panicked(words_of(&*panic))),
            // The runtime goes down.
            Err(_) => Held::Stopped,
        },
        None => Held::Stopped,
    }
}

/// What a panic says.
pub(crate) fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}
