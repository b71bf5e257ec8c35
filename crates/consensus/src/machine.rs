//! openraft's view of the state: applies entries in order, installs and offers snapshots.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_base::Kv;
use openraft::storage::{RaftStateMachine, Snapshot};
use openraft::{EntryPayload, OptionalSend, RaftSnapshotBuilder, StorageIOError};

use crate::ConsensusError;
use crate::blocking::blocking;
use crate::ids::{LogId, index_of};
use crate::log::LogStore;
use crate::lsm::{self, Applied, StateStore};
use crate::member::{Membership, needs_others};
use crate::snapshot::{SnapshotFile, SnapshotHeader};
use crate::types::{Entry, SnapshotMeta, StorageError, Types};

/// The deterministic machine that a group replicates.
pub trait StateMachine: Send + Sync + 'static {
    /// Applies `entry`, which is number `index` of the log, to `kv` and returns the reply for its proposer.
    ///
    /// Must be a pure function of the state and its arguments (I11): every replica calls it with the same
    /// entries in the same order, once in each life of the state. A panic stops the replica. It is called
    /// within a task: what takes longer than a millisecond is to be done by [`crate::blocking`].
    fn apply(&self, kv: &mut dyn Kv, index: u64, entry: &[u8]) -> Vec<u8>;
}

/// Entries are applied in the thread that found them for so long; the rest of them beside it.
const APPLYING_AT_ONCE_MAX: Duration = Duration::from_millis(1);

/// What openraft drives.
pub(crate) struct Machine {
    pub state: Arc<StateStore>,
    pub log: LogStore,
    pub user: Arc<dyn StateMachine>,
    pub group: u16,
    pub dir: PathBuf,
}

fn write_error(error: impl std::error::Error + 'static) -> StorageError {
    StorageIOError::write_state_machine(&error).into()
}

fn read_error(error: impl std::error::Error + 'static) -> StorageError {
    StorageIOError::read_state_machine(&error).into()
}

impl Machine {
    fn apply_one(&self, kv: &mut dyn Kv, applied: &mut Applied, entry: Entry) -> Vec<u8> {
        let id = entry.log_id;
        let reply = match entry.payload {
            EntryPayload::Blank => Vec::new(),
            EntryPayload::Normal(payload) => self.user.apply(kv, id.index, &payload.0),
            EntryPayload::Membership(membership) => {
                applied.membership = Membership::new(Some(id), membership);
                Vec::new()
            }
        };
        applied.log_id = Some(id);
        reply
    }
}

impl RaftStateMachine<Types> for Machine {
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, Membership), StorageError> {
        let Applied { log_id, membership, .. } = self.state.applied();
        Ok((log_id, membership))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Vec<u8>>, StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        if self.state.overfull() {
            let mut saved = self.state.saved();
            self.state.note_held_up(true);
            while self.state.overfull() {
                self.state.request_checkpoint();
                // The sender lives in the store.
                let _ = saved.changed().await;
            }
            self.state.note_held_up(false);
        }
        let mut entries = entries.into_iter().peekable();
        Ok(self.state.apply(|kv, applied| {
            let (begun, mut replies) = (Instant::now(), Vec::new());
            while entries.peek().is_some() && begun.elapsed() < APPLYING_AT_ONCE_MAX {
                replies.extend(entries.next().map(|entry| self.apply_one(kv, applied, entry)));
            }
            if entries.peek().is_some() {
                blocking(|| replies.extend(entries.map(|entry| self.apply_one(kv, applied, entry))));
            }
            replies
        }))
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder { state: self.state.clone(), group: self.group, dir: self.dir.clone() }
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<SnapshotFile>, StorageError> {
        let file = SnapshotFile::receive(&self.dir).map_err(write_error)?;
        Ok(Box::new(file))
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: Box<SnapshotFile>,
    ) -> Result<(), StorageError> {
        let (state, group, log_id) = (self.state.clone(), self.group, meta.last_log_id);
        let install = move || {
            let file = snapshot.into_file().map_err(ConsensusError::io("receiving a snapshot"))?;
            let found = state.install(file)?;
            if (found.group, found.log_id) != (group, log_id) {
                return Err(ConsensusError::Malformed(format!(
                    "snapshot of group {}, {:?} sent as {log_id:?}",
                    found.group, found.log_id
                )));
            }
            Ok(())
        };
        let result = tokio::task::spawn_blocking(install).await.map_err(write_error)?;
        self.log.set_shared_majority(needs_others(meta.last_membership.membership()));
        result.map_err(write_error)
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<Types>>, StorageError> {
        offer(&self.state, self.group, &self.dir).map_err(read_error)
    }
}

/// The last checkpoint as a snapshot, if there is one. Its bytes are written when they are read.
fn offer(
    state: &StateStore,
    group: u16,
    dir: &std::path::Path,
) -> Result<Option<Snapshot<Types>>, ConsensusError> {
    let view = state.view()?;
    let Applied { log_id, membership, .. } = view.applied()?;
    if log_id.is_none() {
        return Ok(None);
    }
    let snapshot_id = format!("{}-{:016x}", index_of(&log_id), isobar_base::random_u64());
    let meta = SnapshotMeta { last_log_id: log_id, last_membership: membership.clone(), snapshot_id };
    let file = lsm::export(view, SnapshotHeader { group, log_id, membership }, dir);
    Ok(Some(Snapshot { meta, snapshot: Box::new(file) }))
}

/// "Building a snapshot" is making sure there is a checkpoint: from then on the log before it may go.
pub(crate) struct Builder {
    state: Arc<StateStore>,
    group: u16,
    dir: PathBuf,
}

impl RaftSnapshotBuilder<Types> for Builder {
    async fn build_snapshot(&mut self) -> Result<Snapshot<Types>, StorageError> {
        let (state, group, dir) = (self.state.clone(), self.group, self.dir.clone());
        let build = move || {
            if let Some(snapshot) = offer(&state, group, &dir)? {
                return Ok(snapshot);
            }
            state.checkpoint()?;
            offer(&state, group, &dir)?
                .ok_or_else(|| ConsensusError::Refused("nothing is applied yet".into()))
        };
        tokio::task::spawn_blocking(build).await.map_err(read_error)?.map_err(read_error)
    }
}
