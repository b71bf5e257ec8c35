//! The data directory of the demonstration: empty when it begins, gone when every promise was kept.

use std::path::Path;

use isobar_admin::Local;

use crate::local;

/// Removes what an earlier demonstration left, and nothing else.
pub fn prepare(dir: &Path) -> Result<(), String> {
    if !Local::is_in(dir) {
        return Ok(());
    }
    let old = local::load(dir)?;
    if old.names().any(|name| old.is_running(name)) {
        return Err(format!(
            "a local cluster runs in {}: stop it with isobar dev down, or use --data",
            dir.display()
        ));
    }
    if old.spec.name != "demo" {
        return Err(format!("{} holds a cluster that is not a demonstration: use --data", dir.display()));
    }
    local::remove(dir).map(drop)
}
