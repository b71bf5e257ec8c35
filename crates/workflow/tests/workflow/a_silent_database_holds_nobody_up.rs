//! A database that does not answer while a step runs: others hold what a renewal has to write.

use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_records::Tx;
use isobar_records::testing::TestDatabase;
use isobar_workflow::{Options, Workflow};
use parking_lot::Mutex;

use crate::common::acts::Acts;
use crate::common::world::World;
use crate::common::{Losses, ManualClock, OPTIONS, Process, in_time, until};

/// How long a renewal waits by itself.
const WAIT: Duration = Duration::from_secs(10);

/// A process whose only operation `o` is in a step that never ends.
struct Busy {
    process: Process,
    losses: Losses,
    dropped: Arc<Mutex<u32>>,
}

impl Busy {
    async fn new(database: &TestDatabase, lease_ms: i64) -> Busy {
        let (world, losses) = (World::new(), Losses::default());
        let dropped = Arc::new(Mutex::new(0));
        let hangs = Acts::hanging("a", &world, &dropped);
        // With room for one operation it does not look for others meanwhile. Its clock stands still, so a
        // lease runs out by waiting for an answer only.
        let options = Options { at_once: 1, lease_ms, ..OPTIONS };
        let (workflow, clock) = (Workflow::new("w").step(hangs.clone()), ManualClock::new());
        let process = Process::new(database, workflow, "p", options, clock, losses.clone()).await.run();
        process.start("o").await;
        until("the step runs", || hangs.calls().run == 1).await;
        Busy { process, losses, dropped }
    }
}

/// Holds the operation, as long as it is not dropped: on SQLite with all else.
async fn hold(database: &TestDatabase) -> Tx {
    let mut tx = database.open().await.begin().await.unwrap();
    tx.hold_operation("o").await.unwrap().unwrap();
    tx
}

async fn a_step_is_dropped_when_its_lease_runs_out(database: TestDatabase) {
    let busy = Busy::new(&database, 1_000).await;
    let tx = hold(&database).await;
    until("the loss is noticed", || busy.losses.count() == 1).await;
    assert_eq!(*busy.dropped.lock(), 1, "the step is gone before");
    drop(tx);
}

async fn a_stop_is_heard_during_a_renewal(database: TestDatabase) {
    let busy = Busy::new(&database, OPTIONS.lease_ms).await;
    let tx = hold(&database).await;
    // By now a renewal is under way.
    tokio::time::sleep(Duration::from_millis(10 * OPTIONS.renew_ms)).await;
    let begun = Instant::now();
    let stopping = tokio::spawn(busy.process.stop());
    until("the step is gone", || *busy.dropped.lock() == 1).await;
    assert!(begun.elapsed() < WAIT / 2, "it did not wait for the answer: {:?}", begun.elapsed());
    drop(tx);
    in_time("it stops", stopping).await.unwrap();
    let mut snapshot = database.open().await.read().await.unwrap();
    let left = snapshot.operation("o").await.unwrap().unwrap();
    assert_eq!((left.step, left.owner.as_str(), left.lease_until_ms), (0, "", 0), "it is given back");
}

isobar_records::on_both_databases!(
    a_step_is_dropped_when_its_lease_runs_out,
    a_stop_is_heard_during_a_renewal,
);
