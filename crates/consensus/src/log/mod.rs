//! The Raft log: entries, vote and purge point of one replica in one preallocated file of recyclable segments.
//!
//! - **L1** an entry's flush callback, and `save_vote`, come after the sync that covers them.
//! - **L2** one writer thread; what is queued while it syncs shares the next write and sync.
//! - **L3** a segment is recycled only after the purge that frees it is durable.
//! - **L4** nothing is purged on the disk beyond what the checkpoint store has synced. (openraft purges while a snapshot
//!   is still being installed; the writer, and with it every later write, waits for the installation.)
//! - **L5** a leader's own write overlaps replication: its append is reported at once, and *no follower's reply
//!   counts before the leader's own copy is durable* (`wait_durable`, called by the network). A majority of more
//!   than one voter contains such a reply, so a committed entry is always on a majority of disks. Entries that
//!   change the membership, and all entries of a single voter, are reported after their sync.
//! - **L6** because of L5 a leader may forget entries it proposed. It therefore never resumes leadership after a
//!   restart: its vote is read back as a candidate's, and it must be elected again, in a new term.
//!
//! Start reading at `format.rs`, then `writer.rs` and `recover.rs`.

mod format;
mod index;
mod recover;
mod storage;
#[cfg(test)]
mod tests;
mod writer;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use isobar_base::{AlignedBuf, random_u64};
use isobar_disk::{Disk, FileDisk};
use openraft::EntryPayload;
use openraft::storage::LogFlushed;
use parking_lot::{Condvar, Mutex, RwLock};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, oneshot, watch};

use format::{BATCH_HEADER, BLOCK, FileHeader, Kind, RECORD_HEADER, get_record};
use index::{Index, Slot};
use writer::{Batch, Writer};

use crate::ids::{LogId, Vote, log_id, next_index};
use crate::types::{Entry, Payload, Types};
use crate::{ConsensusError, GroupConfig};

/// Segments per log file.
const SEGMENTS: u64 = 16;
/// Bytes of entries handed out by one read for replication.
const READ_BYTES_MAX: u64 = 4 << 20;

/// One segment in use.
#[derive(Clone, Copy, Debug)]
struct Segment {
    slot: usize,
    seq: u64,
    /// Entries below this index (and none at or above it) may be in it.
    next: u64,
}

/// First record of each segment.
#[derive(Serialize, Deserialize)]
struct StatePayload {
    vote: Option<Vote>,
    purged: Option<LogId>,
    next: u64,
}

/// Whom to tell when a write is durable.
enum Done {
    Flushed(LogFlushed<Types>),
    Channel(oneshot::Sender<io::Result<()>>),
    Nobody,
}

impl Done {
    fn call(self, result: Result<(), &io::Error>) {
        let result = result.map_err(|e| io::Error::new(e.kind(), e.to_string()));
        match self {
            Done::Flushed(callback) => callback.log_io_completed(result),
            // The receiver is gone only when its caller was cancelled.
            Done::Channel(sender) => drop(sender.send(result)),
            Done::Nobody => {}
        }
    }
}

enum Command {
    Append(Vec<Entry>, Done),
    Vote(Vote, Done),
    Truncate(u64),
    Purge(LogId),
    Stop,
}

struct Shared {
    index: Index,
    vote: Option<Vote>,
    /// The purge point on the disk; the index's is ahead of it while a purge is queued.
    purged: Option<LogId>,
    live: VecDeque<Segment>,
    free: Vec<usize>,
    /// Segments that were never used since the file was opened as new.
    fresh: Vec<bool>,
    poisoned: Option<String>,
}

struct Inner {
    header: FileHeader,
    path: PathBuf,
    shared: Mutex<Shared>,
    queue: Mutex<VecDeque<Command>>,
    queued: Condvar,
    disk: RwLock<Option<Arc<dyn Disk>>>,
    /// Entries below this index are durable.
    durable: watch::Sender<u64>,
    cache_bytes: u64,
    /// Entries below this index are in a synced checkpoint.
    synced: Arc<AtomicU64>,
    /// More than one voter is needed for a majority in every configuration in force.
    shared_majority: AtomicBool,
    /// Told when segments become few.
    pressure: Arc<Notify>,
    stopping: AtomicBool,
}

/// The log of one replica. Clones share it.
#[derive(Clone)]
pub(crate) struct LogStore(Arc<Inner>);

/// The thread of a log, to be joined after `LogStore::stop`.
pub(crate) type WriterHandle = std::thread::JoinHandle<()>;

