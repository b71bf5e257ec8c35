//! Cuts: ranges of a file whose bytes are gone while the tree of its extents still has them.
//!
//! Taking very many extents out of a map is more than one entry of the log may do. So a large hole or
//! truncation is noted in the inode, and counts at once; purges take the extents out step by step.
//!
//! Cuts of an inode are numbered. A node of the tree bears the number of the newest cut at the time it was
//! written (`born`): what it holds is gone as far as cuts with a higher number reach. Whoever changes a node
//! first takes out of it what cuts have taken away, and so gives it the newest number: a cut never reaches
//! bytes that were written after it.

use serde::{Deserialize, Serialize};

/// Bytes `[from, to)` of nodes born before cut number `number` are gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Cut {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) number: u64,
}

/// The cuts of one inode.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cuts {
    /// Number of the newest cut there has been; 0 for none.
    newest: u64,
    /// Those whose extents are still in the tree, oldest first.
    pending: Vec<Cut>,
}

impl Cuts {
    /// `newest` cuts were made, of which these are pending.
    #[cfg(test)]
    pub(crate) fn new(newest: u64, pending: Vec<Cut>) -> Cuts {
        Cuts { newest, pending }
    }

    /// What a node is born with that is written now.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// How many are pending.
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether no extent in the tree is gone.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Cuts `[from, to)`: older cuts within it have nothing to say any more.
    pub(crate) fn add(&mut self, from: u64, to: u64) {
        self.newest += 1;
        self.pending.retain(|cut| cut.from < from || cut.to > to);
        self.pending.push(Cut { from, to, number: self.newest });
    }

    /// The cut that is worked off first.
    pub(crate) fn first(&self) -> Option<Cut> {
        self.pending.first().copied()
    }

    /// The first cut has nothing left in the tree before `at`, or nothing at all.
    pub(crate) fn worked_off(&mut self, at: Option<u64>) {
        match (at, self.pending.first_mut()) {
            (Some(at), Some(cut)) => cut.from = at,
            (None, Some(_)) => drop(self.pending.remove(0)),
            (_, None) => {}
        }
    }

    /// What of `[start, end)` is gone for a node with this birth.
    pub(crate) fn gone(&self, born: u64, start: u64, end: u64) -> Vec<(u64, u64)> {
        let reaching = |cut: &&Cut| cut.number > born && cut.from < end && cut.to > start;
        self.pending.iter().filter(reaching).map(|cut| (cut.from.max(start), cut.to.min(end))).collect()
    }

    /// Whether a single cut takes all of `[start, end)` from a node with this birth.
    pub(crate) fn takes_all(&self, born: u64, start: u64, end: u64) -> bool {
        self.pending.iter().any(|cut| cut.number > born && cut.from <= start && cut.to >= end)
    }
}
