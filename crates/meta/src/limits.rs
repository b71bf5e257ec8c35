//! Bounds that only the state machine knows; the shared ones are in `isobar_base::limits`.

/// What one entry of the log may remove beside what its operations name. A removal that finds no room is
/// noted and done by later entries, step by step. All replicas must use the same bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    /// Extents that holes, truncations, COMMITs and removed inodes take out of maps.
    pub extents: usize,
    /// Extents that purges take out of maps, and other things that purges and ended sessions leave behind:
    /// attributes, replies, locks, claims.
    pub purged: usize,
}

impl Room {
    /// What every entry has. With it an entry changes at most 16 Ki keys beside what its operations name: a
    /// removed extent costs up to five.
    pub const OF_ENTRY: Room = Room { extents: 1024, purged: 2048 };
}

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
/// A nameless inode with at most this many extents is removed by the operation that finds it so, when the
/// entry has room for that; one with more goes to the purge queue.
pub const PURGE_AT_ONCE_EXTENTS_MAX: u64 = 64;
/// The same for bytes of its extended attributes.
pub(crate) const PURGE_AT_ONCE_XATTR_BYTES_MAX: u32 = 4096;
/// Cuts of one inode that are not worked off, at most: with so many another hole or truncation gets EAGAIN.
pub const CUTS_PENDING_MAX: usize = 256;
/// Nodes of an extent tree that one step of a purge looks at.
pub(crate) const PURGE_NODES_MAX: usize = 4096;
/// Nodes of an extent tree that one question looks at beyond the first.
pub(crate) const MAP_NODES_MAX: usize = 4096;
/// Inodes that one question of a walk looks at.
pub const INODES_LOOKED_AT_MAX: usize = 4096;
/// Replies that one operation forgets: a client that acknowledges more has the rest forgotten by its next
/// ones.
pub(crate) const REPLIES_FORGOTTEN_MAX: u64 = 1024;
/// Most elements of a list in an answer, whatever the question asks for.
pub const LIST_ENTRIES_MAX: u32 = 16_384;
/// Longest name of a session, node, address, fault domain or file system.
pub(crate) const LABEL_BYTES_MAX: usize = 255;
/// A node of the extent tree is split when it holds more than this.
pub(crate) const LEAF_EXTENTS_MAX: usize = 128;
/// After a compactor's rewrite a split chunk with at most this many extents becomes one leaf again.
pub(crate) const LEAF_JOIN_EXTENTS_MAX: usize = 64;
