//! Bounds that only the state machine knows; the shared ones are in `isobar_base::limits`.

/// How far a session's operation numbers may run ahead of what it has acknowledged, and so the most
/// replies kept for it; an operation further ahead gets EAGAIN and is not executed.
pub const REPLIES_PER_SESSION_MAX: u64 = 65_536;
/// Most live sessions; beyond it opening one gets EAGAIN.
pub const SESSIONS_MAX: usize = 4096;
/// Most targets of a cluster; beyond it registering one gets ENOSPC.
pub const TARGETS_MAX: u64 = 4096;
/// Most placement groups.
pub const PLACEMENT_GROUPS_MAX: u32 = 4096;
/// Most locks of one inode; beyond it ENOLCK.
pub const LOCKS_PER_INODE_MAX: usize = 4096;
/// A nameless inode with at most this many extents is removed by the operation that finds it so;
/// one with more goes to the purge queue.
pub const PURGE_AT_ONCE_EXTENTS_MAX: u64 = 64;
/// Most elements of a list in an answer, whatever the question asks for.
pub const LIST_ENTRIES_MAX: u32 = 16_384;
/// Longest name of a session, node, address, fault domain or file system.
pub(crate) const LABEL_BYTES_MAX: usize = 255;
/// A node of the extent tree is split when it holds more than this.
pub(crate) const LEAF_EXTENTS_MAX: usize = 128;
/// After a compactor's rewrite a split chunk with at most this many extents becomes one leaf again.
pub(crate) const LEAF_JOIN_EXTENTS_MAX: usize = 64;
