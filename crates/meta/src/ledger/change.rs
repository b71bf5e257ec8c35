//! What an operation changed in a map: from it the inode's sums follow, and what each segment has left.

use std::collections::BTreeMap;

use isobar_base::SegmentId;

use crate::record::{Cuts, Inode, Source};

/// What an operation changed in a map.
#[derive(Default, Debug)]
pub(crate) struct Change {
    /// Bytes named, by segment: more or fewer.
    pub(crate) live: BTreeMap<SegmentId, i64>,
    /// File bytes backed by extents.
    pub(crate) bytes: i64,
    /// Extents in the tree.
    pub(crate) extents: i64,
    /// A node was split.
    pub(crate) split: bool,
    /// The inode's cuts as they are now.
    pub(crate) cuts: Cuts,
}

impl Change {
    /// So many bytes of a source are named, more or fewer.
    pub(super) fn count(&mut self, source: &Source, bytes: i64) {
        self.bytes += bytes;
        if let Source::Segment { id, .. } = source {
            *self.live.entry(*id).or_default() += bytes;
        }
    }

    /// Brings the sums in the inode up to date.
    pub(crate) fn settle_inode(&self, inode: &mut Inode) {
        inode.allocated_bytes = add(inode.allocated_bytes, self.bytes);
        inode.extents = add(inode.extents, self.extents);
        inode.split |= self.split;
        inode.cuts.clone_from(&self.cuts);
    }
}

/// A count after a change.
pub(crate) fn add(count: u64, change: i64) -> u64 {
    match count.checked_add_signed(change) {
        Some(count) => count,
        None => panic!("I3: a count of {count} in a ledger cannot change by {change}"),
    }
}
