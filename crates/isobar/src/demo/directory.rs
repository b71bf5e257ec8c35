//! The data directory of the demonstration: empty when it begins, gone when every promise was kept.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::local::Local;

/// An empty data directory; what an earlier demonstration left is removed, nothing else is.
pub fn prepare(dir: PathBuf) -> Result<PathBuf, String> {
    if Local::is_in(&dir) {
        let old = Local::load(&std::fs::canonicalize(&dir).unwrap_or(dir.clone()))?;
        if old.names().any(|name| old.pid(name).is_some()) {
            return Err(format!(
                "a local cluster runs in {}: stop it with isobar dev down, or use --data",
                dir.display()
            ));
        }
        if old.spec.name != "demo" {
            return Err(format!("{} holds a cluster that is not a demonstration: use --data", dir.display()));
        }
        rustix::mount::unmount(old.mount_point(), rustix::mount::UnmountFlags::DETACH).ok();
        std::fs::remove_dir_all(&dir).map_err(|e| format!("cannot remove {}: {e}", dir.display()))?;
    } else if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(format!(
            "{} is not empty and not ours: use --data with another directory",
            dir.display()
        ));
    }
    std::fs::create_dir_all(&dir).map_err(|e| format!("cannot make {}: {e}", dir.display()))?;
    std::fs::canonicalize(&dir).map_err(|e| format!("{}: {e}", dir.display()))
}

/// Removes the data. A process that was killed may hold on to its files, or its mount, for a moment.
pub fn remove(local: &Local) -> Result<(), String> {
    rustix::mount::unmount(local.mount_point(), rustix::mount::UnmountFlags::DETACH).ok();
    let begun = Instant::now();
    loop {
        match std::fs::remove_dir_all(&local.dir) {
            Ok(()) => return Ok(()),
            Err(error) if begun.elapsed() > Duration::from_secs(5) => {
                return Err(format!("cannot remove {}: {error}", local.dir.display()));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}
