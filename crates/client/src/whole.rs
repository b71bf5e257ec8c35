//! Directories of which this client knows every name: names that are not there need no question.
//!
//! A directory is known whole from the moment this client made it, or read all of it. Each change this
//! client makes comes back with the directory's version before and after; as long as these join up,
//! nobody else changed anything. The knowledge is good for [`CACHE_LEASE_MS`] from when the last such
//! question was asked; after that, one question (is the version still this?) renews it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use isobar_base::{Ino, limits::CACHE_LEASE_MS};
use parking_lot::Mutex;

const LEASE: Duration = Duration::from_millis(CACHE_LEASE_MS);
/// Names kept for all directories together; beyond, everything is forgotten.
const NAMES_MAX: usize = 1 << 20;
/// Changes whose predecessors have not been heard of yet, for one directory.
const UNJOINED_MAX: usize = 64;

/// All directories known whole.
#[derive(Debug, Default)]
pub(crate) struct WholeDirectories(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    directories: HashMap<Ino, Whole>,
    names: usize,
}

#[derive(Debug)]
struct Whole {
    version: u64,
    asked: Instant,
    names: HashMap<Box<[u8]>, Ino>,
    unjoined: Vec<(u64, u64, Change, Instant)>,
    tenure: Tenure,
}

/// Whether nobody else can change the directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tenure {
    /// Anybody can.
    None,
    /// It is leased to this client.
    Leased,
    /// The lease is being given up: nobody knows the moment.
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
pub(crate) enum Name {
    /// It leads to this inode.
    Leads(Ino),
    /// It does not exist.
    Absent,
    /// Nobody knows; but the directory was known whole at this version.
    Stale(u64),
    /// Nobody knows.
    Unknown,
}

impl Change {
    fn name(&self) -> &[u8] {
        match self {
            Change::Added(name, _) | Change::Removed(name) => name,
        }
    }
}

impl WholeDirectories {
    /// All names of a directory at a version, as asked for at `asked`.
    pub fn learn(
        &self,
        dir: Ino,
        version: u64,
        asked: Instant,
        names: impl Iterator<Item = (Box<[u8]>, Ino)>,
    ) {
        let mut known = self.0.lock();
        // What a lessee knows is newer than any answer.
        if known.directories.get(&dir).is_some_and(|w| w.version > version || w.tenure != Tenure::None) {
            return;
        }
        known.forget(dir);
        let names: HashMap<_, _> = names.collect();
        known.names += names.len();
        if known.names > NAMES_MAX || known.directories.len() > NAMES_MAX / 16 {
            *known = Known::default();
            return;
        }
        let (unjoined, tenure) = (Vec::new(), Tenure::None);
        known.directories.insert(dir, Whole { version, asked, names, unjoined, tenure });
    }

    /// The directory has been leased; false when it is not known whole, exactly as of `version`.
    pub fn leased(&self, dir: Ino, version: u64) -> bool {
        match self.0.lock().directories.get_mut(&dir) {
            Some(whole) if whole.version == version && whole.unjoined.is_empty() => {
                whole.tenure = Tenure::Leased;
                true
            }
            _ => false,
        }
    }

    /// What the lessee of a directory knows of a name; `None` when it does not know all names.
    pub fn find_as_lessee(&self, dir: Ino, name: &[u8]) -> Option<Option<Ino>> {
        let known = self.0.lock();
        let whole = known.directories.get(&dir).filter(|whole| whole.tenure == Tenure::Leased)?;
        Some(whole.names.get(name).copied())
    }

    /// Whether the lessee of the directory, this client, knows all its names.
    pub fn is_leased(&self, dir: Ino) -> bool {
        self.0.lock().directories.get(&dir).is_some_and(|whole| whole.tenure == Tenure::Leased)
    }

    /// The lease is being given up.
    pub fn lease_ends(&self, dir: Ino) {
        if let Some(whole) = self.0.lock().directories.get_mut(&dir) {
            whole.tenure = Tenure::Ending;
        }
    }

    /// The lease was given up when the directory had this version, `asked` for then.
    pub fn lease_ended(&self, dir: Ino, version: u64, asked: Instant) {
        let mut known = self.0.lock();
        if let Some(whole) = known.directories.get_mut(&dir)
            && whole.tenure == Tenure::Ending
        {
            whole.tenure = Tenure::None;
            whole.version = version;
            whole.asked = asked;
            known.join(dir);
        }
    }

    /// The lessee made or removed a name.
    pub fn changed_by_lessee(&self, dir: Ino, change: Change) {
        let mut known = self.0.lock();
        let Known { directories, names } = &mut *known;
        if let Some(whole) = directories.get_mut(&dir) {
            whole.apply(change, names);
        }
    }

