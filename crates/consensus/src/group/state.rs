//! Reading what is applied, and checkpointing it.

use isobar_base::KvRead;

use super::Group;
use crate::{ConsensusError, ProposeError};

impl Group {
    /// Returns once this replica was the leader at some moment after the call and has applied everything
    /// committed until then: a `read` after it is linearizable. Concurrent callers share one round of
    /// messages.
    ///
    /// # Errors
    /// `NotLeader`, `NoQuorum`, `Stopped`.
    pub async fn read_index(&self) -> Result<(), ProposeError> {
        self.0.read_index.confirm().await
    }

    /// Runs `f` on what is applied here, which on a follower, or without `read_index`, may be old. Keep it
    /// short: nothing is applied meanwhile.
    ///
    /// # Panics
    /// When the checkpoint store cannot be read.
    pub fn read<R>(&self, f: impl FnOnce(&dyn KvRead) -> R) -> R {
        self.0.replica.state.read(f)
    }

    /// Hash of everything applied: equal on replicas that applied the same entries (I11).
    pub fn state_hash(&self) -> u64 {
        self.read(isobar_base::state_hash)
    }

    /// Writes everything applied to a checkpoint now.
    ///
    /// # Errors
    /// `Lsm` when it cannot be written.
    pub async fn checkpoint(&self) -> Result<(), ConsensusError> {
        let state = self.0.replica.state.clone();
        tokio::task::spawn_blocking(move || state.checkpoint())
            .await
            .map_err(|e| ConsensusError::Stopped(e.to_string()))?
    }
}