/// How full the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fill {
    pub used_bytes: u64,
    pub free_segments: u64,
    pub segment_bytes: u64,
    pub entries: u64,
}

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
        crate::lsm::sync_parent(path).map_err(io())
    }

    /// Writes the header of a blank log to `disk`.
    fn format(disk: &dyn Disk, me: u64, group: u16) -> io::Result<()> {
        let segment_bytes = (disk.size().saturating_sub(BLOCK) / SEGMENTS) / BLOCK * BLOCK;
        if segment_bytes < 4 * BLOCK {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the log is too small"));
        }
        let header = FileHeader { me, group, nonce: random_u64(), segment_bytes, segments: SEGMENTS };
        disk.write_at(0, &[io::IoSlice::new(&AlignedBuf::from_slice(&header.encode()))])?;
        disk.sync()
    }

    /// Opens the log on `disk` and starts its writer. `synced` is where the checkpoint's synced index is kept.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        path: &Path,
        config: &GroupConfig,
        synced: Arc<AtomicU64>,
    ) -> Result<(LogStore, WriterHandle), ConsensusError> {
        let found = recover::recover(&*disk, path)?;
        let header = found.header;
        if (header.me, header.group) != (config.me.id, config.group) {
            let what = format!("it is of voter {:016x}, group {}", header.me, header.group);
            return Err(ConsensusError::Foreign { path: path.to_owned(), what });
        }
        let active = found.live.back().copied();
        let fresh = found.used.iter().map(|used| !used).collect();
        let writer_state = (found.vote, found.index.purged, found.index.next());
        let (durable, _) = watch::channel(found.index.next());
        let inner = Arc::new(Inner {
            header,
            path: path.to_owned(),
            shared: Mutex::new(Shared {
                purged: found.index.purged,
                index: found.index,
                vote: found.vote,
                live: found.live,
                free: found.free,
                fresh,
                poisoned: None,
            }),
            queue: Mutex::default(),
            queued: Condvar::new(),
            disk: RwLock::new(Some(disk.clone())),
            durable,
            cache_bytes: config.log_cache_bytes,
            synced,
            shared_majority: false.into(),
            pressure: Arc::default(),
            stopping: false.into(),
        });
        let writer = Writer {
            inner: inner.clone(),
            disk,
            header,
            active,
            position: found.position,
            serial: found.serial,
            written_before: 0,
            prewrite: config.log_prewrite,
            vote: writer_state.0,
            purged: writer_state.1,
            next: writer_state.2,
            batch: Batch::default(),
        };
        let handle = std::thread::Builder::new()
            .name(format!("raft-log-{}", config.group))
            .spawn(move || writer.run())
            .map_err(ConsensusError::io("starting the log's writer"))?;
        Ok((LogStore(inner), handle))
    }

    /// Ends the writer after what is queued, and closes the file.
    pub(crate) fn stop(&self, writer: WriterHandle) {
        self.0.stopping.store(true, Ordering::Release);
        self.0.queue.lock().push_back(Command::Stop);
        self.0.queued.notify_one();
        if writer.join().is_err() {
            tracing::error!(path = %self.0.path.display(), "the log's writer panicked");
        }
        self.0.disk.write().take();
        self.0.poison(&io::Error::other("the log is closed"));
    }

    /// Largest entry that fits.
    pub(crate) fn entry_bytes_max(&self) -> u64 {
        self.0.header.segment_bytes - 3 * BLOCK
    }

    pub(crate) fn last(&self) -> Option<LogId> {
        self.0.shared.lock().index.last()
    }

    /// The purge point on the disk.
    pub(crate) fn purged(&self) -> Option<LogId> {
        self.0.shared.lock().purged
    }

    /// The vote, and nothing else, as recorded on the disk (L6 demotes it for openraft).
    pub(crate) fn vote(&self) -> Option<Vote> {
        self.0.shared.lock().vote
    }

    pub(crate) fn fill(&self) -> Fill {
        let shared = self.0.shared.lock();
        Fill {
            used_bytes: shared.live.len() as u64 * self.0.header.segment_bytes,
            free_segments: shared.free.len() as u64,
            segment_bytes: self.0.header.segment_bytes,
            entries: shared.index.slots.len() as u64,
        }
    }

    /// Told when segments become few.
    pub(crate) fn pressure(&self) -> Arc<Notify> {
        self.0.pressure.clone()
    }

    /// The index up to which to purge so that at most `bytes` and `entries` remain, if anything is to purge.
    pub(crate) fn purge_target(&self, bytes: u64, entries: u64) -> Option<u64> {
        let shared = self.0.shared.lock();
        let mut used = shared.live.len() as u64 * self.0.header.segment_bytes;
        let mut target = shared.index.next().checked_sub(entries + 1);
        for segment in shared.live.iter().take(shared.live.len().saturating_sub(1)) {
            if used <= bytes {
                break;
            }
            used -= self.0.header.segment_bytes;
            target = target.max(segment.next.checked_sub(1));
        }
        target.filter(|&t| t >= shared.index.first_needed())
    }

    /// Waits until the entry with `index` is on this node's disk.
    pub(crate) async fn wait_durable(&self, index: u64) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.0.durable.subscribe().wait_for(|&next| next > index).await;
    }

    /// Says whether every configuration in force needs more than one voter (L5).
    pub(crate) fn set_shared_majority(&self, shared: bool) {
        self.0.shared_majority.store(shared, Ordering::Release);
    }

    fn push(&self, command: Command) {
        self.0.queue.lock().push_back(command);
        self.0.queued.notify_one();
    }

    /// Adds `entries`, which follow the last one, and tells `done` when they are durable.
    fn append_entries(&self, entries: Vec<Entry>, done: Done) -> io::Result<()> {
        self.0.check_poison()?;
        {
            let mut shared = self.0.shared.lock();
            for entry in &entries {
                if entry.log_id.index != shared.index.next() {
                    let (index, next) = (entry.log_id.index, shared.index.next());
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidInput,
                        format!("entry {index} appended where {next} is next"),
                    ));
                }
                let (kind, payload) = payload_of(entry)?;
                let record_bytes = (RECORD_HEADER + payload.len()) as u32;
                shared.index.push(Slot {
                    id: entry.log_id,
                    kind,
                    at: 0,
                    record_bytes,
                    entry: Some(entry.clone()),
                });
            }
        }
        self.push(Command::Append(entries, done));
        Ok(())
    }

    fn truncate_from(&self, since: u64) -> io::Result<()> {
        self.0.check_poison()?;
        self.0.shared.lock().index.truncate(since);
        self.0.durable.send_if_modified(|next| std::mem::replace(next, since.min(*next)) != *next);
        self.push(Command::Truncate(since));
        Ok(())
    }

    fn purge_upto(&self, upto: LogId) -> io::Result<()> {
        self.0.check_poison()?;
        self.0.shared.lock().index.purge(upto);
        self.push(Command::Purge(upto));
        Ok(())
    }

    async fn write_vote(&self, vote: Vote) -> io::Result<()> {
        self.0.check_poison()?;
        let (sender, receiver) = oneshot::channel();
        self.push(Command::Vote(vote, Done::Channel(sender)));
        receiver.await.map_err(|_| io::Error::other("the log is closed"))??;
        self.0.shared.lock().vote = Some(vote);
        Ok(())
    }

    /// Entries in `[start, end)` that exist, at most `bytes_max` bytes of them but at least one.
    fn read(&self, start: u64, end: u64, bytes_max: u64) -> io::Result<Vec<Entry>> {
        let mut out = Vec::new();
        let mut bytes = 0;
        let mut index = start;
        while index < end {
            let slot = {
                let shared = self.0.shared.lock();
                // Runs of cached entries are taken under one lock.
                loop {
                    match shared.index.slot(index) {
                        Some(slot) if out.is_empty() || bytes + u64::from(slot.record_bytes) <= bytes_max => {
                            match &slot.entry {
                                Some(entry) if index < end => {
                                    bytes += u64::from(slot.record_bytes);
                                    out.push(entry.clone());
                                    index += 1;
                                }
                                _ => break Some(slot.clone()),
                            }
                        }
                        _ => break None,
                    }
                }
            };
            let Some(slot) = slot.filter(|_| index < end) else { break };
            bytes += u64::from(slot.record_bytes);
            match self.read_slot(&slot) {
                Ok(entry) => out.push(entry),
                // Purged and overwritten between the look-up and the read.
                Err(_) if self.0.shared.lock().index.slot(index).is_none_or(|now| now.id != slot.id) => break,
                Err(error) => return Err(error),
            }
            index += 1;
        }
        Ok(out)
    }

    fn read_slot(&self, slot: &Slot) -> io::Result<Entry> {
        let disk = self.0.disk.read().clone().ok_or_else(|| io::Error::other("the log is closed"))?;
        let from = slot.at / BLOCK * BLOCK;
        let skip = (slot.at - from) as usize;
        let mut buf =
            AlignedBuf::zeroed((skip + slot.record_bytes as usize).next_multiple_of(BLOCK as usize));
        disk.read_at(from, &mut buf)?;
        let damaged = || {
            io::Error::new(io::ErrorKind::InvalidData, format!("entry {} at {} is damaged", slot.id, slot.at))
        };
        let (header, payload) =
            get_record(&buf[skip..skip + slot.record_bytes as usize]).ok_or_else(damaged)?;
        let id = log_id(header.index, header.term, header.node);
        if id != slot.id || !header.kind.is_entry() || header.kind != slot.kind {
            return Err(damaged());
        }
        let payload = match header.kind {
            Kind::Normal => EntryPayload::Normal(Payload(bytes::Bytes::copy_from_slice(payload))),
            Kind::Membership => {
                EntryPayload::Membership(postcard::from_bytes(payload).map_err(|_| damaged())?)
            }
            _ => EntryPayload::Blank,
        };
        Ok(Entry { log_id: id, payload })
    }
}

