//! Several processes on one database, and what a lost lease means.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use isobar_records::testing::TestDatabase;
use isobar_records::{OperationFilter, Status};
use isobar_workflow::{Context, Options, Outputs, StepError, StepOutcome, SystemClock, Workflow};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::watch;

use crate::common::acts::Acts;
use crate::common::world::{World, WritesTheEnd, ends_of};
use crate::common::{Losses, ManualClock, OPTIONS, Process, in_time, until};

/// How often the mortal process takes a step before it gets stuck there.
const CALLS_BEFORE_STUCK: u32 = 5;

/// What the processes of a test know of each other.
#[derive(Clone, Default)]
struct Crowd {
    owners: Arc<Mutex<BTreeSet<String>>>,
    /// Calls of the step that one process gets stuck in.
    calls: Arc<Mutex<u32>>,
}

impl Crowd {
    /// Waits until two processes take part.
    async fn meet(self, context: Context) -> Result<StepOutcome, StepError> {
        self.owners.lock().insert(context.operation().owner.clone());
        until("a second process takes part", || self.owners.lock().len() == 2).await;
        let owner = json!(context.operation().owner);
        Ok(StepOutcome::Done(Outputs::from_iter([("owner".to_owned(), owner)])))
    }

    /// Goes, but for one of the processes after its first few calls. The other one waits for that.
    async fn get_stuck(self, context: Context) -> Result<StepOutcome, StepError> {
        if context.operation().owner == "mortal" {
            let calls = {
                let mut calls = self.calls.lock();
                *calls += 1;
                *calls
            };
            if calls > CALLS_BEFORE_STUCK {
                pending::<()>().await;
            }
        }
        if context.operation().owner == "other" {
            self.stuck().await;
        }
        Ok(StepOutcome::done())
    }

    /// Waits until the one process is stuck with all that it may have at once.
    async fn stuck(&self) {
        let all = CALLS_BEFORE_STUCK + OPTIONS.at_once as u32;
        until("one process is stuck", || *self.calls.lock() >= all).await;
    }
}

async fn many_operations_are_shared_and_outlive_a_process(database: TestDatabase) {
    const OPERATIONS: usize = 40;
    let (world, crowd) = (World::new(), Crowd::default());
    let options = Options { lease_ms: 5_000, renew_ms: 200, ..OPTIONS };
    let workflow = || {
        let (meets, sticks) = (crowd.clone(), crowd.clone());
        Workflow::new("w")
            .step(Acts::new("a", &world).acting(move |context| meets.clone().meet(context)))
            .step(Acts::new("b", &world).acting(move |context| sticks.clone().get_stuck(context)))
            .step(Acts::new("c", &world))
            .on_end(WritesTheEnd)
    };
    let process = |owner| Process::new(&database, workflow(), owner, options, SystemClock, Losses::default());
    let (mortal, other) = (process("mortal").await.run(), process("other").await.run());
    for n in 0..OPERATIONS {
        mortal.start(&format!("o{n}")).await;
    }
    crowd.stuck().await;
    mortal.kill().await;
    let mut owners = BTreeSet::new();
    for n in 0..OPERATIONS {
        let id = format!("o{n}");
        let operation = other.ended(&id).await;
        assert_eq!(operation.status, Status::Succeeded);
        assert_eq!(ends_of(&other.records, &id).await, ["Succeeded"]);
        owners.insert(operation.outputs["owner"].to_string());
    }
    assert_eq!(owners.len(), 2, "both took part");
    let mut expected: Vec<String> =
        (0..OPERATIONS).flat_map(|n| ["a", "b", "c"].map(|step| format!("o{n}/{step}"))).collect();
    expected.sort();
    assert_eq!(world.things(), expected);
    let mut snapshot = other.records.read().await.unwrap();
    let unended = OperationFilter { unended: true, ..OperationFilter::default() };
    assert_eq!(snapshot.list_operations(&unended).await.unwrap(), []);
}

