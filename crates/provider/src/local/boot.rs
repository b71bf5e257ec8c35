//! Which boot of the machine this is, and at which one a node was started last.
//!
//! `run/NAME.boot` in the directory of a cluster is there as long as a node is meant to run:
//!
//! ```text
//! start ─► this boot ─► stop ─► no file
//!              └─► the machine goes down ─► another boot: nobody has stopped it
//! ```

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use isobar_admin::Local;

use crate::error::ProviderError;

/// The kernel's name for the time since it was started.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// The first process of the machine, or of its container.
const FIRST: &str = "/proc/1/stat";
/// Which of the words behind that process's name says when it was started.
const STARTED_AT: usize = 19;

/// A boot, told from all others.
pub(super) struct Boot(String);

fn failed(verb: &str, path: &std::path::Path) -> impl Fn(io::Error) -> ProviderError {
    let what = format!("cannot {verb} {}", path.display());
    move |error| ProviderError::retry(format!("{what}: {error}"))
}

fn file_of(local: &Local, node: &str) -> PathBuf {
    local.dir.join("run").join(format!("{node}.boot"))
}

impl Boot {
    /// The present one. Where a container is started again its processes are gone under the same kernel, so
    /// it counts when the first process was started.
    pub(super) fn of_machine() -> Boot {
        let read = |file| std::fs::read_to_string(file).unwrap_or_default();
        let first = read(FIRST);
        let words = first.rsplit_once(") ").map_or("", |(_, words)| words);
        let started = words.split(' ').nth(STARTED_AT).unwrap_or_default();
        Boot(format!("{} {started}", read(BOOT_ID).trim()))
    }

    /// One of this name.
    pub(super) fn named(name: String) -> Boot {
        Boot(name)
    }

    /// Notes that a node is meant to run, and was started at this boot; durable when it returns.
    pub(super) fn note(&self, local: &Local, node: &str) -> Result<(), ProviderError> {
        if self.is_noted(local, node) {
            return Ok(());
        }
        let path = file_of(local, node);
        let new = path.with_extension("boot.new");
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(self.0.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&new, &path)?;
            sync_directory(local)
        };
        write().map_err(failed("write", &path))
    }

    /// Notes that a node is not meant to run; durable when it returns.
    pub(super) fn forget(local: &Local, node: &str) -> Result<(), ProviderError> {
        let path = file_of(local, node);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.and_then(|()| sync_directory(local)).map_err(failed("remove", &path)),
        }
    }

    /// Whether a node was started at this boot.
    pub(super) fn is_noted(&self, local: &Local, node: &str) -> bool {
        std::fs::read(file_of(local, node)).is_ok_and(|of| of == self.0.as_bytes())
    }

    /// Whether a node is meant to run and was not started since the machine was. A file that a power cut has
    /// left empty is of the boot before.
    pub(super) fn has_lost(&self, local: &Local, node: &str) -> bool {
        file_of(local, node).exists() && !self.is_noted(local, node)
    }
}

fn sync_directory(local: &Local) -> io::Result<()> {
    File::open(local.dir.join("run"))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_stays_the_same_and_says_when_its_first_process_was_started() {
        let boot = Boot::of_machine().0;
        assert_eq!(boot, Boot::of_machine().0);
        let (id, started) = boot.split_once(' ').expect("two words");
        assert!(id.len() == 36 && started.parse::<u64>().is_ok(), "{boot}");
    }
}
