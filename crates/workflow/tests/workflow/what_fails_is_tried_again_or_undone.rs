//! Failures, waits, progress, and the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use isobar_records::testing::TestDatabase;
use isobar_records::{Operation, RecordsError, Status, Tx};
use isobar_workflow::{End, Finish, Options, Outputs, StepError, StepOutcome, Workflow};
use serde_json::json;
use tokio::sync::watch;

use crate::common::acts::{Acts, Calls};
use crate::common::world::{World, WritesTheEnd, ends_of};
use crate::common::{Losses, ManualClock, NOW_MS, OPTIONS, Process};

/// An operation that waits, and belongs to nobody meanwhile.
fn waits(operation: &Operation) -> bool {
    operation.owner.is_empty() && operation.attempts > 0
}

async fn a_step_is_tried_again_after_waits_that_grow(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let step = Acts::new("a", &world).acting(|context| async move {
        match context.attempts() {
            0..3 => Err(StepError::retry("the disk is busy")),
            _ => Ok(StepOutcome::done()),
        }
    });
    let workflow = Workflow::new("w").step(step.clone());
    let process = Process::simple(&database, workflow, &clock).await.run();
    process.start("o").await;
    let mut now_ms = NOW_MS;
    for (failures, wait_ms) in [(1, 1_000), (2, 2_000), (3, 4_000)] {
        let waiting = process.when("o", |operation| operation.attempts == failures && waits(operation)).await;
        assert_eq!((waiting.status, waiting.due_ms), (Status::Running, now_ms + wait_ms));
        let message = format!("a: the disk is busy; failure {failures}, next try in {} s", wait_ms / 1000);
        assert_eq!(waiting.message, message);
        clock.advance(wait_ms);
        now_ms += wait_ms;
        process.engine.notify();
    }
    assert_eq!(process.ended("o").await.status, Status::Succeeded);
    assert_eq!(step.calls(), Calls { run: 4, undo: 0 });
    assert_eq!(world.things(), ["o/a"]);
}

async fn what_waits_holds_no_worker(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let polls = Acts::new("a", &world).acting(|context| async move {
        match context.operation().id.as_str() {
            "waits" => Ok(StepOutcome::again(Duration::from_secs(3600))),
            "fails" => {
                Err(StepError::Retry { after: Duration::from_secs(3600), why: "throttled".to_owned() })
            }
            _ => Ok(StepOutcome::done()),
        }
    });
    let options = Options { at_once: 1, ..OPTIONS };
    let workflow = Workflow::new("w").step(polls.clone());
    let process = Process::new(&database, workflow, "p", options, clock, Losses::default()).await.run();
    process.start("waits").await;
    process.start("fails").await;
    process.start("goes").await;
    assert_eq!(process.ended("goes").await.status, Status::Succeeded);
    for id in ["waits", "fails"] {
        let waiting = process.when(id, |operation| operation.due_ms > NOW_MS).await;
        assert_eq!((waiting.status, waiting.lease_until_ms), (Status::Running, 0));
        assert_eq!(waiting.due_ms, NOW_MS + 3_600_000);
    }
    assert_eq!(polls.calls().run, 3, "none is called before its time");
}

async fn a_step_that_polls_is_called_until_it_is_done(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let left = Arc::new(AtomicU32::new(5));
    let polls = {
        let left = left.clone();
        Acts::new("a", &world).acting(move |_| {
            let is_done = left.fetch_sub(1, Ordering::SeqCst) == 1;
            async move { Ok(if is_done { StepOutcome::done() } else { StepOutcome::again(Duration::ZERO) }) }
        })
    };
    let process = Process::simple(&database, Workflow::new("w").step(polls.clone()), &clock).await.run();
    process.start("o").await;
    assert_eq!(process.ended("o").await.status, Status::Succeeded);
    assert_eq!(polls.calls().run, 5);
}

