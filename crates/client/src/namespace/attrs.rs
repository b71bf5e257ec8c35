//! Attributes this client has been told lately: used without asking for [`CACHE_TTL_MS`].

use std::collections::HashMap;
use std::time::Duration;

use isobar_base::{Ino, limits::CACHE_TTL_MS};
use isobar_cluster::BootTime;
use isobar_wire::message::files::Attr;
use parking_lot::Mutex;

/// Entries of one shard; a full shard is emptied.
const SHARD_ENTRIES_MAX: usize = 16 << 10;
const SHARDS: usize = 16;
const TTL: Duration = Duration::from_millis(CACHE_TTL_MS);

/// Attributes by inode, each with when it was asked for.
#[derive(Debug)]
pub(super) struct AttrCache(Vec<Mutex<HashMap<Ino, (Attr, BootTime)>>>);

impl Default for AttrCache {
    fn default() -> Self {
        AttrCache((0..SHARDS).map(|_| Mutex::default()).collect())
    }
}

impl AttrCache {
    fn shard(&self, ino: Ino) -> &Mutex<HashMap<Ino, (Attr, BootTime)>> {
        &self.0[ino.0 as usize % SHARDS]
    }

    /// Attributes told lately.
    pub fn get(&self, ino: Ino) -> Option<Attr> {
        let shard = self.shard(ino).lock();
        shard.get(&ino).filter(|(_, at)| at.elapsed() < TTL).map(|(attr, _)| *attr)
    }

    /// Remembers attributes, as asked for at `asked`, unless newer ones are known.
    pub fn put(&self, attr: Attr, asked: BootTime) {
        let mut shard = self.shard(attr.ino).lock();
        if shard.len() >= SHARD_ENTRIES_MAX {
            shard.clear();
        }
        let known = shard.entry(attr.ino).or_insert((attr, asked));
        if attr.version >= known.0.version {
            *known = (attr, known.1.max(asked));
        }
    }

    /// Remembers what the holder of a directory's delegation, this client, knows of it, as far as asked for
    /// at `asked`.
    pub fn put_as_holder(&self, attr: Attr, asked: BootTime) {
        self.shard(attr.ino).lock().insert(attr.ino, (attr, asked));
    }

    /// What is known is no longer true.
    pub fn forget(&self, ino: Ino) {
        self.shard(ino).lock().remove(&ino);
    }
}
