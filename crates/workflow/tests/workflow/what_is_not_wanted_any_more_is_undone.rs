//! Cancelling.

use std::time::Duration;

use isobar_records::testing::TestDatabase;
use isobar_records::{RecordsError, Status};
use isobar_workflow::{Options, StepError, StepOutcome, Workflow, WorkflowError};
use tokio::sync::watch;

use crate::common::acts::{Acts, Calls};
use crate::common::world::{World, WritesTheEnd, ends_of};
use crate::common::{Losses, ManualClock, OPTIONS, Process, until};

const HOUR: Duration = Duration::from_secs(3600);

async fn a_target_has_one_operation_at_a_time(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let workflow = Workflow::new("w").step(Acts::new("a", &world));
    let process = Process::simple(&database, workflow, &clock).await;
    process.start("o").await;
    let mut second = crate::common::new_operation("second");
    second.target = "/o".to_owned();
    let mut tx = process.records.begin().await.unwrap();
    let refused = process.engine.start(&mut tx, second.clone()).await.unwrap_err();
    let WorkflowError::Records(RecordsError::Busy { operation, .. }) = refused else { panic!("{refused}") };
    assert_eq!(operation, "o");
    drop(tx);
    let process = process.run();
    process.ended("o").await;
    let mut tx = process.records.begin().await.unwrap();
    process.engine.start(&mut tx, second).await.unwrap();
}

async fn ids_are_drawn_and_unknown_workflows_refused(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let workflow = Workflow::new("w").step(Acts::new("a", &world));
    let process = Process::simple(&database, workflow, &clock).await;
    let mut tx = process.records.begin().await.unwrap();
    let mut new = crate::common::new_operation("");
    new.target = "/t".to_owned();
    let started = process.engine.start(&mut tx, new.clone()).await.unwrap();
    assert_eq!((started.id.len(), started.id.as_bytes()[14], started.message.as_str()), (36, b'4', "a"));
    new.kind = "x".to_owned();
    let refused = process.engine.start(&mut tx, new).await;
    assert!(matches!(refused, Err(WorkflowError::UnknownWorkflow { name }) if name == "x"));
}

async fn what_nobody_has_begun_ends_without_a_step(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let step = Acts::new("a", &world);
    let workflow = Workflow::new("w").step(step.clone()).on_end(WritesTheEnd);
    let process = Process::simple(&database, workflow, &clock).await;
    process.start("o").await;
    let noted = process.engine.cancel("o").await.unwrap();
    assert_eq!((noted.status, noted.cancel_wanted), (Status::Accepted, true));
    let process = process.run();
    assert_eq!(process.ended("o").await.status, Status::Canceled);
    assert_eq!(step.calls(), Calls::default());
    assert_eq!(ends_of(&process.records, "o").await, ["Canceled"]);
}

async fn what_waits_is_undone_at_once(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let waits = Acts::new("b", &world).acting(|_| async { Ok(StepOutcome::again(HOUR)) });
    let workflow = Workflow::new("w").step(Acts::new("a", &world)).step(waits).on_end(WritesTheEnd);
    let process = Process::simple(&database, workflow, &clock).await.run();
    process.start("o").await;
    process.when("o", |operation| operation.step == 1 && operation.owner.is_empty()).await;
    assert_eq!(world.things(), ["o/a", "o/b"]);
    process.engine.cancel("o").await.unwrap();
    let ended = process.ended("o").await;
    assert_eq!((ended.status, ended.error), (Status::Canceled, None));
    assert!(world.things().is_empty());
    assert_eq!(ends_of(&process.records, "o").await, ["Canceled"]);
}

async fn a_step_that_runs_hears_of_it(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let listens = Acts::new("a", &world).acting(|context| async move {
        assert!(!context.is_cancel_wanted());
        context.cancel_wanted().await;
        assert!(context.is_cancel_wanted());
        Err(StepError::retry("it is not wanted any more"))
    });
    // It hears of it at once if it was said here, long before the next renewal.
    let options = Options { renew_ms: 3_600_000, ..OPTIONS };
    let workflow = Workflow::new("w").step(listens.clone());
    let process =
        Process::new(&database, workflow, "p", options, clock.clone(), Losses::default()).await.run();
    process.start("o").await;
    until("the step runs", || listens.calls().run == 1).await;
    process.engine.cancel("o").await.unwrap();
    assert_eq!(process.ended("o").await.status, Status::Canceled, "without waiting for another try");
    assert_eq!(listens.calls(), Calls { run: 1, undo: 1 });
}

async fn a_step_that_runs_hears_what_was_said_elsewhere(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let listens = Acts::new("a", &world).acting(|context| async move {
        context.cancel_wanted().await;
        Err(StepError::retry("it is not wanted any more"))
    });
    let workflow = Workflow::new("w").step(listens.clone());
    let process = Process::simple(&database, workflow.clone(), &clock).await.run();
    let elsewhere = Process::simple(&database, workflow, &clock).await;
    process.start("o").await;
    until("the step runs", || listens.calls().run == 1).await;
    elsewhere.engine.cancel("o").await.unwrap();
    assert_eq!(process.ended("o").await.status, Status::Canceled);
}

async fn behind_the_point_of_no_return_it_is_too_late(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let gate = watch::Sender::new(false);
    let waits = {
        let gate = gate.clone();
        Acts::new("b", &world).acting(move |_| {
            let is_open = *gate.borrow();
            async move { Ok(if is_open { StepOutcome::done() } else { StepOutcome::again(HOUR) }) }
        })
    };
    let workflow = Workflow::new("w").step(Acts::new("a", &world)).no_return().step(waits);
    let process = Process::simple(&database, workflow, &clock).await.run();
    process.start("o").await;
    process.when("o", |operation| operation.step == 1 && operation.owner.is_empty()).await;
    assert!(matches!(process.engine.cancel("o").await, Err(WorkflowError::TooLate { .. })));
    assert!(!process.operation("o").await.cancel_wanted);
    // Said too early to be refused, it does not turn back what has passed the point meanwhile.
    gate.send_replace(true);
    let mut tx = process.records.begin().await.unwrap();
    assert!(tx.request_cancel("o", crate::common::NOW_MS).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(process.ended("o").await.status, Status::Succeeded);
    assert_eq!(world.things(), ["o/a", "o/b"]);
}

async fn what_has_ended_or_never_was_cannot_be_cancelled(database: TestDatabase) {
    let (world, clock) = (World::new(), ManualClock::new());
    let workflow = Workflow::new("w").step(Acts::new("a", &world));
    let process = Process::simple(&database, workflow, &clock).await.run();
    process.start("o").await;
    process.ended("o").await;
    let refused = process.engine.cancel("o").await;
    assert!(matches!(refused, Err(WorkflowError::Ended { status: Status::Succeeded, .. })));
    assert!(matches!(process.engine.cancel("x").await, Err(WorkflowError::NoOperation { .. })));
}

isobar_records::on_both_databases!(
    a_target_has_one_operation_at_a_time,
    ids_are_drawn_and_unknown_workflows_refused,
    what_nobody_has_begun_ends_without_a_step,
    what_waits_is_undone_at_once,
    a_step_that_runs_hears_of_it,
    a_step_that_runs_hears_what_was_said_elsewhere,
    behind_the_point_of_no_return_it_is_too_late,
    what_has_ended_or_never_was_cannot_be_cancelled,
);
