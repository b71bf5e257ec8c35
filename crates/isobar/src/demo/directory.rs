//! The data directory of the demonstration: empty when it begins, gone when every promise was kept.

use std::path::Path;

use isobar_admin::Local;

use crate::local;

/// Removes what an earlier demonstration left, and nothing else.
pub fn prepare(dir: &Path) -> Result<(), String> {
    if !Local::is_in(dir) {
        return Ok(());
    }
    let (old, at) = (local::load(dir)?, dir.display());
    if old.spec.name != local::DEMONSTRATION {
        return Err(format!("{at} holds a cluster that no demonstration made: use another --data"));
    }
    if old.names().any(|name| old.is_running(name)) {
        return Err(format!("a demonstration runs in {at}: end it with Ctrl-C, or use another --data"));
    }
    local::remove(dir).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_demonstration_left_is_removed_and_a_stopped_dev_cluster_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("cluster");
        prepare(&dir).unwrap();
        // `demo` is what `dev` once named its own.
        for (name, goes) in [(local::DEMONSTRATION, true), (local::DEV, false), ("demo", false)] {
            local::create(&dir, &local::options(name, 5, 64 << 20)).unwrap();
            let disk = dir.join("n1");
            std::fs::create_dir(&disk).unwrap();
            std::fs::write(disk.join("target"), "rows").unwrap();
            let prepared = prepare(&dir);
            assert_eq!((prepared.is_ok(), dir.exists()), (goes, !goes), "{name}: {prepared:?}");
            if !goes {
                assert_eq!(std::fs::read(disk.join("target")).unwrap(), b"rows");
                local::load(&dir).unwrap();
                local::remove(&dir).unwrap();
            }
        }
    }
}