async fn what_an_older_owner_saves_does_not_count(database: TestDatabase) {
    let (world, clock, losses) = (World::new(), ManualClock::new(), Losses::default());
    let gate = watch::Sender::new(false);
    let entered = Arc::new(Mutex::new(0));
    let waits = {
        let (gate, entered) = (gate.clone(), entered.clone());
        Acts::new("a", &world).acting(move |_| {
            *entered.lock() += 1;
            let mut gate = gate.subscribe();
            async move {
                gate.wait_for(|open| *open).await.map_err(StepError::retry)?;
                Ok(StepOutcome::Done(Outputs::from_iter([("by".to_owned(), json!("the old owner"))])))
            }
        })
    };
    let goes = Acts::new("a", &world).acting(|_| async {
        Ok(StepOutcome::Done(Outputs::from_iter([("by".to_owned(), json!("the new owner"))])))
    });
    let polls =
        Acts::new("b", &world).acting(|_| async { Ok(StepOutcome::again(Duration::from_secs(3600))) });
    // The old owner does not notice that its lease lapses, as if its machine had stood still, and has its
    // hands full.
    let options = Options { renew_ms: 3_600_000, at_once: 1, ..OPTIONS };
    let old_workflow = Workflow::new("w").step(waits).step(polls.clone());
    let new_workflow = Workflow::new("w").step(goes).step(polls);
    let old =
        Process::new(&database, old_workflow, "old", options, clock.clone(), losses.clone()).await.run();
    old.start("o").await;
    until("the old owner is at it", || *entered.lock() == 1).await;
    let new = Process::simple(&database, new_workflow, &clock).await.run();
    clock.advance(OPTIONS.lease_ms);
    let waiting = new.when("o", |operation| operation.step == 1 && operation.owner.is_empty()).await;
    assert_eq!((losses.count(), waiting.fence), (0, 2));
    gate.send_replace(true);
    until("the old owner has tried to save", || losses.count() == 1).await;
    assert_eq!(new.operation("o").await, waiting, "and changed nothing");
    assert_eq!(waiting.outputs["by"], "the new owner");
    assert_eq!(world.things(), ["o/a", "o/b"]);
}

async fn a_step_is_dropped_when_its_lease_is_lost(database: TestDatabase) {
    let (world, clock, losses) = (World::new(), ManualClock::new(), Losses::default());
    let dropped = Arc::new(Mutex::new(0));
    let hangs = Acts::hanging("a", &world, &dropped);
    let workflow = Workflow::new("w").step(hangs.clone());
    let process =
        Process::new(&database, workflow, "old", OPTIONS, clock.clone(), losses.clone()).await.run();
    process.start("o").await;
    until("the step runs", || hangs.calls().run == 1).await;
    let mut tx = process.records.begin().await.unwrap();
    let late_ms = crate::common::NOW_MS + 10 * OPTIONS.lease_ms;
    let claimed = tx.claim_operation(&["w"], "new", 10 * OPTIONS.lease_ms, late_ms).await.unwrap();
    assert_eq!(claimed.map(|operation| operation.id).as_deref(), Some("o"));
    tx.commit().await.unwrap();
    until("the loss is noticed", || losses.count() == 1).await;
    assert_eq!(*dropped.lock(), 1, "the step is gone before");
    assert_eq!(process.operation("o").await.owner, "new");
}

