//! Complete directories: this client knows every name of them (Ceph's I_COMPLETE).
//!
//! A directory is complete from the moment this client made it, or read all of it. Each change this
//! client makes comes back with the directory's version before and after; as long as these join up,
//! nobody else changed anything that this client has heard of. **That a name is not there follows from it
//! only while the directory is delegated to this client**: else somebody else may have made it a moment ago.

use std::collections::HashMap;

use isobar_base::Ino;
use parking_lot::Mutex;

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
    names: HashMap<Box<[u8]>, Ino>,
    pending_changes: Vec<(u64, u64, Change)>,
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

impl CompleteDirectories {
    /// All names of a directory at a version.
    pub fn learn(&self, dir: Ino, version: u64, names: impl Iterator<Item = (Box<[u8]>, Ino)>) {
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
        known.directories.insert(dir, CachedDir { version, names, pending_changes, ownership });
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

    /// The delegation was returned when the directory had this version.
    pub fn delegation_ended(&self, dir: Ino, version: u64) {
        let mut known = self.0.lock();
        if let Some(cached) = known.directories.get_mut(&dir)
            && cached.ownership == Ownership::Ending
        {
            cached.ownership = Ownership::None;
            cached.version = version;
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
    pub fn changed(&self, dir: Ino, before: u64, after: u64, change: Change) {
        let mut known = self.0.lock();
        let Known { directories, names } = &mut *known;
        let Some(cached) = directories.get_mut(&dir) else { return };
        if cached.ownership == Ownership::Delegated {
            return cached.apply(change, names);
        }
        cached.pending_changes.push((before, after, change));
        known.join(dir);
    }

    /// The directory has this version.
    pub fn confirm(&self, dir: Ino, version: u64) {
        let mut known = self.0.lock();
        let is_old = |cached: &CachedDir| {
            cached.ownership == Ownership::None
                && cached.version < version
                && cached.pending_changes.is_empty()
        };
        if known.directories.get(&dir).is_some_and(is_old) {
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
            let (_, after, change) = cached.pending_changes.swap_remove(at);
            cached.version = after;
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

    /// What is known of a name, and whether the directory is complete as of this version.
    fn hold(all: &CompleteDirectories, version: u64, name: &[u8]) -> Option<Option<Ino>> {
        all.begin_holding(DIR, version).then(|| all.find_as_holder(DIR, name).unwrap())
    }

    #[test]
    fn own_changes_join_up_in_any_order() {
        let all = CompleteDirectories::default();
        all.learn(DIR, 10, std::iter::empty());
        all.changed(DIR, 12, 13, Change::Removed((*b"a").into()));
        all.changed(DIR, 11, 12, added("b", 2));
        assert_eq!(hold(&all, 13, b"b"), None, "what came before is not known yet");
        all.changed(DIR, 10, 11, added("a", 1));
        assert_eq!(hold(&all, 13, b"a"), Some(None));
        assert_eq!(hold(&all, 13, b"b"), Some(Some(Ino(2))));
    }

    #[test]
    fn a_strangers_change_ends_the_knowledge() {
        let all = CompleteDirectories::default();
        all.learn(DIR, 10, std::iter::empty());
        all.confirm(DIR, 10);
        all.confirm(DIR, 11);
        assert_eq!(hold(&all, 10, b"a"), None);
    }

    #[test]
    fn names_answer_for_themselves_only_while_the_directory_is_delegated() {
        let all = CompleteDirectories::default();
        all.learn(DIR, 10, std::iter::empty());
        assert_eq!(all.find_as_holder(DIR, b"a"), None);
        assert_eq!(hold(&all, 10, b"a"), Some(None));
        all.delegation_ends(DIR);
        assert_eq!(all.find_as_holder(DIR, b"a"), None);
    }
}
