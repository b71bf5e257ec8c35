//! Segments as a whole: writing new ones so that they are durable, reading ranges of them whatever
//! happened to some of their rows, rebuilding rows. What a file is, is not known here.
//!
//! Start reading at `write.rs` and `read.rs`. Targets that answer late are dealt with in both: `place.rs` and
//! `standing.rs` say which are asked, `allowance.rs` how often others are asked in their stead.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod allowance;
mod decode;
mod encode;
mod examine;
mod place;
mod read;
mod room;
mod row;
mod source;
mod standing;
mod stats;
mod write;

use std::sync::Arc;

pub use examine::{Examined, RowState};
pub use row::{Row, RowError};
pub use source::{Coming, RowSource};
pub use stats::{ReadStats, WriteStats};

use allowance::Allowance;
use isobar_cluster::Cluster;

/// One request for a row beside the usual ones for each so many of those, and so many to begin with.
const HEDGES: (u32, u32) = (20, 64);
/// One segment given up because few targets are late for each so many segments, and so many to begin with.
const ROUNDS_ABANDONED: (u32, u32) = (8, 8);

/// Reads and writes segments of one cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Segments(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cluster: Cluster,
    hedges: Allowance,
    rounds_abandoned: Allowance,
    stats: stats::Counters,
    repairs: Arc<tokio::sync::Semaphore>,
    room: room::Room,
    /// Whether writes wait for room while others free some.
    hopes: bool,
}

impl Segments {
    /// Segments of this cluster.
    pub fn new(cluster: Cluster) -> Segments {
        Segments::made(cluster, true)
    }

    /// Likewise for whoever frees room: its writes wait for nobody to do so.
    pub fn without_hope(cluster: Cluster) -> Segments {
        Segments::made(cluster, false)
    }

    fn made(cluster: Cluster, hopes: bool) -> Segments {
        Segments(Arc::new(Inner {
            cluster,
            room: room::Room::default(),
            hopes,
            hedges: Allowance::new(HEDGES.0, HEDGES.1),
            rounds_abandoned: Allowance::new(ROUNDS_ABANDONED.0, ROUNDS_ABANDONED.1),
            stats: stats::Counters::default(),
            repairs: Arc::new(tokio::sync::Semaphore::new(4)),
        }))
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.0.cluster
    }
}
