//! The segments of the log file: which one is where, and the state that each begins with.

use serde::{Deserialize, Serialize};

use crate::ids::{LogId, Vote};

/// One segment in use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// Its place in the file.
    pub slot: usize,
    /// Rises by one with each segment.
    pub seq: u64,
    /// Entries below this index (and none at or above it) may be in it.
    pub next: u64,
}

/// Payload of the first record of each segment: what was true before it.
#[derive(Serialize, Deserialize)]
pub(super) struct StatePayload {
    pub vote: Option<Vote>,
    pub purged: Option<LogId>,
    pub next: u64,
}
