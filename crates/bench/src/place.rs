//! Where files go: checks before anything is written, and directories of our own that go away again.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::backend::{Backend, Room, Target, remove_all};
use crate::calendar::CivilTime;
use crate::error::{BenchError, Result, failed};
use crate::mounts::{self, Mount};
use crate::run::{Run, Setup};

/// What was measured, where and when.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Where {
    /// `POSIX` or `NATIVE`.
    pub api: String,
    /// The path, on the mount or in the cluster's file system.
    pub path: PathBuf,
    /// The file system it is on; none for `NATIVE`.
    pub mount: Option<Mount>,
    /// Its room when the measurement began.
    pub room: Room,
    /// The command line of the process that measured.
    pub command: String,
    /// Kernel and name of this machine.
    pub machine: String,
    /// When it began, in UTC.
    pub began: String,
    /// When it ended, in UTC.
    pub finished: String,
    /// Worker processes.
    pub processes: u32,
}

impl Where {
    pub(crate) fn begin(setup: &Setup, home: &dyn Backend, path: &Path, dir: &Path, processes: u32) -> Where {
        let name = rustix::system::uname();
        Where {
            api: setup.target.api().to_owned(),
            path: path.to_owned(),
            mount: (setup.target == Target::Posix).then(|| mounts::mount_of(dir)).flatten(),
            room: home.room(dir).unwrap_or_default(),
            command: std::env::args().collect::<Vec<_>>().join(" "),
            machine: format!("{} {}", name.sysname().to_string_lossy(), name.nodename().to_string_lossy()),
            began: CivilTime::now().ctime(),
            finished: String::new(),
            processes,
        }
    }

    pub(crate) fn end(&mut self) {
        self.finished = CivilTime::now().ctime();
    }
}

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
