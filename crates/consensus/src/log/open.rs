//! Creating, opening and closing a log.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use isobar_base::{AlignedBuf, random_u64};
use isobar_disk::{Disk, FileDisk};
use parking_lot::{Condvar, Mutex, RwLock};
use tokio::sync::watch;

use super::command::Command;
use super::format::{BLOCK, FileHeader, SEGMENTS};
use super::recover::{Recovered, recover};
use super::shared::{LogState, SharedLog};
use super::store::LogStore;
use super::writer::{Batch, Writer};
use crate::{ConsensusError, GroupConfig};

/// The thread of a log, to be joined after `LogStore::stop`.
pub(crate) type WriterHandle = std::thread::JoinHandle<()>;

impl LogStore {
    /// Creates the log file, durable and blank.
    pub(crate) fn create(path: &Path, config: &GroupConfig) -> Result<(), ConsensusError> {
        let io = || ConsensusError::io(format!("creating {}", path.display()));
        let temporary = path.with_extension("new");
        match std::fs::remove_file(&temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(io()(e)),
            _ => {}
        }
        let disk = FileDisk::create(&temporary, config.log_bytes.next_multiple_of(BLOCK)).map_err(io())?;
        LogStore::format(&disk, config.me.id, config.group).map_err(io())?;
        std::fs::rename(&temporary, path).map_err(io())?;
        sync_parent(path).map_err(io())
    }

    /// Writes the header of a blank log to `disk`.
    pub(super) fn format(disk: &dyn Disk, me: u64, group: u16) -> io::Result<()> {
        let segment_bytes = (disk.size().saturating_sub(BLOCK) / SEGMENTS) / BLOCK * BLOCK;
        if segment_bytes < 4 * BLOCK {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the log is too small"));
        }
        let header = FileHeader { me, group, nonce: random_u64(), segment_bytes, segments: SEGMENTS };
        disk.write_at(0, &[io::IoSlice::new(&AlignedBuf::from_slice(&header.encode()))])?;
        disk.sync()
    }

    /// Opens the log on `disk` and starts its writer. `synced` is where the checkpoint's synced index is
    /// kept.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        path: &Path,
        config: &GroupConfig,
        synced: Arc<AtomicU64>,
    ) -> Result<(LogStore, WriterHandle), ConsensusError> {
        let found = recover(&*disk, path)?;
        let header = found.header;
        if (header.me, header.group) != (config.me.id, config.group) {
            let what = format!("it is of voter {:016x}, group {}", header.me, header.group);
            return Err(ConsensusError::Foreign { path: path.to_owned(), what });
        }
        let Recovered { index, vote, live, free, used, position, serial, .. } = found;
        let (active, purged, next) = (live.back().copied(), index.purged, index.next());
        let fresh = used.iter().map(|used| !used).collect();
        let shared = Arc::new(SharedLog {
            header,
            path: path.to_owned(),
            state: Mutex::new(LogState { index, vote, purged, live, free, fresh, poisoned: None }),
            queue: Mutex::default(),
            queued: Condvar::new(),
            disk: RwLock::new(Some(disk.clone())),
            durable: watch::channel(next).0,
            cache_bytes: config.log_cache_bytes,
            synced,
            shared_majority: false.into(),
            pressure: Arc::default(),
            stopping: false.into(),
            busy_since: Mutex::default(),
        });
        let writer = Writer {
            shared: shared.clone(),
            disk,
            header,
            active,
            position,
            serial,
            written_before: 0,
            prewrite: config.log_prewrite,
            vote,
            purged,
            next,
            batch: Batch::default(),
        };
        let handle = std::thread::Builder::new()
            .name(format!("raft-log-{}", config.group))
            .spawn(move || writer.run())
            .map_err(ConsensusError::io("starting the log's writer"))?;
        Ok((LogStore(shared), handle))
    }

    /// Ends the writer after what is queued, and closes the file.
    pub(crate) fn stop(&self, writer: WriterHandle) {
        self.0.stopping.store(true, Ordering::Release);
        self.0.push(Command::Stop);
        if writer.join().is_err() {
            tracing::error!(path = %self.0.path.display(), "the log's writer panicked");
        }
        self.0.disk.write().take();
        self.0.poison(&io::Error::other("the log is closed"));
    }
}

/// Makes the directory entry of `path` durable.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => std::fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