    pub fn forget(&self, dir: Ino) {
        self.0.lock().forget(dir);
    }

    /// This client changed a directory from version `before` to `after`.
    pub fn changed(&self, dir: Ino, before: u64, after: u64, change: Change, asked: Instant) {
        let mut known = self.0.lock();
        let Known { directories, names } = &mut *known;
        let Some(whole) = directories.get_mut(&dir) else { return };
        if whole.tenure == Tenure::Leased {
            return whole.apply(change, names);
        }
        whole.unjoined.push((before, after, change, asked));
        known.join(dir);
    }

    /// What is known of a name.
    pub fn find(&self, dir: Ino, name: &[u8]) -> Name {
        let known = self.0.lock();
        let Some(whole) = known.directories.get(&dir) else { return Name::Unknown };
        match whole.tenure {
            Tenure::Leased => return whole.names.get(name).map_or(Name::Absent, |&ino| Name::Leads(ino)),
            Tenure::Ending => return Name::Unknown,
            Tenure::None => {}
        }
        if whole.asked.elapsed() >= LEASE {
            return Name::Stale(whole.version);
        }
        // What this client did itself is never unknown to it, whatever came in between.
        if whole.unjoined.iter().any(|(_, _, change, _)| change.name() == name) {
            return Name::Unknown;
        }
        whole.names.get(name).map_or(Name::Absent, |&ino| Name::Leads(ino))
    }

    /// The directory has this version, as asked for at `asked`.
    pub fn confirm(&self, dir: Ino, version: u64, asked: Instant) {
        let mut known = self.0.lock();
        let Some(whole) = known.directories.get_mut(&dir) else { return };
        if whole.tenure != Tenure::None {
            return;
        }
        if whole.version == version {
            whole.asked = whole.asked.max(asked);
        } else if whole.version < version && whole.unjoined.is_empty() {
            known.forget(dir);
        }
    }
}

impl Whole {
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
        let Some(whole) = directories.get_mut(&dir).filter(|whole| whole.tenure == Tenure::None) else {
            return;
        };
        while let Some(at) = whole.unjoined.iter().position(|c| c.0 == whole.version) {
            let (_, after, change, asked) = whole.unjoined.swap_remove(at);
            whole.version = after;
            whole.asked = whole.asked.max(asked);
            whole.apply(change, names);
        }
        let lost = whole.unjoined.len() > UNJOINED_MAX || whole.unjoined.iter().any(|c| c.0 < whole.version);
        if lost || self.names > NAMES_MAX {
            self.forget(dir);
        }
    }

    fn forget(&mut self, dir: Ino) {
        if let Some(whole) = self.directories.remove(&dir) {
            self.names -= whole.names.len();
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
        let all = WholeDirectories::default();
        let now = Instant::now();
        all.learn(DIR, 10, now, std::iter::empty());
        assert_eq!(all.find(DIR, b"a"), Name::Absent);
        all.changed(DIR, 11, 12, added("b", 2), now);
        assert_eq!(all.find(DIR, b"b"), Name::Unknown);
        assert_eq!(all.find(DIR, b"c"), Name::Absent);
        all.changed(DIR, 10, 11, added("a", 1), now);
        assert_eq!(all.find(DIR, b"a"), Name::Leads(Ino(1)));
        assert_eq!(all.find(DIR, b"b"), Name::Leads(Ino(2)));
        all.changed(DIR, 12, 13, Change::Removed((*b"a").into()), now);
        assert_eq!(all.find(DIR, b"a"), Name::Absent);
    }

    #[test]
    fn a_strangers_change_ends_the_knowledge() {
        let all = WholeDirectories::default();
        let now = Instant::now();
        all.learn(DIR, 10, now, std::iter::empty());
        all.confirm(DIR, 11, now);
        assert_eq!(all.find(DIR, b"a"), Name::Unknown);
    }

    #[test]
    fn knowledge_ages_and_is_renewed_by_one_question() {
        let all = WholeDirectories::default();
        let Some(old) = Instant::now().checked_sub(2 * LEASE) else { return };
        all.learn(DIR, 10, old, std::iter::empty());
        assert_eq!(all.find(DIR, b"a"), Name::Stale(10));
        all.changed(DIR, 11, 12, added("b", 1), Instant::now());
        assert_eq!(all.find(DIR, b"a"), Name::Stale(10));
        all.confirm(DIR, 10, Instant::now());
        assert_eq!(all.find(DIR, b"a"), Name::Absent);
        assert_eq!(all.find(DIR, b"b"), Name::Unknown, "named by a change that does not join up yet");
    }
}
