//! Segments as a whole: writing new ones so that they are durable, reading ranges of them whatever
//! happened to some of their rows, rebuilding rows. What a file is, is not known here.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod decode;
mod encode;
mod examine;
mod read;
mod row;
mod write;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub use examine::{Examined, RowState};
pub use read::ReadStats;

use isobar_cluster::Cluster;

/// Reads and writes segments of one cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Segments(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cluster: Cluster,
    /// Smoothed time of a whole PUT round in microseconds.
    put_us: AtomicU64,
    /// Smoothed time of a GET in microseconds.
    get_us: AtomicU64,
    stats: read::Counters,
    repairs: Arc<tokio::sync::Semaphore>,
}

impl Segments {
    /// Segments of this cluster.
    pub fn new(cluster: Cluster) -> Segments {
        Segments(Arc::new(Inner {
            cluster,
            put_us: AtomicU64::new(0),
            get_us: AtomicU64::new(0),
            stats: read::Counters::default(),
            repairs: Arc::new(tokio::sync::Semaphore::new(4)),
        }))
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.0.cluster
    }
}
