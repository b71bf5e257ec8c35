//! Which file system a path is on, as the kernel's table of mounts says.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Where it is mounted.
    pub point: PathBuf,
    /// Its type: `ext4`, `fuse.isobar`, `fuse.mfs`, `ceph`, ….
    pub kind: String,
    /// What is mounted.
    pub source: String,
}

/// The file system a path is on.
pub fn mount_of(path: &Path) -> Option<Mount> {
    let path = fs::canonicalize(path).ok()?;
    find(&fs::read_to_string("/proc/self/mountinfo").ok()?, &path)
}

fn find(mountinfo: &str, path: &Path) -> Option<Mount> {
    let mounts = mountinfo.lines().filter_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let point = PathBuf::from(unescaped(left.split(' ').nth(4)?));
        let mut right = right.split(' ');
        Some(Mount { point, kind: right.next()?.to_owned(), source: unescaped(right.next()?) })
    });
    // Of several on one place the last one is on top.
    mounts.filter(|m| path.starts_with(&m.point)).max_by_key(|m| m.point.as_os_str().len())
}

/// The kernel writes a blank as `\040`, and so on.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        match rest.get(at + 1..at + 4).and_then(|code| u8::from_str_radix(code, 8).ok()) {
            Some(byte) => {
                out.push(byte as char);
                rest = &rest[at + 4..];
            }
            None => {
                out.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out + rest
}

/// Whether a directory looks like a place where something should be mounted and is not: it is empty, and
/// either the system's table of mounts names it, or it lies in a directory made for mounting, or it is the
/// mount point of a local cluster. Measuring it would measure the disk below.
pub fn is_unused_mount_point(dir: &Path) -> bool {
    let fstab = fs::read_to_string("/etc/fstab").unwrap_or_default();
    let empty = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
    let Ok(dir) = fs::canonicalize(dir) else { return false };
    let is_mounted = mount_of(&dir).is_some_and(|m| m.point == dir);
    empty && !is_mounted && is_meant_for_mounting(&dir, &fstab)
}

fn is_meant_for_mounting(dir: &Path, fstab: &str) -> bool {
    let named = fstab
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_whitespace().nth(1))
        .any(|point| Path::new(&unescaped(point)) == dir);
    let Some(parent) = dir.parent() else { return false };
    let of_cluster = dir.file_name().is_some_and(|n| n == "mnt") && parent.join("cluster.toml").exists();
    named
        || of_cluster
        || parent == Path::new("/mnt")
        || parent == Path::new("/media")
        || dir == Path::new("/mnt")
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw
40 27 0:40 / /mnt/a\\040b rw,nosuid shared:1 - fuse.isobar isobar:demo rw,user_id=0
41 27 0:41 / /mnt/a rw - fuse.mfs mfs#master:9421 rw
42 27 0:42 / /mnt/a rw - fuse.glusterfs host:vol rw";

    #[test]
    fn the_innermost_and_topmost_mount_is_the_one() {
        let of = |path: &str| find(INFO, Path::new(path)).expect("a mount");
        assert_eq!(of("/home/x").kind, "ext4");
        assert_eq!(of("/mnt/a b/c").source, "isobar:demo");
        assert_eq!(of("/mnt/a/x/y").kind, "fuse.glusterfs");
        assert_eq!(of("/mnt/ab").kind, "ext4");
    }

    #[test]
    fn a_place_for_mounting_is_known_by_its_name_or_the_table() {
        let fstab = "# /dev/sda /srv/no ext4\nserver:/x /srv/yes nfs defaults 0 0\n";
        for (dir, is) in
            [("/mnt/isobar", true), ("/srv/yes", true), ("/srv/no", false), ("/mnt", true), ("/tmp/x", false)]
        {
            assert_eq!(is_meant_for_mounting(Path::new(dir), fstab), is, "{dir}");
        }
    }

    #[test]
    fn an_empty_mount_point_of_a_local_cluster_is_unused_until_there_is_something() {
        let dir = tempfile::tempdir().expect("a directory");
        let mnt = dir.path().join("mnt");
        fs::create_dir(&mnt).expect("made");
        assert!(!is_unused_mount_point(&mnt));
        fs::write(dir.path().join("cluster.toml"), "").expect("written");
        assert!(is_unused_mount_point(&mnt));
        fs::write(mnt.join("file"), "").expect("written");
        assert!(!is_unused_mount_point(&mnt));
    }
}