impl Inner {
    /// Waits for commands and moves all of them to `out`.
    fn take_commands(&self, out: &mut VecDeque<Command>) {
        let mut queue = self.queue.lock();
        while queue.is_empty() {
            self.queued.wait(&mut queue);
        }
        std::mem::swap(&mut *queue, out);
    }

    /// A free segment, and whether it was written before.
    fn take_free_segment(&self) -> Option<(usize, bool)> {
        let mut shared = self.shared.lock();
        let slot = shared.free.pop()?;
        let recycled = !std::mem::replace(&mut shared.fresh[slot], false);
        if shared.free.len() <= SEGMENTS as usize * 3 / 8 {
            self.pressure.notify_one();
        }
        Some((slot, recycled))
    }

    fn flushed(
        &self,
        active: Segment,
        placed: impl Iterator<Item = (LogId, u64)>,
        truncated: Option<u64>,
        purges: bool,
        purged: Option<LogId>,
        next: u64,
    ) {
        let mut shared = self.shared.lock();
        if shared.live.back().is_none_or(|s| s.seq != active.seq) {
            shared.live.push_back(active);
        }
        if let Some(since) = truncated {
            shared.live.iter_mut().for_each(|s| s.next = s.next.min(since));
        }
        for (id, at) in placed {
            shared.index.placed(id, at);
            if let Some(segment) = shared.live.back_mut() {
                segment.next = segment.next.max(id.index + 1);
            }
        }
        if purges {
            shared.purged = purged;
            while shared.live.len() > 1 && shared.live[0].next <= next_index(&purged) {
                if let Some(segment) = shared.live.pop_front() {
                    shared.free.insert(0, segment.slot);
                }
            }
        }
        shared.index.evict(self.cache_bytes);
        // A truncation not yet written has lowered the index below what was written here.
        let next = next.min(shared.index.next());
        drop(shared);
        self.durable.send_if_modified(|durable| std::mem::replace(durable, next) != next);
    }