async fn a_failure_keeps_its_error_and_leaves_nothing_behind(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let fails = Acts::new("c", &world).acting(|_| async { Err(StepError::fail("Quota", "no cores left")) });
    let never = Acts::new("d", &world);
    let workflow = Workflow::new("w")
        .step(Acts::new("a", &world))
        .step(Acts::new("b", &world))
        .step(fails)
        .step(never.clone())
        .on_end(WritesTheEnd);
    let process = Process::simple(&database, workflow, &clock).await.run();
    process.start("o").await;
    let ended = process.ended("o").await;
    assert_eq!(ended.status, Status::Failed);
    assert_eq!(ended.error, Some(json!({"code": "Quota", "message": "no cores left"})));
    assert_eq!(ended.message, "no cores left");
    assert!(world.things().is_empty());
    assert_eq!(never.calls(), Calls::default());
    assert_eq!(ends_of(&process.records, "o").await, ["Failed"]);
}

async fn an_undo_that_fails_is_visible_and_tried_again_for_ever(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let sticks = Acts::new("a", &world).undone_by(|context| async move {
        match context.attempts() {
            0 => Err(StepError::fail("Locked", "somebody holds it")),
            1 => panic!("a fault"),
            2..12 => Err(StepError::retry("no answer")),
            _ => Ok(StepOutcome::done()),
        }
    });
    let fails = Acts::new("b", &world).acting(|_| async { Err(StepError::fail("Quota", "none left")) });
    let workflow = Workflow::new("w").step(sticks.clone()).step(fails);
    let process = Process::simple(&database, workflow, &clock).await.run();
    process.start("o").await;
    for failures in 1..=12 {
        let waiting = process.when("o", |operation| operation.attempts == failures && waits(operation)).await;
        let why = match failures {
            1 => "Undoing: a: somebody holds it; failure 1, next try in 1 s",
            2 => "Undoing: a: a fault of this program: a fault; failure 2, next try in 2 s",
            3 => "Undoing: a: no answer; failure 3, next try in 4 s",
            _ => "next try in 8 s",
        };
        assert!(waiting.message.contains(why), "{}", waiting.message);
        assert_eq!(world.things(), ["o/a"]);
        clock.advance(OPTIONS.backoff_ms_max);
    }
    let ended = process.ended("o").await;
    assert_eq!((ended.status, ended.message.as_str()), (Status::Failed, "none left"));
    assert!(world.things().is_empty());
    assert_eq!(sticks.calls(), Calls { run: 1, undo: 13 });
}

async fn a_step_that_panics_is_tried_a_few_times_and_then_undone(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let panics = Acts::new("a", &world).acting(|_| async { panic!("index out of bounds") });
    let process = Process::simple(&database, Workflow::new("w").step(panics.clone()), &clock).await.run();
    process.start("o").await;
    for failures in 1..OPTIONS.faults_max {
        process.when("o", |operation| operation.attempts == failures && waits(operation)).await;
        clock.advance(OPTIONS.backoff_ms_max);
    }
    let ended = process.ended("o").await;
    assert_eq!(ended.status, Status::Failed);
    assert!(ended.message.contains("index out of bounds"), "{}", ended.message);
    assert_eq!(panics.calls(), Calls { run: 3, undo: 1 });
    assert!(world.things().is_empty());
}

async fn behind_the_point_of_no_return_failures_are_tried_again(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let fails = Acts::new("b", &world).acting(|context| async move {
        match context.attempts() {
            0..5 => Err(StepError::fail("Quota", "none left")),
            _ => Ok(StepOutcome::done()),
        }
    });
    let workflow = Workflow::new("w").step(Acts::new("a", &world)).no_return().step(fails.clone());
    let process = Process::simple(&database, workflow, &clock).await.run();
    process.start("o").await;
    for failures in 1..=5 {
        let waiting = process.when("o", |operation| operation.attempts == failures && waits(operation)).await;
        assert!(waiting.message.contains("b: none left"), "{}", waiting.message);
        assert!(!waiting.undoing);
        clock.advance(OPTIONS.backoff_ms_max);
    }
    assert_eq!(process.ended("o").await.status, Status::Succeeded);
    assert_eq!(fails.calls(), Calls { run: 6, undo: 0 });
}