async fn a_lease_lives_as_long_as_its_step(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let gate = watch::Sender::new(false);
    let step = {
        let gate = gate.clone();
        Acts::new("a", &world).acting(move |_| {
            let mut gate = gate.subscribe();
            async move {
                gate.wait_for(|open| *open).await.map_err(StepError::retry)?;
                Ok(StepOutcome::done())
            }
        })
    };
    let workflow = Workflow::new("w").step(step.clone());
    let first = Process::simple(&database, workflow.clone(), &clock).await.run();
    first.start("o").await;
    until("the step runs", || step.calls().run == 1).await;
    let second = Process::simple(&database, workflow, &clock).await.run();
    for round in 1..=4 {
        clock.advance(OPTIONS.lease_ms / 2);
        let renewed_ms = crate::common::NOW_MS + round * OPTIONS.lease_ms / 2 + OPTIONS.lease_ms;
        second.when("o", |operation| operation.lease_until_ms == renewed_ms).await;
    }
    gate.send_replace(true);
    let ended = second.ended("o").await;
    assert_eq!((ended.status, ended.fence, step.calls().run), (Status::Succeeded, 1, 1));
}

async fn a_process_that_stops_gives_back_what_it_has(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let dropped = Arc::new(Mutex::new(0));
    let hangs = Acts::hanging("b", &world, &dropped);
    let workflow = Workflow::new("w").step(Acts::new("a", &world)).step(hangs.clone());
    let first = Process::simple(&database, workflow, &clock).await.run();
    first.start("o").await;
    until("the second step runs", || hangs.calls().run == 1).await;
    in_time("it stops", first.stop()).await;
    assert_eq!(*dropped.lock(), 1);
    // No time has passed: nobody waits for a lease.
    let workflow = Workflow::new("w").step(Acts::new("a", &world)).step(Acts::new("b", &world));
    let second = Process::simple(&database, workflow, &clock).await;
    let left = second.operation("o").await;
    assert_eq!((left.step, left.owner.as_str(), left.lease_until_ms), (1, "", 0));
    let second = second.run();
    assert_eq!(second.ended("o").await.status, Status::Succeeded);
    assert_eq!(world.things(), ["o/a", "o/b"]);
}

async fn work_is_found_without_being_told(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let workflow = || Workflow::new("w").step(Acts::new("a", &world));
    let worker = Process::simple(&database, workflow(), &clock).await.run();
    let asker = Process::simple(&database, workflow(), &clock).await;
    asker.start("o").await;
    assert_eq!(worker.ended("o").await.status, Status::Succeeded);
}

async fn a_step_that_a_program_does_not_have_is_no_success(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let polls = Acts::new("c", &world).acting(|_| async { Ok(StepOutcome::again(Duration::from_secs(1))) });
    let a = || Acts::new("a", &world);
    let workflow = Workflow::new("w").step(a()).step(Acts::new("b", &world)).step(polls);
    let newer = Process::simple(&database, workflow, &clock).await.run();
    newer.start("o").await;
    newer.when("o", |operation| operation.step == 2 && operation.owner.is_empty()).await;
    in_time("it stops", newer.stop()).await;
    let older = Process::simple(&database, Workflow::new("w").step(a()), &clock).await.run();
    clock.advance(1_000);
    let waiting = older.when("o", |operation| operation.attempts == 1).await;
    assert_eq!((waiting.status, waiting.step, waiting.undoing), (Status::Running, 2, false));
    assert!(waiting.message.contains("its workflow w has no step 2"), "{}", waiting.message);
}

async fn who_is_told_does_not_wait_for_the_next_look(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let options = Options { poll_ms: 3_600_000, ..OPTIONS };
    let workflow = Workflow::new("w").step(Acts::new("a", &world));
    let process = Process::new(&database, workflow, "p", options, clock, Losses::default()).await.run();
    for n in 0..10 {
        let id = format!("o{n}");
        process.start(&id).await;
        assert_eq!(process.ended(&id).await.status, Status::Succeeded);
    }
}

isobar_records::on_both_databases!(
    many_operations_are_shared_and_outlive_a_process,
    what_an_older_owner_saves_does_not_count,
    a_step_is_dropped_when_its_lease_is_lost,
    a_lease_lives_as_long_as_its_step,
    a_process_that_stops_gives_back_what_it_has,
    work_is_found_without_being_told,
    a_step_that_a_program_does_not_have_is_no_success,
    who_is_told_does_not_wait_for_the_next_look,
);
