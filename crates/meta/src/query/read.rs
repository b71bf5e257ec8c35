//! What several questions read.

use isobar_base::{Errno, Ino, KvRead};

use crate::codec::decode;
use crate::key;
use crate::limits::LIST_ENTRIES_MAX;
use crate::record::{Counters, Inode};

/// An inode that is there for clients, ESTALE otherwise.
pub(super) fn inode(kv: &dyn KvRead, ino: Ino) -> Result<Inode, Errno> {
    let inode = kv.get(&key::inode(ino)).map(|bytes| decode::<Inode>(&bytes));
    inode.filter(|inode| !inode.purging).ok_or(Errno::ESTALE)
}

/// Sums and the next free ids.
pub(super) fn counters(kv: &dyn KvRead) -> Counters {
    kv.get(&key::counters()).map(|bytes| decode(&bytes)).unwrap_or_default()
}

/// How many of a list are sent.
pub(super) fn bounded(limit: u32) -> usize {
    limit.min(LIST_ENTRIES_MAX) as usize
}
