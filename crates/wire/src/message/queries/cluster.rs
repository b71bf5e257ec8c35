//! Questions about the cluster, and walks over the whole state for those who clean up and check.

use isobar_base::{Ino, SegmentId};
use serde::{Deserialize, Serialize};

/// A question about the cluster, or about the whole state.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum ClusterQuery {
    /// The cluster map. → [`super::Answer::Cluster`]
    Map,
    /// Counts. → [`super::Answer::Counts`]
    Counts,
    /// Live segments in order of their id. → [`super::Answer::Segments`]
    Segments {
        /// Continue after this one.
        after: Option<SegmentId>,
        /// At most this many.
        limit: u32,
    },
    /// Whether each of these may still be named by some extent, now or later (I6). →
    /// [`super::Answer::SegmentStates`]
    SegmentStates {
        /// Segments found on a device.
        ids: Vec<SegmentId>,
    },
    /// Segments that nothing names any more, longest queued first. → [`super::Answer::Deleted`]
    DeleteQueue {
        /// Continue after this place of the queue. Whoever remembers where it was does not step over what was
        /// collected since.
        after: Option<(u64, SegmentId)>,
        /// At most this many.
        limit: u32,
    },
    /// Inodes with extents that nobody can reach, longest queued first. → [`super::Answer::Queued`]
    PurgeQueue {
        /// Continue after this place of the queue.
        after: Option<(u64, Ino)>,
        /// At most this many.
        limit: u32,
    },
    /// Segments that are less than half alive. → [`super::Answer::Segments`]
    LowLive {
        /// Continue after this one.
        after: Option<SegmentId>,
        /// At most this many.
        limit: u32,
    },
    /// Inodes with extents, for walking all ledgers. A bounded number of inodes is looked at, with or without
    /// extents. → [`super::Answer::InodesUpTo`]
    Inodes {
        /// Continue after this one.
        after: Ino,
        /// At most this many.
        limit: u32,
    },
}