async fn later_steps_see_what_earlier_ones_have_found(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let finds = Acts::new("a", &world).acting(|context| async move {
        let nodes = context.input()["nodes"].clone();
        Ok(StepOutcome::Done(Outputs::from_iter([("found".to_owned(), nodes), ("x".to_owned(), json!(1))])))
    });
    let sees = Acts::new("b", &world).acting(|context| async move {
        let found: Option<u32> = context.output_as("found")?;
        let twice = json!(found.map(|found| found * 2));
        Ok(StepOutcome::Done(Outputs::from_iter([("twice".to_owned(), twice), ("x".to_owned(), json!(2))])))
    });
    let wrong = Acts::new("c", &world).acting(|context| async move {
        let found: Option<String> = context.output_as("found")?;
        Ok(StepOutcome::Done(Outputs::from_iter([("never".to_owned(), json!(found))])))
    });
    let workflow = Workflow::new("w").step(finds).step(sees).step(wrong);
    let process = Process::simple(&database, workflow, &clock).await.run();
    process.start("o").await;
    let ended = process.ended("o").await;
    assert_eq!(json!(ended.outputs), json!({"found": 4, "twice": 8, "x": 2}));
    assert_eq!(ended.error.map(|error| error["code"].clone()), Some(json!("InvalidOutput")));
}

async fn what_a_step_reports_is_seen_while_it_runs(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let gate = watch::Sender::new(false);
    let step = {
        let gate = gate.clone();
        Acts::new("b", &world).acting(move |context| {
            let mut gate = gate.subscribe();
            async move {
                context.report(50, "2 of 4 disks");
                gate.wait_for(|open| *open).await.map_err(StepError::retry)?;
                Ok(StepOutcome::done())
            }
        })
    };
    let workflow = Workflow::new("w").step(Acts::new("a", &world)).step(step);
    let process = Process::simple(&database, workflow, &clock).await.run();
    process.start("o").await;
    process.when("o", |operation| operation.message == "2 of 4 disks" && operation.percent == 75).await;
    gate.send_replace(true);
    let ended = process.ended("o").await;
    assert_eq!((ended.message.as_str(), ended.percent), ("Succeeded", 100));
}

/// Writes a setting, and fails in one way or another for some times.
struct FailsToFinish {
    left: AtomicU32,
}

impl Finish for FailsToFinish {
    async fn finish(&self, tx: &mut Tx, operation: &Operation, end: End) -> Result<(), RecordsError> {
        assert!(operation.status.is_terminal() && end == End::Succeeded);
        assert_eq!(tx.setting(&operation.id).await?, None, "what a failed try wrote is gone");
        tx.set_setting(&operation.id, operation.status.as_str()).await?;
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(2) => Err(RecordsError::Missing { key: "/parent".to_owned() }),
            Ok(_) => panic!("a fault"),
            Err(_) => Ok(()),
        }
    }
}

async fn the_end_and_what_is_written_with_it_are_one(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let step = Acts::new("a", &world);
    let workflow = Workflow::new("w").step(step.clone()).on_end(FailsToFinish { left: AtomicU32::new(2) });
    let process = Process::simple(&database, workflow, &clock).await.run();
    process.start("o").await;
    for (failures, why) in [(1, "there is no /parent"), (2, "a fault")] {
        let waiting = process.when("o", |operation| operation.attempts == failures && waits(operation)).await;
        assert_eq!(waiting.status, Status::Running);
        assert!(waiting.message.contains(why), "{}", waiting.message);
        clock.advance(OPTIONS.backoff_ms_max);
    }
    assert_eq!(process.ended("o").await.status, Status::Succeeded);
    let mut snapshot = process.records.read().await.unwrap();
    assert_eq!(snapshot.setting("o").await.unwrap().as_deref(), Some("Succeeded"));
    assert_eq!(step.calls(), Calls { run: 1, undo: 0 }, "steps are not done again for it");
}

isobar_records::on_both_databases!(
    a_step_is_tried_again_after_waits_that_grow,
    what_waits_holds_no_worker,
    a_step_that_polls_is_called_until_it_is_done,
    a_failure_keeps_its_error_and_leaves_nothing_behind,
    an_undo_that_fails_is_visible_and_tried_again_for_ever,
    a_step_that_panics_is_tried_a_few_times_and_then_undone,
    behind_the_point_of_no_return_failures_are_tried_again,
    later_steps_see_what_earlier_ones_have_found,
    what_a_step_reports_is_seen_while_it_runs,
    the_end_and_what_is_written_with_it_are_one,
);
