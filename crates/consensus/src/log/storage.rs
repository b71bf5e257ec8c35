//! openraft's view of the log.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::atomic::Ordering;

use openraft::storage::{LogFlushed, LogState, RaftLogStorage};
use openraft::{EntryPayload, OptionalSend, RaftLogReader, StorageIOError};

use super::command::Done;
use super::store::LogStore;
use crate::ids::{LogId, Vote};
use crate::member::needs_others;
use crate::types::{Entry, StorageError, Types};

/// Bytes of entries handed out by one read for replication.
const READ_BYTES_MAX: u64 = 4 << 20;

fn read_error(error: io::Error) -> StorageError {
    StorageIOError::read_logs(&error).into()
}

fn write_error(error: io::Error) -> StorageError {
    StorageIOError::write_logs(&error).into()
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry>, StorageError> {
        let first = self.0.state.lock().index.first;
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&start) => start + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&end) => end + 1,
            Bound::Excluded(&end) => end,
            Bound::Unbounded => u64::MAX,
        };
        self.read(start.max(first), end, u64::MAX).map_err(read_error)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>, StorageError> {
        // One message must not fill the log of whoever is behind: it trims between messages only.
        let bytes_max = READ_BYTES_MAX.min(self.0.header.segment_bytes);
        self.read(start, end, bytes_max).map_err(read_error)
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, StorageError> {
        let state = self.0.state.lock();
        Ok(LogState { last_purged_log_id: state.index.purged, last_log_id: state.index.last() })
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError> {
        self.write_vote(*vote).await.map_err(|e| StorageIOError::write_vote(&e).into())
    }

    /// The saved vote; one that made this node leader is returned as that of a candidate (L6).
    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError> {
        let mut state = self.0.state.lock();
        if let Some(vote) = state.vote.as_mut().filter(|vote| vote.leader_id.node_id == self.0.header.me) {
            vote.committed = false;
        }
        Ok(state.vote)
    }

    async fn append<I>(&mut self, entries: I, callback: LogFlushed<Types>) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        for entry in &entries {
            if let EntryPayload::Membership(membership) = &entry.payload {
                self.set_shared_majority(needs_others(membership));
            }
        }
        // L5: the leader of the term reports its own entries at once; nothing counts before they are durable.
        let vote = self.0.state.lock().vote;
        let leading = vote.filter(|vote| vote.committed && vote.leader_id.node_id == self.0.header.me);
        let early = self.0.shared_majority.load(Ordering::Acquire)
            && leading.is_some_and(|vote| {
                entries.iter().all(|e| {
                    e.log_id.leader_id == vote.leader_id && !matches!(e.payload, EntryPayload::Membership(_))
                })
            });
        if early {
            self.append_entries(entries, Done::Nobody).map_err(write_error)?;
            callback.log_io_completed(Ok(()));
            Ok(())
        } else {
            self.append_entries(entries, Done::Flushed(callback)).map_err(write_error)
        }
    }

    async fn truncate(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.truncate_from(log_id.index).map_err(write_error)
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.purge_upto(log_id).map_err(write_error)
    }
}
