//! `--target`: which storage targets a node gets, from a list of paths or a pattern.

use std::collections::BTreeSet;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use isobar_config::{TARGET_BYTES_MIN, TARGETS_PER_NODE_MAX, TargetConfig};

/// One target for each path. Devices have their size, files get `file_mib`.
pub fn configure(paths: &[PathBuf], file_mib: u64) -> Result<Vec<TargetConfig>, String> {
    let mut all = Vec::new();
    for path in paths {
        match path.to_string_lossy() {
            text if text.trim().is_empty() => {
                return Err("--target is empty: name a block device or a file".to_owned());
            }
            text if text.contains(['*', '?']) => all.extend(matching(path)?),
            _ => all.push(path.clone()),
        }
    }
    let mut known = BTreeSet::new();
    if let Some(twice) = all.iter().find(|path| !known.insert((*path).clone())) {
        return Err(format!("--target names {} twice: a device is one target", twice.display()));
    }
    if all.len() > TARGETS_PER_NODE_MAX {
        return Err(format!(
            "--target names {} devices, at most {TARGETS_PER_NODE_MAX} are possible",
            all.len()
        ));
    }
    let size_bytes = file_mib.checked_mul(1 << 20).ok_or("--target-mib is out of range")?;
    let configured: Vec<TargetConfig> = all
        .into_iter()
        .map(|path| TargetConfig { size_bytes: if is_device(&path) { 0 } else { size_bytes }, path })
        .collect();
    let files = configured.iter().any(|target| !is_device(&target.path));
    if files && size_bytes < TARGET_BYTES_MIN {
        return Err(format!(
            "--target-mib {file_mib}: a target that is a file has at least {} MiB",
            TARGET_BYTES_MIN >> 20
        ));
    }
    Ok(configured)
}

/// A block device, here or by where it is: the node may be another machine.
fn is_device(path: &Path) -> bool {
    path.starts_with("/dev") && !path.starts_with("/dev/shm")
        || std::fs::metadata(path).is_ok_and(|found| found.file_type().is_block_device())
}

/// What matches a pattern in the last part of a path, in order of names. Of several names of one device the
/// first stands for it.
fn matching(pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let shown = pattern.display();
    let parent = pattern.parent().unwrap_or(Path::new("/"));
    let name = pattern.file_name().unwrap_or_default().to_string_lossy();
    if parent.to_string_lossy().contains(['*', '?']) {
        return Err(format!("--target {shown}: a pattern may only be in the last part of the path"));
    }
    let entries = parent.read_dir().map_err(|e| format!("--target {shown}: {}: {e}", parent.display()))?;
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut found: Vec<_> = names.filter(|n| matches(name.as_bytes(), n.as_encoded_bytes())).collect();
    found.sort();
    let mut devices = BTreeSet::new();
    let paths = found.into_iter().map(|name| parent.join(name));
    let found: Vec<PathBuf> = paths
        .filter(|path| devices.insert(std::fs::canonicalize(path).unwrap_or_else(|_| path.clone())))
        .collect();
    match found.is_empty() {
        true => Err(format!("--target {shown}: nothing on this machine matches; list the paths with commas")),
        false => Ok(found),
    }
}

/// Whether a name matches a pattern of `*` and `?`.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|at| matches(rest, &name[at..])),
        ([b'?', rest @ ..], [_, name @ ..]) => matches(rest, name),
        ([letter, rest @ ..], [first, name @ ..]) => letter == first && matches(rest, name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(all: &[&str]) -> Vec<PathBuf> {
        all.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn every_path_is_a_target_and_only_files_get_a_size() {
        let found = configure(&paths(&["/dev/nvme0n1", "/dev/disk/by-id/x", "/srv/target"]), 64).unwrap();
        let sizes: Vec<u64> = found.iter().map(|t| t.size_bytes).collect();
        assert_eq!(sizes, [0, 0, 64 << 20]);
        assert!(configure(&paths(&["/dev/nvme0n1"]), 0).is_ok());
        assert!(configure(&paths(&["/srv/target"]), 0).unwrap_err().contains("at least 64 MiB"));
        assert!(configure(&paths(&["/dev/a", "/dev/a"]), 0).unwrap_err().contains("twice"));
        assert!(configure(&paths(&[""]), 64).unwrap_err().contains("empty"));
    }

    #[test]
    fn a_pattern_gives_one_target_for_each_device_that_matches() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["nvme0n1", "nvme1n1", "nvme1n1p1", "sda"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        std::os::unix::fs::symlink("nvme0n1", dir.path().join("nvme9n1")).unwrap();
        let pattern = |name: &str| configure(&[dir.path().join(name)], 64);
        let found: Vec<PathBuf> = pattern("nvme*n1").unwrap().into_iter().map(|t| t.path).collect();
        assert_eq!(found, [dir.path().join("nvme0n1"), dir.path().join("nvme1n1")]);
        assert_eq!(pattern("nvme?n1p?").unwrap().len(), 1);
        assert!(pattern("hd*").unwrap_err().contains("nothing on this machine matches"));
    }
}
