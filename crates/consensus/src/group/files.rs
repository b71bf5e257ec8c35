//! Opening the files of a replica, and the check that the log continues the checkpoint.

use std::path::Path;
use std::sync::Arc;

use isobar_disk::{Disk, FileDisk};

use crate::ids::next_index;
use crate::log::{LogStore, WriterHandle};
use crate::lsm::{CheckpointHandle, StateStore};
use crate::{ConsensusError, GroupConfig, snapshot};

/// Makes the device that the log is on from its file.
pub type LogDevice = Box<dyn FnOnce(FileDisk) -> Arc<dyn Disk> + Send>;

/// Log and state, open.
pub(super) struct Files {
    pub log: LogStore,
    pub state: Arc<StateStore>,
    pub threads: Threads,
}

/// The threads that write them.
pub(super) struct Threads {
    writer: WriterHandle,
    checkpoints: CheckpointHandle,
}

impl Threads {
    /// Ends the threads and closes the files. Blocks until what is queued is written.
    pub(super) fn stop(self, log: &LogStore, state: &StateStore) {
        log.stop(self.writer);
        state.stop(self.checkpoints);
    }
}

/// Opens log and state and checks that one continues the other.
///
/// # Errors
/// `Corrupt`, `Gap`, `Foreign` when the files must not be used; `Io`, `Lsm` when they cannot be.
pub(super) fn open(config: &GroupConfig, log_device: LogDevice) -> Result<Files, ConsensusError> {
    let dir = &config.dir;
    std::fs::create_dir_all(dir).map_err(ConsensusError::io(format!("creating {}", dir.display())))?;
    snapshot::remove_unfinished(dir)?;
    let path = dir.join("log");
    let log_exists = path.exists();
    // The state is made first: a log without a state has lost it, a blank state without a log is an
    // unfinished start.
    let (state, checkpoints) = StateStore::open(config, !log_exists)?;
    match open_log(config, &path, log_exists, &state, log_device) {
        Ok((log, writer)) => Ok(Files { log, state, threads: Threads { writer, checkpoints } }),
        Err(error) => {
            state.stop(checkpoints);
            Err(error)
        }
    }
}

fn open_log(
    config: &GroupConfig,
    path: &Path,
    exists: bool,
    state: &StateStore,
    log_device: LogDevice,
) -> Result<(LogStore, WriterHandle), ConsensusError> {
    let gap = |what: String| ConsensusError::Gap { path: config.dir.clone(), what };
    let applied = state.applied();
    if !exists {
        if applied.log_id.is_some() {
            return Err(gap("there is a checkpoint but no log, and with it no vote".into()));
        }
        LogStore::create(path, config)?;
    }
    let disk = FileDisk::open(path).map_err(ConsensusError::io(format!("opening {}", path.display())))?;
    let (log, writer) = LogStore::open(log_device(disk), path, config, state.synced())?;
    let (first_kept, saved, next) =
        (next_index(&log.purged()), next_index(&applied.log_id), next_index(&log.last()));
    let problem = if first_kept > saved {
        Some(format!("the log starts at entry {first_kept}, the checkpoint ends before entry {saved}"))
    } else if log.vote().is_none() && saved > 0 {
        Some("there is a checkpoint, but the log is blank".into())
    } else if next < saved && applied.installed != applied.log_id {
        Some(format!("the log ends before entry {next}, but entries up to {} were applied", saved - 1))
    } else {
        None
    };
    match problem {
        None => Ok((log, writer)),
        Some(what) => {
            log.stop(writer);
            Err(gap(what))
        }
    }
}
