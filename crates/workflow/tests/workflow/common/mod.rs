//! What the tests share: a clock that stands still, a world outside of the database, workflows that
//! change it, and engines that die.

pub mod acts;
pub mod points;
pub mod world;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use isobar_records::testing::TestDatabase;
use isobar_records::{NewOperation, Operation, Records};
use isobar_workflow::{Clock, Engine, Environment, Event, Observer, Options, Workflow};
use parking_lot::Mutex;
use serde_json::json;
use tokio::task::JoinHandle;

/// Any time.
pub const NOW_MS: i64 = 1_800_000_000_000;
/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL_EVERY: Duration = Duration::from_millis(5);

/// Waits that no test notices, and leases that end only when the clock is moved.
pub const OPTIONS: Options = Options {
    at_once: 4,
    lease_ms: 60_000,
    renew_ms: 20,
    poll_ms: 20,
    backoff_ms: 1_000,
    backoff_ms_max: 8_000,
    faults_max: 3,
};

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub fn new() -> ManualClock {
        ManualClock(Arc::new(AtomicI64::new(NOW_MS)))
    }

    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Counts how often a claim was lost.
#[derive(Clone, Default)]
pub struct Losses(Arc<Mutex<u32>>);

impl Losses {
    pub fn count(&self) -> u32 {
        *self.0.lock()
    }
}

impl Observer for Losses {
    fn see(&self, event: Event<'_>) {
        if let Event::Lost(_) = event {
            *self.0.lock() += 1;
        }
    }
}

/// An engine as another process would have it, with its own connections.
pub struct Process {
    pub engine: Engine,
    pub records: Records,
    run: Option<JoinHandle<()>>,
    shutdown: Arc<tokio::sync::Notify>,
}

impl Process {
    pub async fn new(
        database: &TestDatabase,
        workflow: Workflow,
        owner: &str,
        options: Options,
        clock: impl Clock,
        observer: impl Observer,
    ) -> Process {
        let records = database.open().await;
        let environment =
            Environment { clock: Arc::new(clock), observer: Arc::new(observer), ..Environment::default() };
        let engine = Engine::new(records.clone(), [workflow], owner, options, environment);
        Process { engine, records, run: None, shutdown: Arc::default() }
    }

    /// With the usual options and nobody looking on.
    pub async fn simple(database: &TestDatabase, workflow: Workflow, clock: &ManualClock) -> Process {
        Process::new(database, workflow, "p", OPTIONS, clock.clone(), Losses::default()).await
    }

    pub fn run(mut self) -> Process {
        let (engine, shutdown) = (self.engine.clone(), self.shutdown.clone());
        self.run = Some(tokio::spawn(async move { engine.run(shutdown.notified()).await }));
        self
    }

    /// As `kill -9` does.
    pub async fn kill(mut self) {
        if let Some(run) = self.run.take() {
            run.abort();
            assert!(run.await.is_err_and(|error| error.is_cancelled()), "an engine does not stop by itself");
        }
    }

    /// As an operator does.
    pub async fn stop(mut self) {
        self.shutdown.notify_one();
        if let Some(run) = self.run.take() {
            run.await.expect("an engine stops");
        }
    }

    /// Starts an operation of the workflow `w` on a target of its own.
    pub async fn start(&self, id: &str) -> Operation {
        let mut tx = self.records.begin().await.expect("a transaction");
        let operation = self.engine.start(&mut tx, new_operation(id)).await.expect("it is accepted");
        tx.commit().await.expect("it is kept");
        self.engine.notify();
        operation
    }

    pub async fn operation(&self, id: &str) -> Operation {
        let mut snapshot = self.records.read().await.expect("a snapshot");
        snapshot.operation(id).await.expect("an answer").expect("the operation")
    }

    /// Waits for the end of an operation.
    pub async fn ended(&self, id: &str) -> Operation {
        self.when(id, |operation| operation.status.is_terminal()).await
    }

    /// Waits until an operation is as it should be.
    pub async fn when(&self, id: &str, is: impl Fn(&Operation) -> bool) -> Operation {
        let begun = Instant::now();
        loop {
            let operation = self.operation(id).await;
            if is(&operation) {
                return operation;
            }
            assert!(begun.elapsed() < PATIENCE, "it stays like this: {operation:#?}");
            tokio::time::sleep(POLL_EVERY).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(run) = &self.run {
            run.abort();
        }
    }
}

pub fn new_operation(id: &str) -> NewOperation {
    NewOperation {
        id: id.to_owned(),
        target: format!("/{id}"),
        kind: "w".to_owned(),
        input: json!({"nodes": 4}),
        ..NewOperation::default()
    }
}

/// Waits until something is so.
pub async fn until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not yet");
        tokio::time::sleep(POLL_EVERY).await;
    }
}

/// Never waits longer than a test may take.
pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what}: not yet"))
}
