//! Names this client has been told lately: used without asking for [`CACHE_TTL_MS`].

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use isobar_base::{Ino, limits::CACHE_TTL_MS};
use isobar_cluster::BootTime;
use parking_lot::Mutex;

/// Entries of one shard; a full shard is emptied.
const SHARD_ENTRIES_MAX: usize = 16 << 10;
const SHARDS: usize = 16;
const TTL: Duration = Duration::from_millis(CACHE_TTL_MS);

type Key = (Ino, Box<[u8]>);
/// Under a name: the inode, or nothing since this client removed it; and when that was so.
type Shard = HashMap<Key, (Option<Ino>, BootTime)>;

/// Inodes by directory and name.
#[derive(Debug)]
pub(super) struct DentryCache {
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
}

impl Default for DentryCache {
    fn default() -> Self {
        DentryCache { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl DentryCache {
    fn shard(&self, key: &Key) -> &Mutex<Shard> {
        &self.shards[self.hasher.hash_one(key) as usize % SHARDS]
    }

    /// The inode under a name, told lately.
    pub fn get(&self, parent: Ino, name: &[u8]) -> Option<Ino> {
        let key = (parent, Box::from(name));
        let shard = self.shard(&key).lock();
        shard.get(&key).filter(|(_, at)| at.elapsed() < TTL).and_then(|(ino, _)| *ino)
    }

    /// Remembers what is under a name, as asked for at `asked`, unless something later is known: the
    /// answer to a lookup may be overtaken by a removal of the name that this client made meanwhile.
    pub fn put(&self, parent: Ino, name: &[u8], ino: Ino, asked: BootTime) {
        let key = (parent, Box::from(name));
        let mut shard = self.shard(&key).lock();
        if shard.len() >= SHARD_ENTRIES_MAX {
            shard.clear();
        }
        if shard.get(&key).is_none_or(|(_, at)| *at <= asked) {
            shard.insert(key, (Some(ino), asked));
        }
    }

    /// Whatever was asked about the name until now is no longer true.
    pub fn forget(&self, parent: Ino, name: &[u8]) {
        let key = (parent, Box::from(name));
        let mut shard = self.shard(&key).lock();
        if shard.len() >= SHARD_ENTRIES_MAX {
            shard.clear();
        }
        shard.insert(key, (None, BootTime::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_overtaken_by_a_removal_does_not_bring_the_name_back() {
        let names = DentryCache::default();
        let asked = BootTime::now();
        names.put(Ino::ROOT, b"a", Ino(7), asked);
        assert_eq!(names.get(Ino::ROOT, b"a"), Some(Ino(7)));
        names.forget(Ino::ROOT, b"a");
        names.put(Ino::ROOT, b"a", Ino(7), asked);
        assert_eq!(names.get(Ino::ROOT, b"a"), None);
        names.put(Ino::ROOT, b"a", Ino(7), BootTime::now());
        assert_eq!(names.get(Ino::ROOT, b"a"), Some(Ino(7)));
    }
}
