//! Where files go: checks before anything is written, and directories of our own that go away again.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use isobar_base::quantity::binary_bytes;

use crate::backend::{Backend, Target};
use crate::error::{BenchError, Result, failed};
use crate::location::Location;
use crate::mounts;
use crate::run::{Run, Setup};

/// Space that is being freed grows within so long.
const GROWS_WITHIN: Duration = Duration::from_secs(5);

/// A directory that exists on the target, as an absolute path.
///
/// # Errors
/// What to change.
pub fn directory(target: &Target, path: &Path) -> Result<PathBuf> {
    let bad = |text: String| Err(BenchError::BadInput(text));
    if let Target::Native { .. } = target {
        if !path.is_absolute() {
            return bad(format!(
                "{}: with --api native paths begin at the root of the cluster's file system: write /{}",
                path.display(),
                path.display()
            ));
        }
        return Ok(path.to_owned());
    }
    let name = path.display();
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return bad(format!("{name} is not a directory: name one on the file system to measure")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return bad(format!(
                "{name} is not a directory that exists: name one on the file system to measure"
            ));
        }
        Err(error) if error.kind() == ErrorKind::NotConnected => {
            return bad(format!("nobody serves the mount on {name} any more: unmount it and mount again"));
        }
        Err(error) => return bad(format!("cannot use {name}: {error}")),
    }
    if mounts::is_unused_mount_point(path) {
        let below = mounts::mount_of(path).map_or("the file system below".to_owned(), |m| m.kind);
        return bad(format!(
            "nothing is mounted on {name}: mount the file system first, or name a directory in it to measure {below}"
        ));
    }
    std::fs::canonicalize(path).map_err(|e| BenchError::BadInput(format!("cannot use {name}: {e}")))
}

/// Asserts that a directory exists on a cluster, where [`directory`] cannot look.
pub(crate) fn require_dir(home: &dyn Backend, dir: &Path) -> Result<()> {
    match home.stat(dir) {
        Ok(stat) if stat.is_dir => Ok(()),
        Ok(_) => Err(BenchError::BadInput(format!("{} is not a directory", dir.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(BenchError::BadInput(format!("{} does not exist: make it first", dir.display())))
        }
        Err(error) => Err(failed("use", dir, error)),
    }
}

/// Refuses to begin what cannot end well: more bytes than there is space for.
pub(crate) fn require_space(backend: &dyn Backend, dir: &Path, bytes: u64) -> Result<()> {
    let free_bytes = || backend.space(dir).ok().map(|space| space.free_bytes);
    let Some(free_bytes) = lacking(free_bytes, bytes, GROWS_WITHIN) else { return Ok(()) };
    Err(BenchError::NoSpace(format!(
        "this writes {} and {} has {} free: write less, or free some space",
        binary_bytes(bytes),
        dir.display(),
        binary_bytes(free_bytes)
    )))
}

/// What is free, if that stays less than so many bytes. What was removed a moment ago may not be free yet: it
/// is waited for, as long as there is more and more. Where nobody can say, nothing is lacking.
fn lacking(free_bytes: impl Fn() -> Option<u64>, bytes: u64, grows_within: Duration) -> Option<u64> {
    let (mut most_bytes, mut grew) = (free_bytes()?, Instant::now());
    while most_bytes < bytes {
        if grew.elapsed() > grows_within {
            return Some(most_bytes);
        }
        std::thread::sleep(grows_within / 20);
        let now_bytes = free_bytes()?;
        if now_bytes > most_bytes {
            (most_bytes, grew) = (now_bytes, Instant::now());
        }
    }
    None
}

/// Checks that a directory is there and takes so many bytes, and says what will be measured in it by so many
/// processes.
pub(crate) fn survey(setup: &Setup, dir: &Path, bytes: u64, processes: u32) -> Result<Location> {
    let home = setup.target.connect("bench")?;
    require_dir(home.as_ref(), dir)?;
    require_space(home.as_ref(), dir, bytes)?;
    let location = Location::begin(setup, home.as_ref(), dir, dir, processes);
    home.close();
    Ok(location)
}

/// Works in a new directory below `parent`, which is gone afterwards, whatever came of it.
pub(crate) fn in_scratch<T>(
    run: &mut Run,
    parent: &Path,
    work: impl FnOnce(&mut Run, &Path) -> Result<T>,
) -> Result<T> {
    let dir = parent.join(format!("isobar-bench-{}", std::process::id()));
    run.home.make_dir(&dir).map_err(|e| failed("make directory", &dir, e))?;
    let outcome = work(run, &dir);
    if outcome.is_err() {
        run.stop_workers();
    }
    let removed = remove_all(run.home.as_ref(), &dir);
    match (outcome, removed) {
        (Ok(_), Err(error)) => Err(failed("remove", &dir, error)),
        (outcome, _) => outcome,
    }
}

/// Removes a directory and all below it, as far as possible.
pub(crate) fn remove_all(backend: &dyn Backend, dir: &Path) -> io::Result<()> {
    for (name, is_dir) in backend.list(dir)? {
        let path = dir.join(name);
        if is_dir {
            remove_all(backend, &path)?;
        } else {
            backend.remove(&path)?;
        }
    }
    backend.remove_dir(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &Path) -> String {
        directory(&Target::Posix, path).expect_err("refused").to_string()
    }

    #[test]
    fn what_is_not_a_directory_is_refused_with_what_to_change() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("file");
        std::fs::write(&file, "x").expect("written");
        assert!(said(&file).contains("is not a directory"));
        assert!(said(&dir.path().join("no")).contains("is not a directory that exists"));
        assert!(directory(&Target::Posix, dir.path()).is_ok());
    }

    #[test]
    fn space_that_is_being_freed_is_waited_for() {
        let looks = std::cell::Cell::new(0);
        let grows_to = |most: u64| {
            looks.set(0);
            let free = || {
                looks.set(looks.get() + 1);
                Some(most.min(looks.get()))
            };
            lacking(free, 10, Duration::from_millis(100))
        };
        assert_eq!(grows_to(10), None);
        assert_eq!(grows_to(9), Some(9));
        assert_eq!(lacking(|| Some(10), 10, Duration::ZERO), None);
        assert_eq!(lacking(|| None, 10, Duration::ZERO), None);
    }

    #[test]
    fn a_place_where_nothing_is_mounted_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join("mnt")).expect("made");
        std::fs::write(dir.path().join("cluster.toml"), "").expect("written");
        assert!(said(&dir.path().join("mnt")).contains("nothing is mounted"));
    }

    #[test]
    fn paths_in_a_cluster_begin_at_its_root() {
        let native = Target::Native { cluster: PathBuf::from("/c") };
        assert!(directory(&native, Path::new("x")).is_err());
        assert_eq!(directory(&native, Path::new("/x")).expect("absolute"), Path::new("/x"));
    }
}
