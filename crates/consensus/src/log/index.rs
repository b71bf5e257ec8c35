//! What is in the log, in memory: where each entry is on the disk, and the recent entries themselves.

use std::collections::VecDeque;

use super::format::Kind;
use crate::ids::{LogId, next_index};
use crate::types::Entry;

/// One entry.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub id: LogId,
    pub kind: Kind,
    /// Where its record is on the disk, and how long; 0 while it is still to be written.
    pub at: u64,
    pub record_bytes: u32,
    pub entry: Option<Entry>,
}

/// All entries that are neither purged nor truncated.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub purged: Option<LogId>,
    /// Raft index of `slots[0]`, or of the next entry when there are none.
    pub first: u64,
    pub slots: VecDeque<Slot>,
    cached_bytes: u64,
    evicted_before: u64,
}

impl Index {
    /// Raft index the next entry must have.
    pub(super) fn next(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    /// The last entry's log id, or the purge point.
    pub(super) fn last(&self) -> Option<LogId> {
        self.slots.back().map_or(self.purged, |slot| Some(slot.id))
    }

    pub(super) fn slot(&self, index: u64) -> Option<&Slot> {
        self.slots.get(usize::try_from(index.checked_sub(self.first)?).ok()?)
    }

    pub(super) fn push(&mut self, slot: Slot) {
        debug_assert_eq!(slot.id.index, self.next());
        if slot.entry.is_some() {
            self.cached_bytes += u64::from(slot.record_bytes);
        }
        self.slots.push_back(slot);
    }

    /// Drops entries from `since` on.
    pub(super) fn truncate(&mut self, since: u64) {
        while self.next() > since {
            match self.slots.pop_back() {
                Some(slot) => self.forget(&slot),
                None => self.first = since,
            }
        }
        self.evicted_before = self.evicted_before.min(since);
    }

    /// Drops entries up to and with `upto`.
    pub(super) fn purge(&mut self, upto: LogId) {
        if self.purged >= Some(upto) {
            return;
        }
        while self.first <= upto.index {
            match self.slots.pop_front() {
                Some(slot) => {
                    self.forget(&slot);
                    self.first += 1;
                }
                None => self.first = upto.index + 1,
            }
        }
        self.purged = Some(upto);
    }

    /// Entry `id` is now on the disk.
    pub(super) fn placed(&mut self, id: LogId, at: u64) {
        let Some(position) = id.index.checked_sub(self.first) else { return };
        if let Some(slot) = self.slots.get_mut(position as usize).filter(|slot| slot.id == id) {
            slot.at = at;
        }
    }

    /// Drops the oldest written entries from memory until at most `bytes_max` are kept.
    pub(super) fn evict(&mut self, bytes_max: u64) {
        self.evicted_before = self.evicted_before.max(self.first);
        while self.cached_bytes > bytes_max {
            let Some(slot) = self.slots.get_mut((self.evicted_before - self.first) as usize) else { return };
            if slot.at == 0 {
                return;
            }
            if slot.entry.take().is_some() {
                self.cached_bytes -= u64::from(slot.record_bytes);
            }
            self.evicted_before += 1;
        }
    }

    /// Number of the first entry that must still exist.
    pub(super) fn first_needed(&self) -> u64 {
        next_index(&self.purged)
    }

    fn forget(&mut self, slot: &Slot) {
        if slot.entry.is_some() {
            self.cached_bytes -= u64::from(slot.record_bytes);
        }
    }
}
