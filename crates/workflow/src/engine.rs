//! The engine: claims what is due and works on several operations at once.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use isobar_records::{Operation, Records, RecordsError};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::environment::Environment;
use crate::options::Options;
use crate::shared::Shared;
use crate::worker::work;
use crate::workflow::Workflow;

/// Runs workflows. A clone is another handle to the same one.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

impl Engine {
    /// An engine for these workflows, of which the last one of a name counts. `owner` names this process
    /// in the operations that it has claimed; nothing depends on it.
    ///
    /// # Panics
    /// The options have no operation at once, or no lease.
    pub fn new(
        records: Records,
        workflows: impl IntoIterator<Item = Workflow>,
        owner: impl Into<String>,
        options: Options,
        environment: Environment,
    ) -> Engine {
        options.check();
        let by_name = |workflow: Workflow| (workflow.name().to_owned(), Arc::new(workflow));
        let shared = Shared {
            records,
            workflows: workflows.into_iter().map(by_name).collect(),
            owner: owner.into(),
            options,
            environment,
            due: Notify::new(),
            cancel: watch::Sender::new(()),
        };
        Engine { shared: Arc::new(shared) }
    }

    /// Says that something may have become due: to be called once a transaction with a new operation is
    /// committed. Other processes find it by themselves, a little later.
    pub fn notify(&self) {
        self.shared.due.notify_one();
    }

    /// Works until `shutdown` returns. Then it drops the steps that run and gives their operations back,
    /// so that somebody else can go on with them at once.
    ///
    /// Dropped instead, it stops as if the process had been killed.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let stop = watch::Sender::new(false);
        let mut workers: JoinSet<Option<i64>> = JoinSet::new();
        // When operations that were given back here are due.
        let mut due_ms = BTreeSet::new();
        loop {
            self.claim_all(&mut workers, &stop).await;
            let now_ms = self.shared.now_ms();
            due_ms = due_ms.split_off(&(now_ms + 1));
            tokio::select! {
                () = &mut shutdown => break,
                () = self.shared.due.notified() => {}
                () = tokio::time::sleep(self.wait(due_ms.first().copied(), now_ms)) => {}
                Some(worked) = workers.join_next() => match worked {
                    Ok(due) => due_ms.extend(due),
                    Err(error) => tracing::error!(%error, "a worker failed; its operation waits for its lease"),
                },
            }
        }
        stop.send_replace(true);
        while workers.join_next().await.is_some() {}
    }

    /// Claims as much as there is, and as there is room for.
    async fn claim_all(&self, workers: &mut JoinSet<Option<i64>>, stop: &watch::Sender<bool>) {
        while workers.len() < self.shared.options.at_once {
            match self.claim().await {
                Ok(Some(operation)) => {
                    let Some(workflow) = self.shared.workflows.get(&operation.kind) else { return };
                    let work = work(self.shared.clone(), workflow.clone(), operation, stop.subscribe());
                    workers.spawn(work);
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(%error, "no operations were claimed");
                    return;
                }
            }
        }
    }

    async fn claim(&self) -> Result<Option<Operation>, RecordsError> {
        let Shared { records, workflows, owner, options, .. } = &*self.shared;
        let kinds: Vec<&str> = workflows.keys().map(String::as_str).collect();
        let mut tx = records.begin().await?;
        let claimed = tx.claim_operation(&kinds, owner, options.lease_ms, self.shared.now_ms()).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// How long to wait for the first one of those that are due here, or for what others have written.
    fn wait(&self, due_ms: Option<i64>, now_ms: i64) -> Duration {
        let until_due = due_ms.and_then(|due_ms| u64::try_from(due_ms - now_ms).ok());
        let poll_ms = self.shared.options.poll_ms;
        Duration::from_millis(until_due.map_or(poll_ms, |until_due| until_due.min(poll_ms)))
    }
}
