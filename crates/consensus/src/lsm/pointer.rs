//! Which of the `lsm-<n>` directories is the state: a file named `current` that holds its name.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::ConsensusError;

const FILE: &str = "current";
const PREFIX: &str = "lsm-";

/// The name in the pointer, if there is one.
pub(super) fn read(dir: &Path) -> Result<Option<String>, ConsensusError> {
    let path = dir.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let name = text.trim_end().to_owned();
            if number(&name).is_none() {
                return Err(ConsensusError::Corrupt { path, what: format!("it names {name:?}") });
            }
            Ok(Some(name))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ConsensusError::Io { what: format!("reading {}", path.display()), source: error }),
    }
}

/// Points to `name`, atomically and durably.
pub(super) fn write(dir: &Path, name: &str) -> Result<(), ConsensusError> {
    let (path, temporary) = (dir.join(FILE), dir.join("current.new"));
    let switch = || {
        let mut file = File::create(&temporary)?;
        writeln!(file, "{name}")?;
        file.sync_all()?;
        // The directory it will name must be durable first.
        File::open(dir)?.sync_all()?;
        std::fs::rename(&temporary, &path)?;
        File::open(dir)?.sync_all()
    };
    switch().map_err(ConsensusError::io(format!("pointing {} to {name}", path.display())))
}

/// A name no directory has yet.
pub(super) fn next_name(dir: &Path) -> Result<String, ConsensusError> {
    let highest = names(dir)?.iter().filter_map(|name| number(name)).max();
    Ok(format!("{PREFIX}{}", highest.map_or(1, |n| n + 1)))
}

/// Removes every `lsm-<n>` but `name`: remains of an interrupted switch.
pub(super) fn remove_others(dir: &Path, name: &str) -> Result<(), ConsensusError> {
    for other in names(dir)?.iter().filter(|other| *other != name) {
        let path = dir.join(other);
        std::fs::remove_dir_all(&path).map_err(ConsensusError::io(format!("removing {}", path.display())))?;
    }
    Ok(())
}

fn names(dir: &Path) -> Result<Vec<String>, ConsensusError> {
    let list = || {
        let mut out = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            out.extend(entry?.file_name().into_string().ok().filter(|name| number(name).is_some()));
        }
        Ok(out)
    };
    list().map_err(ConsensusError::io(format!("listing {}", dir.display())))
}

fn number(name: &str) -> Option<u64> {
    name.strip_prefix(PREFIX)?.parse().ok()
}
