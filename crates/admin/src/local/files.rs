//! The files of a cluster on this machine, for whoever removes them: these and no others.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use isobar_config::ClusterSpec;
use isobar_wire::Role;

use super::directory::unfinished;
use super::error::{LocalError, cannot};
use crate::durable;

/// How long a process that was killed may hold on to a directory.
const HOLD_WAIT: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Removes all files of a cluster, its cluster file first; the unfinished one stays.
pub(super) fn clear(dir: &Path, spec: &ClusterSpec) -> Result<(), LocalError> {
    let names = || spec.node.iter().map(|node| node.name.as_str());
    let files = ["cluster.toml".to_owned()]
        .into_iter()
        .chain(Role::ALL.map(|role| role.file_name().to_owned()))
        .chain(names().map(|name| format!("{name}.toml")));
    for path in files.map(|file| dir.join(file)) {
        for path in [durable::unfinished(&path), path] {
            durable::remove(&path).map_err(cannot("remove", &path))?;
        }
    }
    for name in names() {
        remove_tree(&dir.join(name))?;
        remove_tree(&gone(dir, name))?;
    }
    remove_tree(&dir.join("log"))?;
    remove_tree(&dir.join("run"))?;
    // Somebody may have put files there while nothing was mounted.
    remove_empty(&dir.join("mnt"))
}

/// The files of a node while they are being removed.
pub(super) fn gone(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.gone"))
}

/// Removes a directory with all that is in it, if it is there. A process that was killed may write into it
/// for a moment.
pub(super) fn remove_tree(path: &Path) -> Result<(), LocalError> {
    let begun = Instant::now();
    loop {
        match std::fs::remove_dir_all(path) {
            Ok(()) => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound && !path.exists() => return Ok(()),
            Err(e) if begun.elapsed() > HOLD_WAIT => return Err(cannot("remove", path)(e)),
            Err(_) => std::thread::sleep(LOOK_EVERY),
        }
    }
}

/// Removes a directory if it is there and empty.
pub(super) fn remove_empty(path: &Path) -> Result<(), LocalError> {
    use io::ErrorKind::{DirectoryNotEmpty, NotFound, ResourceBusy};
    match std::fs::remove_dir(path) {
        Err(e) if ![DirectoryNotEmpty, NotFound, ResourceBusy].contains(&e.kind()) => {
            Err(cannot("remove", path)(e))
        }
        _ => Ok(()),
    }
}

/// All that is in a directory, but for a cluster file that was being written when nothing else was there.
pub(super) fn others(dir: &Path) -> Result<Vec<PathBuf>, LocalError> {
    let entries = dir.read_dir().map_err(cannot("read", dir))?;
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(cannot("read", dir))?;
    let torn = durable::unfinished(&unfinished(dir));
    paths.retain(|path| *path != torn);
    paths.sort();
    Ok(paths)
}
