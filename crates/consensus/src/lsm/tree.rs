//! The embedded LSM tree that holds the checkpoints.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};

use super::applied::Applied;
use crate::ConsensusError;
use crate::snapshot::Pairs;

const APPLIED: &[u8] = b"applied";
/// Memory the tree may use for writes before it makes a table of them.
const MEMTABLE_BYTES: u64 = 16 << 20;

/// One tree. Clones share it.
#[derive(Clone)]
pub(crate) struct Tree {
    database: Database,
    state: Keyspace,
    /// Log id and membership, apart from the user's keys.
    book: Keyspace,
}

impl Tree {
    pub(super) fn open(dir: &Path, cache_bytes: u64) -> Result<Tree, ConsensusError> {
        let database = Database::builder(dir)
            .cache_size(cache_bytes / 2)
            .worker_threads(1)
            .manual_journal_persist(true)
            .open()?;
        let state = database
            .keyspace("state", || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES))?;
        let book = database.keyspace("book", KeyspaceCreateOptions::default)?;
        Ok(Tree { database, state, book })
    }

    pub(super) fn applied(&self) -> Result<Applied, ConsensusError> {
        decode_applied(self.book.get(APPLIED)?)
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ConsensusError> {
        Ok(self.state.get(key)?.map(|value| value.to_vec()))
    }

    pub(super) fn range(&self, start: &[u8], end: &[u8]) -> fjall::Iter {
        self.state.range(start..end)
    }

    /// Writes `changes` and `applied` as one atomic batch, synced.
    pub(super) fn save<'a>(
        &self,
        changes: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
        applied: &Applied,
    ) -> Result<(), ConsensusError> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(&self.state, key, value),
                None => batch.remove(&self.state, key),
            }
        }
        let record = postcard::to_allocvec(applied).map_err(|e| ConsensusError::Malformed(e.to_string()))?;
        batch.insert(&self.book, APPLIED, record);
        Ok(batch.commit()?)
    }

    /// Writes `pairs`, unsynced: only for a tree nobody points to yet.
    pub(super) fn load(&self, pairs: Pairs) -> Result<(), ConsensusError> {
        let mut batch = self.database.batch();
        for (key, value) in pairs {
            batch.insert(&self.state, key, value);
        }
        Ok(batch.commit()?)
    }
}

fn decode_applied(record: Option<fjall::Slice>) -> Result<Applied, ConsensusError> {
    match record {
        None => Ok(Applied::default()),
        Some(record) => postcard::from_bytes(&record)
            .map_err(|e| ConsensusError::Lsm(format!("the record of what is applied: {e}"))),
    }
}

/// A tree as it was at one moment: always right after a checkpoint.
pub(crate) struct TreeView {
    snapshot: Snapshot,
    tree: Tree,
}

impl TreeView {
    pub(super) fn new(tree: &Tree) -> Result<TreeView, ConsensusError> {
        Ok(TreeView { snapshot: tree.database.snapshot(), tree: tree.clone() })
    }

    /// Where the state stood.
    pub(crate) fn applied(&self) -> Result<Applied, ConsensusError> {
        decode_applied(self.snapshot.get(&self.tree.book, APPLIED)?)
    }

    /// Calls `visit` for each pair in order.
    pub(super) fn for_each(
        &self,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), ConsensusError>,
    ) -> Result<(), ConsensusError> {
        for guard in self.snapshot.iter(&self.tree.state) {
            let (key, value) = guard.into_inner()?;
            visit(&key, &value)?;
        }
        Ok(())
    }
}
