//! A node loses its disks, as when its machine is replaced.

use std::io;
use std::path::{Component, Path};

use isobar_config::NodeConfig;

use super::directory::Local;
use super::error::{LocalError, cannot};
use super::files;

impl Local {
    /// Removes the target and all own files of a node that does not run, so that it comes back with blank
    /// disks; started again, [`replace`](crate::replace) gives them the places of the lost ones.
    ///
    /// # Errors
    /// [`LocalError::NodeRuns`]; [`LocalError::OtherFiles`] when its configuration was changed so that not
    /// all are in its own directory. Nothing is removed then.
    pub fn blank_disks(&self, name: &str) -> Result<(), LocalError> {
        self.node(name)?;
        // Nobody starts it meanwhile.
        let _lock = self.lock(name)?;
        if self.is_running(name) {
            return Err(LocalError::NodeRuns { name: name.to_owned() });
        }
        let config = NodeConfig::load(&self.config(name))?;
        let (own, gone) = (self.dir.join(name), files::gone(&self.dir, name));
        let all = config.target.iter().map(|target| &target.path).chain([&config.data_dir]);
        if let Some(path) = all.map(|path| config.resolve(path)).find(|path| !is_within(path, &own)) {
            return Err(LocalError::OtherFiles { name: name.to_owned(), path });
        }
        // All at once: a node that has lost a part of its files is something else.
        files::remove_tree(&gone)?;
        match std::fs::rename(&own, &gone) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(cannot("rename", &own)(e)),
            _ => files::remove_tree(&gone),
        }
    }
}

fn is_within(path: &Path, dir: &Path) -> bool {
    path.starts_with(dir) && !path.components().any(|part| part == Component::ParentDir)
}
