//! Names and attributes this client has been told lately: used without asking for [`CACHE_LEASE_MS`].

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use isobar_base::{Ino, limits::CACHE_LEASE_MS};
use isobar_wire::message::files::{Attr, DirEntry, FileKind};
use parking_lot::Mutex;

use crate::whole::WholeDirectories;

/// Entries of one shard; a full shard is emptied.
const SHARD_ENTRIES_MAX: usize = 16 << 10;
const SHARDS: usize = 16;
const LEASE: Duration = Duration::from_millis(CACHE_LEASE_MS);
/// Neighbours asked for along with a name, at most.
const NEIGHBOURS_MAX: u32 = 512;

/// Under a name: the inode, or nothing since this client removed it; and when that was so.
type NameShard = HashMap<(Ino, Box<[u8]>), (Option<Ino>, Instant)>;

/// Names and attributes.
#[derive(Debug)]
pub(crate) struct Names {
    hasher: RandomState,
    attrs: Vec<Mutex<HashMap<Ino, (Attr, Instant)>>>,
    names: Vec<Mutex<NameShard>>,
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

    /// Remembers what the lessee of a directory, this client, knows of it, as far as asked for at `asked`.
    pub fn put_attr_of_leased(&self, attr: Attr, asked: Instant) {
        self.attr_shard(attr.ino).lock().insert(attr.ino, (attr, asked));
    }

    /// Remembers attributes, unless newer ones are known.
    pub fn put_attr(&self, attr: Attr) {
        // What is answered for is not in what the cluster says.
        if attr.kind == FileKind::Directory && self.whole.is_leased(attr.ino) {
            return;
        }
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

    fn name_shard(&self, key: &(Ino, Box<[u8]>)) -> &Mutex<NameShard> {
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
        shard.get(&key).filter(|(_, at)| at.elapsed() < LEASE).and_then(|(ino, _)| *ino)
    }

    /// Remembers what is under a name, as asked for at `asked`, unless something later is known: the
    /// answer to a lookup may be overtaken by a removal of the name that this client made meanwhile.
    pub fn put_entry(&self, parent: Ino, name: &[u8], attr: Attr, asked: Instant) {
        self.put_attr(attr);
        let key = (parent, Box::from(name));
        let mut shard = self.name_shard(&key).lock();
        if shard.len() >= SHARD_ENTRIES_MAX {
            shard.clear();
        }
        if shard.get(&key).is_none_or(|(_, at)| *at <= asked) {
            shard.insert(key, (Some(attr.ino), asked));
        }
    }

    pub fn put_entries(&self, parent: Ino, entries: &[DirEntry], asked: Instant) {
        for entry in entries {
            self.put_entry(parent, &entry.name, entry.attr, asked);
        }
    }

    /// Whatever was asked about the name until now is no longer true.
    pub fn forget_entry(&self, parent: Ino, name: &[u8]) {
        let key = (parent, Box::from(name));
        let mut shard = self.name_shard(&key).lock();
        if shard.len() >= SHARD_ENTRIES_MAX {
            shard.clear();
        }
        shard.insert(key, (None, Instant::now()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_wire::message::files::Time;

    #[test]
    fn an_answer_overtaken_by_a_removal_does_not_bring_the_name_back() {
        let attr = Attr {
            ino: Ino(7),
            kind: FileKind::File,
            mode: 0o644,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            size: 0,
            allocated_bytes: 0,
            atime: Time::default(),
            mtime: Time::default(),
            ctime: Time::default(),
            incarnation: 0,
            version: 1,
            data_version: 1,
        };
        let names = Names::default();
        let asked = Instant::now();
        names.put_entry(Ino::ROOT, b"a", attr, asked);
        assert_eq!(names.ino(Ino::ROOT, b"a"), Some(Ino(7)));
        names.forget_entry(Ino::ROOT, b"a");
        names.put_entry(Ino::ROOT, b"a", attr, asked);
        assert_eq!(names.ino(Ino::ROOT, b"a"), None);
        names.put_entry(Ino::ROOT, b"a", attr, Instant::now());
        assert_eq!(names.ino(Ino::ROOT, b"a"), Some(Ino(7)));
    }
}
