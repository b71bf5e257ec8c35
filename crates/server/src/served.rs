//! What this node has done since it started, counted for whoever looks twice.

use std::sync::atomic::{AtomicU64, Ordering};

use isobar_base::random_u64;
use isobar_wire::message::cluster::Served;

/// Counts. Each is exact; that they are read one after the other is nobody's concern.
#[derive(Debug)]
pub(crate) struct Counts {
    process: u64,
    written_bytes: AtomicU64,
    read_bytes: AtomicU64,
    storage_requests: AtomicU64,
    metadata_requests: AtomicU64,
}

impl Counts {
    /// Nothing so far.
    pub(crate) fn new() -> Counts {
        Counts {
            process: random_u64(),
            written_bytes: AtomicU64::new(0),
            read_bytes: AtomicU64::new(0),
            storage_requests: AtomicU64::new(0),
            metadata_requests: AtomicU64::new(0),
        }
    }

    /// A row of so many bytes is durable.
    pub(crate) fn written(&self, bytes: u64) {
        self.written_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many bytes of a row are on their way.
    pub(crate) fn read(&self, bytes: u64) {
        self.read_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A request for rows came.
    pub(crate) fn storage_request(&self) {
        self.storage_requests.fetch_add(1, Ordering::Relaxed);
    }

    /// So many operations or questions for the metadata came.
    pub(crate) fn metadata_requests(&self, count: usize) {
        self.metadata_requests.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// All of it.
    pub(crate) fn now(&self) -> Served {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Served {
            process: self.process,
            written_bytes: read(&self.written_bytes),
            read_bytes: read(&self.read_bytes),
            storage_requests: read(&self.storage_requests),
            metadata_requests: read(&self.metadata_requests),
        }
    }
}