    /// Waits until the entry with `index` is in a synced checkpoint.
    fn wait_synced(&self, index: u64) -> io::Result<()> {
        while self.synced.load(Ordering::Acquire) <= index {
            if self.stopping.load(Ordering::Acquire) {
                return Err(io::Error::other(format!(
                    "closed before entries up to {index} were checkpointed"
                )));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn poison(&self, error: &io::Error) {
        let mut shared = self.shared.lock();
        if shared.poisoned.is_none() {
            if !self.stopping.load(Ordering::Acquire) {
                tracing::error!(path = %self.path.display(), %error, "the log stops");
            }
            shared.poisoned = Some(error.to_string());
        }
    }

    fn check_poison(&self) -> io::Result<()> {
        match &self.shared.lock().poisoned {
            Some(why) => Err(io::Error::other(format!("the log has stopped: {why}"))),
            None => Ok(()),
        }
    }
}

/// How an entry's payload is stored.
fn payload_of(entry: &Entry) -> io::Result<(Kind, Cow<'_, [u8]>)> {
    Ok(match &entry.payload {
        EntryPayload::Blank => (Kind::Blank, Cow::Borrowed(&[])),
        EntryPayload::Normal(payload) => (Kind::Normal, Cow::Borrowed(&payload.0)),
        EntryPayload::Membership(membership) => {
            (Kind::Membership, Cow::Owned(postcard::to_allocvec(membership).map_err(io::Error::other)?))
        }
    })
}

const _: () = assert!(BATCH_HEADER + RECORD_HEADER < BLOCK as usize);
