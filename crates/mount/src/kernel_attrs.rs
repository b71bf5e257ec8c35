//! What the kernel was last told about each inode: the ground for close-to-open.
//!
//! The kernel may answer stat and fstat from attributes it was given up to one TTL ago. open(2) must
//! not: so every reply with attributes is noted here, and when an open finds other ones the kernel is
//! told to drop its copy before the open is answered. A record that is missing counts as different.
//!
//! Pages exist only for files that were mapped with mmap. An open whose bytes are those of the open
//! before keeps them (FOPEN_KEEP_CACHE); otherwise the kernel drops them by itself while it finishes
//! the open, in the caller's context. That is why no data is ever invalidated by notification: such a
//! notification waits for page locks whose holders wait for replies of this very process.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use isobar_client::{Attr, Time};
use parking_lot::Mutex;

/// Shards, each with a lock of its own.
const SHARDS: usize = 64;
/// Records in one shard at most; 262,144 in all.
const RECORDS_PER_SHARD_MAX: usize = 4096;

/// The attributes that open compares.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Attributes {
    version: u64,
    size: u64,
    mtime: Time,
}

/// The state of the bytes that open compares.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Bytes {
    data_version: u64,
    size: u64,
    mtime: Time,
}

#[derive(Clone, Copy)]
struct Record {
    attributes: Attributes,
    opened: Option<Bytes>,
}

/// What an open finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenCheck {
    /// The kernel may have other attributes than these.
    pub attributes_differ: bool,
    /// The bytes are those of the last open: pages may stay.
    pub same_bytes: bool,
}

/// The records.
pub struct KernelAttrCache {
    shards: Vec<Mutex<HashMap<u64, Record, BuildHasherDefault<InoHasher>>>>,
}

impl KernelAttrCache {
    /// No records.
    pub fn new() -> Self {
        KernelAttrCache { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// The kernel is being given these attributes.
    pub fn record(&self, attr: &Attr) {
        let attributes = attributes(attr);
        let mut shard = self.shards[shard_of(attr.ino.0)].lock();
        if let Some(record) = shard.get_mut(&attr.ino.0) {
            record.attributes = attributes;
            return;
        }
        make_room(&mut shard);
        shard.insert(attr.ino.0, Record { attributes, opened: None });
    }

    /// These attributes are certain; true when the kernel may have others.
    pub fn note(&self, attr: &Attr) -> bool {
        let attributes = attributes(attr);
        let mut shard = self.shards[shard_of(attr.ino.0)].lock();
        shard
            .get_mut(&attr.ino.0)
            .is_none_or(|record| std::mem::replace(&mut record.attributes, attributes) != attributes)
    }

    /// A file with these attributes is being opened. From now on the kernel has them or none.
    pub fn open(&self, attr: &Attr) -> OpenCheck {
        let attributes = attributes(attr);
        let bytes = Bytes { data_version: attr.data_version, size: attr.size, mtime: attr.mtime };
        let record = Record { attributes, opened: Some(bytes) };
        let mut shard = self.shards[shard_of(attr.ino.0)].lock();
        if let Some(known) = shard.get_mut(&attr.ino.0) {
            let found = OpenCheck {
                attributes_differ: known.attributes != attributes,
                same_bytes: known.opened == Some(bytes),
            };
            *known = record;
            return found;
        }
        make_room(&mut shard);
        shard.insert(attr.ino.0, record);
        OpenCheck { attributes_differ: true, same_bytes: false }
    }

    /// The kernel has forgotten the inode.
    pub fn forget(&self, ino: u64) {
        self.shards[shard_of(ino)].lock().remove(&ino);
    }
}

fn attributes(attr: &Attr) -> Attributes {
    Attributes { version: attr.version, size: attr.size, mtime: attr.mtime }
}

fn make_room(shard: &mut HashMap<u64, Record, BuildHasherDefault<InoHasher>>) {
    if shard.len() >= RECORDS_PER_SHARD_MAX
        && let Some(victim) = shard.keys().next().copied()
    {
        shard.remove(&victim);
    }
}

fn shard_of(ino: u64) -> usize {
    (mix(ino) >> 32) as usize % SHARDS
}

fn mix(ino: u64) -> u64 {
    ino.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Inode numbers are counters given by the cluster: one multiplication spreads them.
#[derive(Default)]
pub struct InoHasher(u64);

impl Hasher for InoHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, ino: u64) {
        let mixed = mix(ino);
        self.0 = mixed ^ (mixed >> 29);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_base::Ino;
    use isobar_client::FileKind;

    fn attr(ino: u64, version: u64, data_version: u64) -> Attr {
        let new = Attr::new(Ino(ino), FileKind::File, Time::default());
        Attr { size: 10, allocated_bytes: 10, version, data_version, ..new }
    }

    #[test]
    fn an_open_of_what_was_told_invalidates_nothing() {
        let cache = KernelAttrCache::new();
        cache.record(&attr(2, 7, 5));
        assert!(!cache.open(&attr(2, 7, 5)).attributes_differ);
        assert_eq!(cache.open(&attr(2, 7, 5)), OpenCheck { attributes_differ: false, same_bytes: true });
    }

    #[test]
    fn an_open_of_changed_attributes_says_so_once() {
        let cache = KernelAttrCache::new();
        cache.record(&attr(2, 7, 5));
        cache.open(&attr(2, 7, 5));
        // chmod elsewhere: the bytes are the same.
        let found = cache.open(&attr(2, 8, 5));
        assert!(found.attributes_differ && found.same_bytes);
        assert!(!cache.open(&attr(2, 8, 5)).attributes_differ);
        let found = cache.open(&attr(2, 9, 9));
        assert!(found.attributes_differ && !found.same_bytes);
    }

    #[test]
    fn what_is_not_known_counts_as_different() {
        let cache = KernelAttrCache::new();
        assert!(cache.open(&attr(2, 7, 5)).attributes_differ);
        cache.forget(2);
        assert!(!cache.open(&attr(2, 7, 5)).same_bytes);
    }

    #[test]
    fn records_are_bounded() {
        let cache = KernelAttrCache::new();
        for ino in 0..400_000 {
            cache.record(&attr(ino, 1, 1));
        }
        let records: usize = cache.shards.iter().map(|s| s.lock().len()).sum();
        assert!(records <= SHARDS * RECORDS_PER_SHARD_MAX);
        assert!(records > SHARDS * RECORDS_PER_SHARD_MAX / 2);
    }
}
