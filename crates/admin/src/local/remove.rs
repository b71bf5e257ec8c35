//! Removing a cluster on this machine, with all its data.
//!
//! ```text
//! stopped, unmounted ─► cluster.toml.unfinished ─► no cluster.toml ─► none of its files ─► no directory
//!                           cut off anywhere: the next one goes on from there
//! ```

use std::path::{Path, PathBuf};

use super::directory::{Local, Waits, hold, unfinished};
use super::error::{LocalError, cannot};
use super::files;
use super::mounts;
use crate::durable;

/// What is left when a cluster is removed.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Removed {
    /// Files in its directory that are not the cluster's; without any, the directory is gone.
    pub left: Vec<PathBuf>,
}

impl Local {
    /// Stops all processes of the cluster, unmounts it, and removes its files, and its directory unless
    /// somebody keeps others there. A directory that is not there is a cluster that was removed; so is one
    /// that is empty, and it goes, too.
    ///
    /// # Errors
    /// [`LocalError::NotLocal`] when something else is there; nothing is touched then.
    /// [`LocalError::OthersMount`] when another file system is mounted within it; no file is removed then.
    pub fn remove(dir: &Path, waits: Waits) -> Result<Removed, LocalError> {
        let Some(_held) = hold(dir)? else { return Ok(Removed::default()) };
        let unfinished = unfinished(dir);
        let torn = durable::unfinished(&unfinished);
        if files::others(dir)?.is_empty() {
            // Cut off at the end of this, or before anything else was made.
            durable::remove(&torn).map_err(cannot("remove", &torn))?;
            files::remove_empty(dir)?;
            return Ok(Removed::default());
        }
        let mut local = Local::found(dir)?;
        local.waits = waits;
        // Where it was cut off the locks of its processes may be gone.
        let run = local.run("");
        std::fs::create_dir_all(&run).map_err(cannot("make", &run))?;
        local.stop_all()?;
        mounts::detach_below(&local.dir)?;
        let dir = &local.dir;
        durable::write(&unfinished, local.spec.to_toml()?.as_bytes())
            .map_err(cannot("write", &unfinished))?;
        files::clear(dir, &local.spec)?;
        for path in [torn, unfinished] {
            durable::remove(&path).map_err(cannot("remove", &path))?;
        }
        let left = files::others(dir)?;
        files::remove_empty(dir)?;
        Ok(Removed { left })
    }
}
