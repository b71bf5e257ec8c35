//! Names and attributes this client has been told lately: used without asking for [`CACHE_LEASE_MS`].

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use isobar_base::{Ino, limits::CACHE_LEASE_MS};
use isobar_wire::message::files::{Attr, DirEntry};
use parking_lot::Mutex;

use crate::whole::WholeDirectories;

/// Entries of one shard; a full shard is emptied.
const SHARD_ENTRIES_MAX: usize = 16 << 10;
const SHARDS: usize = 16;
const LEASE: Duration = Duration::from_millis(CACHE_LEASE_MS);
/// Neighbours asked for along with a name, at most.
const NEIGHBOURS_MAX: u32 = 512;

/// Names and attributes.
#[derive(Debug)]
pub(crate) struct Names {
    hasher: RandomState,
    attrs: Vec<Mutex<HashMap<Ino, (Attr, Instant)>>>,
    names: Vec<Mutex<HashMap<(Ino, Box<[u8]>), (Ino, Instant)>>>,
    pub whole: WholeDirectories,
    /// Directories whose names are being looked up one after the other.
    scans: Mutex<HashMap<Ino, Scan>>,
}

#[derive(Debug)]
struct Scan {
    last: Instant,
    neighbours: u32,
}

impl Default for Names {
    fn default() -> Self {
        Names {
            hasher: RandomState::new(),
            attrs: (0..SHARDS).map(|_| Mutex::default()).collect(),
            names: (0..SHARDS).map(|_| Mutex::default()).collect(),
            whole: WholeDirectories::default(),
            scans: Mutex::default(),
        }
    }
}

impl Names {
    fn attr_shard(&self, ino: Ino) -> &Mutex<HashMap<Ino, (Attr, Instant)>> {
        &self.attrs[ino.0 as usize % SHARDS]
    }

    /// Attributes told within the lease.
    pub fn attr(&self, ino: Ino) -> Option<Attr> {
        let shard = self.attr_shard(ino).lock();
        shard.get(&ino).filter(|(_, at)| at.elapsed() < LEASE).map(|(attr, _)| *attr)
    }

    /// Remembers attributes, unless newer ones are known.
    pub fn put_attr(&self, attr: Attr) {
        let mut shard = self.attr_shard(attr.ino).lock();
        if shard.len() >= SHARD_ENTRIES_MAX {
            shard.clear();
        }
        let known = shard.entry(attr.ino).or_insert((attr, Instant::now()));
        if attr.version >= known.0.version {
            *known = (attr, Instant::now());
        }
    }

    pub fn forget_attr(&self, ino: Ino) {
        self.attr_shard(ino).lock().remove(&ino);
    }

    fn name_shard(&self, key: &(Ino, Box<[u8]>)) -> &Mutex<HashMap<(Ino, Box<[u8]>), (Ino, Instant)>> {
        &self.names[self.hasher.hash_one(key) as usize % SHARDS]
    }

    /// The inode under a name, with its attributes, both told within the lease.
    pub fn entry(&self, parent: Ino, name: &[u8]) -> Option<Attr> {
        self.attr(self.ino(parent, name)?)
    }

    /// The inode under a name, told within the lease.
    pub fn ino(&self, parent: Ino, name: &[u8]) -> Option<Ino> {
        let key = (parent, Box::from(name));
        let shard = self.name_shard(&key).lock();
        shard.get(&key).filter(|(_, at)| at.elapsed() < LEASE).map(|(ino, _)| *ino)
    }

    pub fn put_entry(&self, parent: Ino, name: &[u8], attr: Attr) {
        self.put_attr(attr);
        let key = (parent, Box::from(name));
        let mut shard = self.name_shard(&key).lock();
        if shard.len() >= SHARD_ENTRIES_MAX {
            shard.clear();
        }
        shard.insert(key, (attr.ino, Instant::now()));
    }

    pub fn put_entries(&self, parent: Ino, entries: &[DirEntry]) {
        for entry in entries {
            self.put_entry(parent, &entry.name, entry.attr);
        }
    }

    pub fn forget_entry(&self, parent: Ino, name: &[u8]) {
        let key = (parent, Box::from(name));
        self.name_shard(&key).lock().remove(&key);
    }

    /// How many neighbours to ask for along with a name of `parent`: none at first, more and more
    /// while names of the directory are asked for in quick succession.
    pub fn neighbours_wanted(&self, parent: Ino) -> u32 {
        let mut scans = self.scans.lock();
        if scans.len() > 1024 {
            scans.clear();
        }
        let scan = scans.entry(parent).or_insert(Scan { last: Instant::now(), neighbours: 0 });
        let quick = scan.last.elapsed() < Duration::from_millis(50);
        scan.last = Instant::now();
        scan.neighbours = if quick { (scan.neighbours * 4).clamp(8, NEIGHBOURS_MAX) } else { 0 };
        scan.neighbours
    }

    /// Neighbours were of no use: a name was asked for that does not exist.
    pub fn neighbours_useless(&self, parent: Ino) {
        self.scans.lock().remove(&parent);
    }
}
