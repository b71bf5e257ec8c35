//! Points at which a process dies: they are passed one after the other, and at a given one it goes no
//! further.

use std::future::pending;
use std::sync::Arc;

use isobar_records::{Operation, RecordsError, Tx};
use isobar_workflow::{Context, End, Event, Finish, Observer, Outputs, Step, StepError, StepOutcome};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::watch;

use super::in_time;
use super::world::{World, WritesTheEnd};

/// The points of one process.
#[derive(Clone)]
pub struct Points {
    passed: Arc<Mutex<Vec<String>>>,
    dies_at: usize,
    is_dead: watch::Sender<bool>,
}

impl Points {
    /// Points of which the one with this number is the last.
    pub fn dying_at(number: usize) -> Points {
        Points { passed: Arc::default(), dies_at: number, is_dead: watch::Sender::new(false) }
    }

    /// Points that are all passed.
    pub fn living() -> Points {
        Points::dying_at(usize::MAX)
    }

    /// Passes one, or never returns.
    pub async fn pass(&self, name: String) {
        if !self.may_pass(name) {
            pending().await
        }
    }

    /// Their names so far.
    pub fn passed(&self) -> Vec<String> {
        self.passed.lock().clone()
    }

    /// Waits until the process has come to its last point.
    pub async fn death(&self) {
        let mut dead = self.is_dead.subscribe();
        in_time("the last point", dead.wait_for(|dead| *dead)).await.expect("points");
    }

    fn may_pass(&self, name: String) -> bool {
        let mut passed = self.passed.lock();
        let may = passed.len() < self.dies_at;
        if may {
            passed.push(name);
        } else {
            self.is_dead.send_replace(true);
        }
        may
    }
}

impl Observer for Points {
    fn see(&self, event: Event<'_>) {
        let name = match event {
            Event::Claimed(_) => "claimed".to_owned(),
            Event::Saving(operation) => format!("before saving {}", operation.message),
            Event::Saved(operation) => format!("after saving {}", operation.message),
            _ => return,
        };
        // A worker that panics here is gone as if the process were.
        assert!(self.may_pass(name), "dies here");
    }
}

/// A step that makes a thing in the world.
pub struct Makes {
    pub name: &'static str,
    pub world: World,
    pub points: Points,
    /// What else it does once the thing is made.
    pub then: Then,
}

/// What a step does once its thing is made.
#[derive(Clone)]
pub enum Then {
    Goes,
    Fails,
    /// Wants the operation to end, as a user would meanwhile.
    Cancels(isobar_records::Records),
}

impl Step for Makes {
    fn name(&self) -> &str {
        self.name
    }

    fn words(&self) -> &str {
        self.name
    }

    async fn run(&self, context: &Context) -> Result<StepOutcome, StepError> {
        self.points.pass(format!("before making {}", self.name)).await;
        self.world.make(&context.mark());
        self.points.pass(format!("after making {}", self.name)).await;
        match &self.then {
            Then::Goes => {}
            Then::Fails => return Err(StepError::fail("Quota", "none left")),
            Then::Cancels(records) => {
                let mut tx = records.begin().await.map_err(StepError::retry)?;
                let now_ms = context.operation().changed_ms;
                tx.request_cancel(context.operation_id(), now_ms).await.map_err(StepError::retry)?;
                tx.commit().await.map_err(StepError::retry)?;
            }
        }
        let made = Outputs::from_iter([(self.name.to_owned(), json!(context.mark()))]);
        Ok(StepOutcome::Done(made))
    }

    async fn undo(&self, context: &Context) -> Result<StepOutcome, StepError> {
        self.points.pass(format!("before unmaking {}", self.name)).await;
        self.world.take_away(&context.mark());
        self.points.pass(format!("after unmaking {}", self.name)).await;
        Ok(StepOutcome::done())
    }
}

/// Writes the end, with a point before and behind it.
pub struct Ends(pub Points);

impl Finish for Ends {
    async fn finish(&self, tx: &mut Tx, operation: &Operation, end: End) -> Result<(), RecordsError> {
        self.0.pass("before writing the end".to_owned()).await;
        WritesTheEnd.finish(tx, operation, end).await?;
        self.0.pass("after writing the end".to_owned()).await;
        Ok(())
    }
}
