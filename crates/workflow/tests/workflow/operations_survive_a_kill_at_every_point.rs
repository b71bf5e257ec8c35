//! A process is killed before and after everything that it does, another one goes on, and the end is the
//! same.

use isobar_records::testing::TestDatabase;
use isobar_records::{Records, Status};
use isobar_workflow::Workflow;

use crate::common::points::{Ends, Makes, Points, Then};
use crate::common::world::{World, ends_of};
use crate::common::{ManualClock, OPTIONS, Process};

/// Four things that are made one after the other, the last one with a turn.
fn workflow(world: &World, points: &Points, last: Then) -> Workflow {
    let step = |name, then| Makes { name, world: world.clone(), points: points.clone(), then };
    Workflow::new("w")
        .step(step("a", Then::Goes))
        .step(step("b", Then::Goes))
        .step(step("c", last))
        .step(step("d", Then::Goes))
        .on_end(Ends(points.clone()))
}

/// One process after another, with points to die at.
struct Case {
    database: TestDatabase,
    clock: ManualClock,
    world: World,
    expected: Status,
    turn: fn(&Records) -> Then,
}

impl Case {
    fn new(database: TestDatabase, expected: Status, turn: fn(&Records) -> Then) -> Case {
        Case { database, clock: ManualClock::new(), world: World::new(), expected, turn }
    }

    async fn process(&self, points: &Points) -> Process {
        let turn = (self.turn)(&self.database.open().await);
        let workflow = workflow(&self.world, points, turn);
        Process::new(&self.database, workflow, "p", OPTIONS, self.clock.clone(), points.clone()).await
    }

    /// Lets a process live up to its last point; then the time passes that others wait for it.
    async fn live_and_die(&self, process: Process, points: &Points) {
        let process = process.run();
        points.death().await;
        process.kill().await;
        self.clock.advance(OPTIONS.lease_ms);
    }

    /// Whether all is as it should be after the end, and nothing else.
    async fn check(&self, process: &Process, id: &str, died: &str) {
        let operation = process.ended(id).await;
        assert_eq!(operation.status, self.expected, "died {died}");
        let things = match self.expected {
            Status::Succeeded => ["a", "b", "c", "d"].iter().map(|name| format!("{id}/{name}")).collect(),
            _ => Vec::new(),
        };
        assert_eq!(self.world.things(), things, "died {died}");
        for name in &things {
            self.world.take_away(name);
        }
        assert_eq!(ends_of(&process.records, id).await, [self.expected.as_str()], "died {died}");
        if self.expected == Status::Succeeded {
            assert_eq!(operation.outputs.len(), 4, "died {died}");
        }
        assert_eq!((operation.owner.as_str(), operation.lease_until_ms), ("", 0), "died {died}");
    }

    /// The points of a life without death.
    async fn points_of_a_life(&self) -> Vec<String> {
        let points = Points::living();
        let process = self.process(&points).await.run();
        process.start("whole").await;
        self.check(&process, "whole", "nowhere").await;
        // The last point may still be ahead when the end is in the database.
        let last = |passed: &[String]| passed.iter().filter(|name| name.starts_with("after saving")).count();
        let saves = points.passed().iter().filter(|name| name.starts_with("before saving")).count();
        crate::common::until("the last point", || last(&points.passed()) == saves).await;
        process.stop().await;
        points.passed()
    }

    async fn dies_at_each_point_once(self) {
        let points = self.points_of_a_life().await;
        assert!(points.len() > 15, "{points:?}");
        for (number, died) in points.iter().enumerate() {
            let id = format!("o{number}");
            let points = Points::dying_at(number);
            let first = self.process(&points).await;
            first.start(&id).await;
            self.live_and_die(first, &points).await;
            let second = self.process(&Points::living()).await.run();
            self.check(&second, &id, died).await;
            second.stop().await;
        }
    }

    async fn dies_again_and_again(self) {
        let process = self.process(&Points::living()).await;
        process.start("o").await;
        let mut deaths = 0;
        while !process.operation("o").await.status.is_terminal() {
            // One of five comes behind a save, so that it gets there some day.
            let points = Points::dying_at(deaths % 5);
            let mortal = self.process(&points).await.run();
            let end = async { drop(process.ended("o").await) };
            tokio::select! { () = points.death() => {}, () = end => {} }
            mortal.kill().await;
            self.clock.advance(OPTIONS.lease_ms);
            deaths += 1;
            assert!(deaths < 200, "it makes no progress");
        }
        assert!(deaths > 15, "{deaths}");
        self.check(&process, "o", "often").await;
    }
}

async fn an_operation_that_goes_well(database: TestDatabase) {
    Case::new(database, Status::Succeeded, |_| Then::Goes).dies_at_each_point_once().await;
}

async fn an_operation_that_fails(database: TestDatabase) {
    Case::new(database, Status::Failed, |_| Then::Fails).dies_at_each_point_once().await;
}

async fn an_operation_that_is_cancelled(database: TestDatabase) {
    let turn = |records: &Records| Then::Cancels(records.clone());
    Case::new(database, Status::Canceled, turn).dies_at_each_point_once().await;
}

async fn an_operation_whose_every_process_dies(database: TestDatabase) {
    Case::new(database, Status::Succeeded, |_| Then::Goes).dies_again_and_again().await;
}

async fn an_operation_that_fails_and_whose_every_process_dies(database: TestDatabase) {
    Case::new(database, Status::Failed, |_| Then::Fails).dies_again_and_again().await;
}

isobar_records::on_both_databases!(
    an_operation_that_goes_well,
    an_operation_that_fails,
    an_operation_that_is_cancelled,
    an_operation_whose_every_process_dies,
    an_operation_that_fails_and_whose_every_process_dies,
);
