//! The log as its owner uses it: how far it reaches, how full it is, and changes to it.
//!
//! Entries change in memory at once, and the change is queued for the writer. A vote is known when it is
//! durable. Nothing changes any more once the log has stopped.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::command::{Command, Done};
use super::entry;
use super::format::{BLOCK, RECORD_HEADER};
use super::index::Slot;
use super::shared::SharedLog;
use crate::ids::{LogId, Vote};
use crate::types::Entry;

/// The log of one replica. Clones share it.
#[derive(Clone)]
pub(crate) struct LogStore(pub(super) Arc<SharedLog>);

/// How full the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fill {
    pub used_bytes: u64,
    pub free_segments: u64,
    pub segment_bytes: u64,
    pub entries: u64,
}

impl LogStore {
    /// Largest entry that fits.
    pub(crate) fn entry_bytes_max(&self) -> u64 {
        self.0.header.segment_bytes - 3 * BLOCK
    }

    pub(crate) fn last(&self) -> Option<LogId> {
        self.0.state.lock().index.last()
    }

    /// The purge point on the disk.
    pub(crate) fn purged(&self) -> Option<LogId> {
        self.0.state.lock().purged
    }

    /// The vote, and nothing else, as recorded on the disk (L6 demotes it for openraft).
    pub(crate) fn vote(&self) -> Option<Vote> {
        self.0.state.lock().vote
    }

    pub(crate) fn fill(&self) -> Fill {
        let state = self.0.state.lock();
        Fill {
            used_bytes: state.live.len() as u64 * self.0.header.segment_bytes,
            free_segments: state.free.len() as u64,
            segment_bytes: self.0.header.segment_bytes,
            entries: state.index.slots.len() as u64,
        }
    }

    /// How long the writer has been at what it took up last: long when the device hangs.
    pub(crate) fn busy_for(&self) -> Duration {
        self.0.busy_since.lock().map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Told when segments become few.
    pub(crate) fn pressure(&self) -> Arc<Notify> {
        self.0.pressure.clone()
    }

    /// The index up to which to purge so that at most `bytes` and `entries` remain, if anything is to purge.
    pub(crate) fn purge_target(&self, bytes: u64, entries: u64) -> Option<u64> {
        let state = self.0.state.lock();
        let mut used = state.live.len() as u64 * self.0.header.segment_bytes;
        let mut target = state.index.next().checked_sub(entries + 1);
        for segment in state.live.iter().take(state.live.len().saturating_sub(1)) {
            if used <= bytes {
                break;
            }
            used -= self.0.header.segment_bytes;
            target = target.max(segment.next.checked_sub(1));
        }
        target.filter(|&t| t >= state.index.first_needed())
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

    /// Adds `entries`, which follow the last one, and tells `done` when they are durable.
    pub(super) fn append_entries(&self, entries: Vec<Entry>, done: Done) -> io::Result<()> {
        self.0.check_poison()?;
        {
            let mut state = self.0.state.lock();
            for entry in &entries {
                if entry.log_id.index != state.index.next() {
                    let (index, next) = (entry.log_id.index, state.index.next());
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidInput,
                        format!("entry {index} appended where {next} is next"),
                    ));
                }
                let (kind, payload) = entry::encode(entry)?;
                let record_bytes = (RECORD_HEADER + payload.len()) as u32;
                state.index.push(Slot {
                    id: entry.log_id,
                    kind,
                    at: 0,
                    record_bytes,
                    entry: Some(entry.clone()),
                });
            }
        }
        self.0.push(Command::Append(entries, done));
        Ok(())
    }

    pub(super) fn truncate_from(&self, since: u64) -> io::Result<()> {
        self.0.check_poison()?;
        self.0.state.lock().index.truncate(since);
        self.0.durable.send_if_modified(|next| std::mem::replace(next, since.min(*next)) != *next);
        self.0.push(Command::Truncate(since));
        Ok(())
    }

    pub(super) fn purge_upto(&self, upto: LogId) -> io::Result<()> {
        self.0.check_poison()?;
        self.0.state.lock().index.purge(upto);
        self.0.push(Command::Purge(upto));
        Ok(())
    }

    pub(super) async fn write_vote(&self, vote: Vote) -> io::Result<()> {
        self.0.check_poison()?;
        let (sender, receiver) = oneshot::channel();
        self.0.push(Command::Vote(vote, Done::Channel(sender)));
        receiver.await.map_err(|_| io::Error::other("the log is closed"))??;
        self.0.state.lock().vote = Some(vote);
        Ok(())
    }
}
