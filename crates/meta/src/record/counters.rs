//! Sums over the state and the next free ids.

use isobar_base::{Ino, SessionId};
use serde::{Deserialize, Serialize};

/// Kept up to date by every operation; no scan is ever needed.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// Inodes that exist, nameless ones too.
    pub(crate) inodes: u64,
    /// File bytes backed by extents.
    pub(crate) file_bytes: u64,
    /// Segments that some extent names.
    pub(crate) segments: u64,
    /// Bytes of those segments on all targets.
    pub(crate) stored_bytes: u64,
    /// Last inode number given.
    pub(crate) last_ino: Ino,
    /// Last session id given.
    pub(crate) last_session: SessionId,
    /// Targets known.
    pub(crate) targets: u64,
    /// Last node number given.
    pub(crate) last_node: u32,
}
