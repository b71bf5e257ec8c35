//! The kernel's table of mounts, and mounts whose process is dead.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::mount::UnmountFlags;

use super::error::{LocalError, cannot};

/// Type of our mounts.
const OURS: &str = "fuse.isobar";

/// One mount.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Mount {
    point: PathBuf,
    kind: String,
}

/// Whether the file system is mounted exactly there, and answers. Waits as long as it hangs.
pub(super) fn is_served(point: &Path) -> bool {
    let on_top = table().ok().and_then(|table| table.into_iter().rfind(|mount| mount.point == point));
    let above = point.parent().and_then(|p| std::fs::metadata(p).ok()).map(|m| m.dev());
    on_top.is_some_and(|mount| mount.kind == OURS)
        && std::fs::metadata(point).is_ok_and(|here| Some(here.dev()) != above)
}

/// Takes our mounts on this very path away, whether somebody serves them or not.
pub(super) fn detach(point: &Path) -> Result<(), LocalError> {
    let table = table().map_err(cannot("read the mounts of", point))?;
    let mut ours =
        table.iter().rev().filter(|mount| mount.point == point).take_while(|mount| mount.kind == OURS);
    ours.try_for_each(|mount| unmount(&mount.point))
}

/// Takes all our mounts within a directory away.
///
/// # Errors
/// When there is another one: nothing is taken away then.
pub(super) fn detach_below(dir: &Path) -> Result<(), LocalError> {
    let mut table = table().map_err(cannot("read the mounts of", dir))?;
    table.retain(|mount| mount.point != dir && mount.point.starts_with(dir));
    if let Some(other) = table.iter().find(|mount| mount.kind != OURS) {
        return Err(LocalError::OthersMount { point: other.point.clone() });
    }
    table.iter().rev().try_for_each(|mount| unmount(&mount.point))
}

/// A path as the table has it. Its last part may be a dead mount, which cannot be resolved.
pub(super) fn absolute(point: &Path) -> PathBuf {
    if let Ok(point) = std::fs::canonicalize(point) {
        return point;
    }
    let point = std::path::absolute(point).unwrap_or_else(|_| point.to_owned());
    match (point.parent().map(std::fs::canonicalize), point.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => point,
    }
}

/// Lazily: nobody serves it, or whoever does was asked to stop and did not.
fn unmount(point: &Path) -> Result<(), LocalError> {
    let unmounted = match rustix::mount::unmount(point, UnmountFlags::DETACH) {
        // Users mount through this program, and unmount through it.
        Err(rustix::io::Errno::PERM) => {
            Command::new("fusermount3").args(["-u", "-z", "--"]).arg(point).output().and_then(|output| {
                match output.status.success() {
                    true => Ok(()),
                    false => Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
                }
            })
        }
        // Somebody else unmounted it meanwhile.
        Err(rustix::io::Errno::INVAL) => Ok(()),
        done => done.map_err(io::Error::from),
    };
    unmounted.map_err(cannot("unmount", point))
}

/// All mounts, in the order in which they were made.
fn table() -> io::Result<Vec<Mount>> {
    Ok(parsed(&std::fs::read_to_string("/proc/self/mountinfo")?))
}

fn parsed(table: &str) -> Vec<Mount> {
    // id parent major:minor root mount-point options [optional…] - type source super-options
    let mount = |line: &str| {
        let (left, right) = line.split_once(" - ")?;
        let point = PathBuf::from(unescaped(left.split(' ').nth(4)?));
        Some(Mount { point, kind: right.split(' ').next()?.to_owned() })
    };
    table.lines().filter_map(mount).collect()
}

/// The table writes space, tab, newline and backslash as three octal digits.
fn unescaped(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_with_blanks_in_paths_and_optional_fields() {
        let table = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
41 40 0:51 / /mnt/a\\040b rw,nosuid shared:7 master:1 - fuse.isobar isobar:demo rw
";
        let mount = |point: &str, kind: &str| Mount { point: point.into(), kind: kind.to_owned() };
        assert_eq!(parsed(table), [mount("/", "ext4"), mount("/mnt/a b", OURS)]);
    }
}
