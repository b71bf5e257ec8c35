//! Work on one operation that has been claimed: step after step, until it ends, waits, or belongs to
//! somebody else.
//!
//! After each step one save keeps its outputs, the new position and the lease, or gives the operation
//! back. A process that dies leaves the last save behind, and whoever claims next calls the step after it
//! again. Nothing else about an operation is kept anywhere.

use std::sync::Arc;
use std::time::Duration;

use isobar_records::{Operation, Records, RecordsError};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::course::{Course, Next, Then};
use crate::environment::Event;
use crate::lease::{Held, run_step, words_of};
use crate::shared::Shared;
use crate::workflow::{End, Workflow};

/// How long a save that failed is waited with.
const SAVE_RETRY_EVERY: Duration = Duration::from_millis(200);

/// Works on one operation; returns when it is next due if it was given back.
pub(crate) async fn work(
    shared: Arc<Shared>,
    workflow: Arc<Workflow>,
    operation: Operation,
    stop: watch::Receiver<bool>,
) -> Option<i64> {
    shared.environment.observer.see(Event::Claimed(&operation));
    let lease_until_ms = operation.lease_until_ms;
    let mut worker = Worker { shared, workflow, operation, lease_until_ms, stop };
    worker.begin().await?;
    loop {
        match worker.one_step().await? {
            Then::GoOn => {}
            Then::LetGo => return Some(worker.operation.due_ms),
        }
    }
}

struct Worker {
    shared: Arc<Shared>,
    workflow: Arc<Workflow>,
    operation: Operation,
    /// As it is in the database.
    lease_until_ms: i64,
    stop: watch::Receiver<bool>,
}

/// `None` from the methods below means that the operation is none of this worker's business any more.
impl Worker {
    /// Turns back at once what is not wanted any more.
    async fn begin(&mut self) -> Option<()> {
        // The first claim of all: nobody has begun anything.
        let is_begun = self.operation.fence > 1;
        let course = self.shared.course(&self.workflow);
        if course.heed_cancel(&mut self.operation, is_begun) {
            self.save(Then::GoOn, is_begun).await?;
        }
        Some(())
    }

    async fn one_step(&mut self) -> Option<Then> {
        let course = self.course();
        if let Next::End(end) = course.next(&self.operation) {
            return self.end(end).await;
        }
        self.see(Event::StepBegins);
        let held = run_step(&self.shared, &self.workflow, &mut self.operation, &mut self.stop).await;
        self.lease_until_ms = self.operation.lease_until_ms;
        match held {
            Held::Came(tried) => {
                let course = self.shared.course(&self.workflow);
                let was = self.operation.step;
                let then = course.settle(&mut self.operation, tried);
                self.save(then, was == self.operation.step).await
            }
            Held::Stopped => {
                let now_ms = self.shared.now_ms();
                (self.operation.changed_ms, self.operation.due_ms) = (now_ms, now_ms);
                self.save(Then::LetGo, true).await?;
                None
            }
            Held::Lost => {
                self.see(Event::Lost);
                None
            }
        }
    }

    /// Keeps the operation as it is, and gives it back or not. If its end is wanted meanwhile it is
    /// turned back, and the work goes on.
    async fn save(&mut self, then: Then, is_begun: bool) -> Option<Then> {
        loop {
            self.take_lease(then);
            self.see(Event::Saving);
            match self.try_save(then, is_begun).await {
                Ok(then) => {
                    self.lease_until_ms = self.operation.lease_until_ms;
                    self.see(Event::Saved);
                    return Some(then);
                }
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    async fn try_save(&mut self, then: Then, is_begun: bool) -> Result<Then, RecordsError> {
        let mut tx = self.shared.records.begin().await?;
        self.operation.cancel_wanted |= tx.save_operation(&self.operation).await?;
        let course = self.shared.course(&self.workflow);
        let stops = *self.stop.borrow();
        let then = if !stops && course.heed_cancel(&mut self.operation, is_begun) {
            self.take_lease(Then::GoOn);
            tx.save_operation(&self.operation).await?;
            Then::GoOn
        } else {
            then
        };
        tx.commit().await?;
        Ok(then)
    }

    /// Ends the operation together with what its workflow writes then.
    async fn end(&mut self, end: End) -> Option<Then> {
        let ended = self.course().ended(&self.operation, end);
        let observer = self.shared.environment.observer.clone();
        observer.see(Event::Saving(&ended));
        let mut task = JoinSet::new();
        task.spawn(conclude(self.shared.records.clone(), self.workflow.clone(), ended.clone(), end));
        let why = match task.join_next().await? {
            Ok(Ok(())) => {
                observer.see(Event::Saved(&ended));
                observer.see(Event::Ended(&ended));
                return None;
            }
            Ok(Err(RecordsError::Lost { .. })) => {
                self.see(Event::Lost);
                return None;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => words_of(&*error.try_into_panic().ok()?),
        };
        let course = self.shared.course(&self.workflow);
        let then = course.retry(&mut self.operation, Duration::ZERO, &why);
        self.save(then, true).await
    }

    /// After a save that failed: waits for the next try, as long as there is a lease to try it under.
    async fn wait_after(&mut self, error: RecordsError) -> Option<()> {
        if let RecordsError::Lost { .. } = error {
            self.see(Event::Lost);
            return None;
        }
        tracing::warn!(operation = self.operation.id, %error, "an operation was not saved");
        if self.shared.now_ms() >= self.lease_until_ms {
            return None;
        }
        tokio::time::sleep(SAVE_RETRY_EVERY).await;
        Some(())
    }

    fn take_lease(&mut self, then: Then) {
        match then {
            Then::GoOn => {
                self.operation.owner.clone_from(&self.shared.owner);
                self.operation.lease_until_ms = self.shared.lease_until_ms();
            }
            Then::LetGo => {
                self.operation.owner.clear();
                self.operation.lease_until_ms = 0;
            }
        }
    }

    fn course(&self) -> Course<'_> {
        self.shared.course(&self.workflow)
    }

    fn see<'a>(&'a self, event: impl FnOnce(&'a Operation) -> Event<'a>) {
        self.shared.environment.observer.see(event(&self.operation));
    }
}

/// The last transaction. It is a task of its own: what a workflow writes there may panic.
async fn conclude(
    records: Records,
    workflow: Arc<Workflow>,
    ended: Operation,
    end: End,
) -> Result<(), RecordsError> {
    let mut tx = records.begin().await?;
    tx.save_operation(&ended).await?;
    workflow.finish().finish(&mut tx, &ended, end).await?;
    tx.commit().await
}
