//! Complete directories: this client knows every name of them, so names that are not there need no question
//! (Ceph's I_COMPLETE).
//!
//! A directory is complete from the moment this client made it, or read all of it. Each change this
//! client makes comes back with the directory's version before and after; as long as these join up,
//! nobody else changed anything. The knowledge is good for [`CACHE_TTL_MS`] from when the last such
//! question was asked; after that, one question (is the version still this?) renews it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use isobar_base::{Ino, limits::CACHE_TTL_MS};
use parking_lot::Mutex;

const TTL: Duration = Duration::from_millis(CACHE_TTL_MS);
/// Names kept for all directories together; beyond, everything is forgotten.
const NAMES_MAX: usize = 1 << 20;
/// Changes whose predecessors have not been heard of yet, for one directory.
const PENDING_CHANGES_MAX: usize = 64;

/// All complete directories.
#[derive(Debug, Default)]
pub(crate) struct CompleteDirectories(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    directories: HashMap<Ino, CachedDir>,
    names: usize,
}

#[derive(Debug)]
struct CachedDir {
    version: u64,
    asked: Instant,
    names: HashMap<Box<[u8]>, Ino>,
    pending_changes: Vec<(u64, u64, Change, Instant)>,
    ownership: Ownership,
}

/// Whether nobody else can change the directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ownership {
    /// Anybody can.
    None,
    /// It is delegated to this client.
    Delegated,
    /// The delegation is being returned: nobody knows the moment.
    Ending,
}

/// What this client did to a directory.
#[derive(Debug)]
pub(crate) enum Change {
    Added(Box<[u8]>, Ino),
    Removed(Box<[u8]>),
}

/// What is known of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CachedLookup {
    /// It leads to this inode.
    Found(Ino),
    /// It does not exist.
    Negative,
    /// Nobody knows; but the directory was complete at this version.
    Revalidate(u64),
    /// Nobody knows.
    Miss,
}

impl Change {
    fn name(&self) -> &[u8] {
        match self {
            Change::Added(name, _) | Change::Removed(name) => name,
        }
    }
}

impl CompleteDirectories {
    /// All names of a directory at a version, as asked for at `asked`.
    pub fn learn(
        &self,
        dir: Ino,
        version: u64,
        asked: Instant,
        names: impl Iterator<Item = (Box<[u8]>, Ino)>,
    ) {
        let mut known = self.0.lock();
        // What a holder knows is newer than any answer.
        if known.directories.get(&dir).is_some_and(|w| w.version > version || w.ownership != Ownership::None)
        {
            return;
        }
        known.forget(dir);
        let names: HashMap<_, _> = names.collect();
        known.names += names.len();
        if known.names > NAMES_MAX || known.directories.len() > NAMES_MAX / 16 {
            *known = Known::default();
            return;
        }
        let (pending_changes, ownership) = (Vec::new(), Ownership::None);
        known.directories.insert(dir, CachedDir { version, asked, names, pending_changes, ownership });
    }

    /// The directory has been delegated; false when it is not complete, exactly as of `version`.
    pub fn begin_holding(&self, dir: Ino, version: u64) -> bool {
        match self.0.lock().directories.get_mut(&dir) {
            Some(cached) if cached.version == version && cached.pending_changes.is_empty() => {
                cached.ownership = Ownership::Delegated;
                true
            }
            _ => false,
        }
    }

    /// What the holder of a directory knows of a name; `None` when it does not know all names.
    pub fn find_as_holder(&self, dir: Ino, name: &[u8]) -> Option<Option<Ino>> {
        let known = self.0.lock();
        let cached = known.directories.get(&dir).filter(|cached| cached.ownership == Ownership::Delegated)?;
        Some(cached.names.get(name).copied())
    }

    /// Whether the holder of the directory, this client, knows all its names.
    pub fn is_delegated(&self, dir: Ino) -> bool {
        self.0.lock().directories.get(&dir).is_some_and(|cached| cached.ownership == Ownership::Delegated)
    }

    /// The delegation is being returned.
    pub fn delegation_ends(&self, dir: Ino) {
        if let Some(cached) = self.0.lock().directories.get_mut(&dir) {
            cached.ownership = Ownership::Ending;
        }
    }

    /// The delegation was returned when the directory had this version, `asked` for then.
    pub fn delegation_ended(&self, dir: Ino, version: u64, asked: Instant) {
        let mut known = self.0.lock();
        if let Some(cached) = known.directories.get_mut(&dir)
            && cached.ownership == Ownership::Ending
        {
            cached.ownership = Ownership::None;
            cached.version = version;
            cached.asked = asked;
            known.join(dir);
        }
    }

    /// The holder made or removed a name.
    pub fn changed_by_holder(&self, dir: Ino, change: Change) {
        let mut known = self.0.lock();
        let Known { directories, names } = &mut *known;
        if let Some(cached) = directories.get_mut(&dir) {
            cached.apply(change, names);
        }
    }

    pub fn forget(&self, dir: Ino) {
        self.0.lock().forget(dir);
    }

