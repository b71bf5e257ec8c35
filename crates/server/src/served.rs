//! What this node has done since it started, counted for whoever looks twice. Where it is about rows, what
//! other nodes ask for does not count: rows that are built again or moved, searches, deletions.

use std::sync::atomic::{AtomicU64, Ordering};

use isobar_base::random_u64;
use isobar_wire::Role;
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

    /// A new row of so many bytes is durable.
    pub(crate) fn written(&self, from: Role, bytes: u64) {
        add(&self.written_bytes, from, bytes);
    }

    /// So many bytes of a row were read.
    pub(crate) fn read(&self, from: Role, bytes: u64) {
        add(&self.read_bytes, from, bytes);
    }

    /// A request for rows came.
    pub(crate) fn storage_request(&self, from: Role) {
        add(&self.storage_requests, from, 1);
    }

    /// So many operations or questions for the metadata came, of whoever asks.
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

/// Counts what was asked for by anybody but a node.
fn add(count: &AtomicU64, from: Role, more: u64) {
    if from != Role::Node {
        count.fetch_add(more, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nodes_do_for_each_other_does_not_count() {
        let counts = Counts::new();
        for from in Role::ALL {
            counts.storage_request(from);
            counts.written(from, 10);
            counts.read(from, 20);
        }
        let now = counts.now();
        assert_eq!((now.written_bytes, now.read_bytes, now.storage_requests), (20, 40, 2));
    }
}
