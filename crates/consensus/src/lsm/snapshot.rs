//! The state as a snapshot, and a snapshot as the state.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::Ordering;

use super::applied::Applied;
use super::pointer;
use super::state::State;
use super::store::StateStore;
use super::tree::{Tree, TreeView};
use crate::ConsensusError;
use crate::ids::next_index;
use crate::snapshot::{SnapshotFile, SnapshotHeader, SnapshotReader, SnapshotWriter};

/// The checkpoint in `view` as a snapshot, which is written to `dir` when it is first read.
pub(crate) fn export(view: TreeView, header: SnapshotHeader, dir: &Path) -> SnapshotFile {
    SnapshotFile::written_later(dir, move |out| {
        let mut writer = SnapshotWriter::begin(out, &header)?;
        view.for_each(|key, value| writer.put(key, value))?;
        writer.finish()
    })
}

impl StateStore {
    /// Replaces the state by the snapshot in `file`. A crash at any point leaves the old state or the new.
    pub(crate) fn install(&self, file: File) -> Result<SnapshotHeader, ConsensusError> {
        let _saving = self.saving.lock();
        let name = pointer::next_name(&self.dir)?;
        let header = StateStore::build(&self.dir.join(&name), file, self.cache_bytes)?;
        pointer::write(&self.dir, &name)?;
        let tree = Tree::open(&self.dir.join(&name), self.cache_bytes)?;
        let applied = tree.applied()?;
        let synced = next_index(&applied.log_id);
        let old = std::mem::replace(&mut *self.state.write(), State::new(tree, applied, self.cache_bytes));
        self.synced.store(synced, Ordering::Release);
        drop(old);
        pointer::remove_others(&self.dir, &name)?;
        self.saved.send_replace(synced);
        Ok(header)
    }

    /// Builds a tree in `dir` from the snapshot in `file`; complete and durable when this returns.
    pub(super) fn build(dir: &Path, file: File, cache_bytes: u64) -> Result<SnapshotHeader, ConsensusError> {
        let tree = Tree::open(dir, cache_bytes)?;
        let mut reader = SnapshotReader::open(file)?;
        let header = reader.header().clone();
        while let Some(pairs) = reader.next_chunk()? {
            tree.load(pairs)?;
        }
        let applied = Applied {
            log_id: header.log_id,
            membership: header.membership.clone(),
            installed: header.log_id,
        };
        tree.save(std::iter::empty(), &applied)?;
        Ok(header)
    }
}