    /// This client changed a directory from version `before` to `after`.
    pub fn changed(&self, dir: Ino, before: u64, after: u64, change: Change, asked: Instant) {
        let mut known = self.0.lock();
        let Known { directories, names } = &mut *known;
        let Some(cached) = directories.get_mut(&dir) else { return };
        if cached.ownership == Ownership::Delegated {
            return cached.apply(change, names);
        }
        cached.pending_changes.push((before, after, change, asked));
        known.join(dir);
    }

    /// What is known of a name.
    pub fn find(&self, dir: Ino, name: &[u8]) -> CachedLookup {
        let known = self.0.lock();
        let Some(cached) = known.directories.get(&dir) else { return CachedLookup::Miss };
        match cached.ownership {
            Ownership::Delegated => {
                return cached
                    .names
                    .get(name)
                    .map_or(CachedLookup::Negative, |&ino| CachedLookup::Found(ino));
            }
            Ownership::Ending => return CachedLookup::Miss,
            Ownership::None => {}
        }
        if cached.asked.elapsed() >= TTL {
            return CachedLookup::Revalidate(cached.version);
        }
        // What this client did itself is never unknown to it, whatever came in between.
        if cached.pending_changes.iter().any(|(_, _, change, _)| change.name() == name) {
            return CachedLookup::Miss;
        }
        cached.names.get(name).map_or(CachedLookup::Negative, |&ino| CachedLookup::Found(ino))
    }

    /// The directory has this version, as asked for at `asked`.
    pub fn confirm(&self, dir: Ino, version: u64, asked: Instant) {
        let mut known = self.0.lock();
        let Some(cached) = known.directories.get_mut(&dir) else { return };
        if cached.ownership != Ownership::None {
            return;
        }
        if cached.version == version {
            cached.asked = cached.asked.max(asked);
        } else if cached.version < version && cached.pending_changes.is_empty() {
            known.forget(dir);
        }
    }
}

impl CachedDir {
    fn apply(&mut self, change: Change, names: &mut usize) {
        match change {
            Change::Added(name, ino) => *names += usize::from(self.names.insert(name, ino).is_none()),
            Change::Removed(name) => *names -= usize::from(self.names.remove(&name).is_some()),
        }
    }
}

impl Known {
    /// Applies the changes that follow upon each other.
    fn join(&mut self, dir: Ino) {
        let Known { directories, names } = self;
        let Some(cached) = directories.get_mut(&dir).filter(|cached| cached.ownership == Ownership::None)
        else {
            return;
        };
        while let Some(at) = cached.pending_changes.iter().position(|c| c.0 == cached.version) {
            let (_, after, change, asked) = cached.pending_changes.swap_remove(at);
            cached.version = after;
            cached.asked = cached.asked.max(asked);
            cached.apply(change, names);
        }
        let lost = cached.pending_changes.len() > PENDING_CHANGES_MAX
            || cached.pending_changes.iter().any(|c| c.0 < cached.version);
        if lost || self.names > NAMES_MAX {
            self.forget(dir);
        }
    }

    fn forget(&mut self, dir: Ino) {
        if let Some(cached) = self.directories.remove(&dir) {
            self.names -= cached.names.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIR: Ino = Ino(9);

    fn added(name: &str, ino: u64) -> Change {
        Change::Added(name.as_bytes().into(), Ino(ino))
    }

    #[test]
    fn own_changes_join_up_in_any_order() {
        let all = CompleteDirectories::default();
        let now = Instant::now();
        all.learn(DIR, 10, now, std::iter::empty());
        assert_eq!(all.find(DIR, b"a"), CachedLookup::Negative);
        all.changed(DIR, 11, 12, added("b", 2), now);
        assert_eq!(all.find(DIR, b"b"), CachedLookup::Miss);
        assert_eq!(all.find(DIR, b"c"), CachedLookup::Negative);
        all.changed(DIR, 10, 11, added("a", 1), now);
        assert_eq!(all.find(DIR, b"a"), CachedLookup::Found(Ino(1)));
        assert_eq!(all.find(DIR, b"b"), CachedLookup::Found(Ino(2)));
        all.changed(DIR, 12, 13, Change::Removed((*b"a").into()), now);
        assert_eq!(all.find(DIR, b"a"), CachedLookup::Negative);
    }

    #[test]
    fn a_strangers_change_ends_the_knowledge() {
        let all = CompleteDirectories::default();
        let now = Instant::now();
        all.learn(DIR, 10, now, std::iter::empty());
        all.confirm(DIR, 11, now);
        assert_eq!(all.find(DIR, b"a"), CachedLookup::Miss);
    }

    #[test]
    fn knowledge_ages_and_is_renewed_by_one_question() {
        let all = CompleteDirectories::default();
        let Some(old) = Instant::now().checked_sub(2 * TTL) else { return };
        all.learn(DIR, 10, old, std::iter::empty());
        assert_eq!(all.find(DIR, b"a"), CachedLookup::Revalidate(10));
        all.changed(DIR, 11, 12, added("b", 1), Instant::now());
        assert_eq!(all.find(DIR, b"a"), CachedLookup::Revalidate(10));
        all.confirm(DIR, 10, Instant::now());
        assert_eq!(all.find(DIR, b"a"), CachedLookup::Negative);
        assert_eq!(all.find(DIR, b"b"), CachedLookup::Miss, "named by a change that does not join up yet");
    }
}
