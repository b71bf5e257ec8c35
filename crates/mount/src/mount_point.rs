//! The mount point and the machine, before mounting: what is there, and can it be mounted on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::mount::{UnmountFlags, unmount};

use crate::error::MountError;

/// The kernel's FUSE device.
pub const DEVICE: &str = "/dev/fuse";

/// A mount that does not answer in this time counts as alive.
const ANSWER_WAIT: Duration = Duration::from_secs(3);
/// Dead mounts on top of each other that are detached at most.
const STALE_LAYERS_MAX: usize = 16;
/// Bit of CAP_SYS_ADMIN.
const CAP_SYS_ADMIN: u32 = 21;

/// Whether this machine and user can mount FUSE file systems, as far as can be seen without trying.
///
/// # Errors
/// One line that says what is missing and what to do.
pub fn fuse_available() -> Result<(), String> {
    match fs::OpenOptions::new().read(true).write(true).open(DEVICE) {
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(format!(
                "{DEVICE} is missing: run 'modprobe fuse', or give the container --device {DEVICE} --cap-add SYS_ADMIN"
            ));
        }
        Err(e) => {
            return Err(format!(
                "{DEVICE} cannot be opened ({e}): run as root, or load the module with 'modprobe fuse'"
            ));
        }
    }
    if may_mount() || find_helper().is_some() {
        Ok(())
    } else {
        Err(format!("mounting needs CAP_SYS_ADMIN: run as root, or {INSTALL}"))
    }
}

/// How users get the program that mounts for them.
const INSTALL: &str = "install fusermount3 (package fuse3)";

/// What to do when a mount was refused: as this user, with this helper.
pub fn advice(error: &io::Error) -> String {
    advice_for(&error.to_string(), may_mount(), find_helper().as_deref())
}

fn advice_for(error: &str, may_mount: bool, helper: Option<&Path>) -> String {
    if error.contains("user_allow_other") {
        return "add the line user_allow_other to /etc/fuse.conf, or mount with --private".to_owned();
    }
    if may_mount {
        return "the kernel refused, see dmesg".to_owned();
    }
    match helper {
        None => format!("run as root, or {INSTALL}"),
        // The helper of FUSE 2 does not know all options.
        Some(helper) if helper.ends_with("fusermount") => {
            format!("run as root, or {INSTALL}: {} is of FUSE 2", helper.display())
        }
        Some(helper) => {
            format!(
                "run as root, or see whether {} is set-user-id root and you own the directory",
                helper.display()
            )
        }
    }
}

/// Whether this process may call mount(2), by its effective capabilities.
fn may_mount() -> bool {
    let Ok(status) = fs::read_to_string("/proc/self/status") else {
        return rustix::process::geteuid().is_root();
    };
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|text| u64::from_str_radix(text.trim(), 16).ok())
        .is_some_and(|mask| mask & (1 << CAP_SYS_ADMIN) != 0)
}

/// The set-uid program that mounts for users.
pub fn find_helper() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/bin", "/bin", "/sbin"].map(PathBuf::from))
        .flat_map(|dir| ["fusermount3", "fusermount"].map(|name| dir.join(name)))
        .find(|candidate| candidate.is_file())
}

/// Checks a mount point, detaching dead mounts on it, and gives its canonical path.
pub fn prepare(mount_point: &Path, allow_nonempty: bool) -> Result<PathBuf, MountError> {
    let unreadable = |error| MountError::Unreadable { path: mount_point.into(), error };
    let absolute = absolute(mount_point).map_err(unreadable)?;
    for _ in 0..STALE_LAYERS_MAX {
        // Nothing but a FUSE mount at this very path is detached.
        let is_fuse = mounted_on(&absolute).is_some_and(|m| m.kind.starts_with("fuse"));
        if !is_fuse || !is_dead(&absolute) {
            break;
        }
        unmount(&absolute, UnmountFlags::DETACH)
            .map_err(io::Error::from)
            .or_else(|error| detach_with_helper(&absolute, error))
            .map_err(|error| MountError::Stale { path: mount_point.into(), error })?;
        tracing::warn!("{} held a dead mount of a process that is gone; detached it", mount_point.display());
    }
    // Asked of the kernel's table first: a mount that hangs would also hang stat.
    if let Some(found) = mounted_on(&absolute) {
        return Err(already(absolute, found));
    }
    let path = match fs::canonicalize(mount_point) {
        Ok(path) => path,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(MountError::Missing(mount_point.into()));
        }
        Err(e) => return Err(unreadable(e)),
    };
    if let Some(found) = mounted_on(&path) {
        return Err(already(path, found));
    }
    if !fs::metadata(&path).map_err(unreadable)?.is_dir() {
        return Err(MountError::NotADirectory(path));
    }
    if !allow_nonempty && fs::read_dir(&path).map_err(unreadable)?.next().is_some() {
        return Err(MountError::NotEmpty(path));
    }
    Ok(path)
}

/// The path with its parent resolved and its last part as it is: that part may be a dead mount, which
/// cannot be resolved.
fn absolute(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    Ok(match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => match fs::canonicalize(parent) {
            Ok(parent) => parent.join(name),
            Err(_) => path,
        },
        _ => path,
    })
}

fn already(path: PathBuf, found: MountedOn) -> MountError {
    MountError::AlreadyMounted { path, source_name: found.source, kind: found.kind }
}

fn detach_with_helper(path: &Path, error: io::Error) -> io::Result<()> {
    if error.raw_os_error() != Some(libc::EPERM) {
        return Err(error);
    }
    run_helper(path, true).map_err(|_| error)
}

/// Unmounts with fusermount3, lazily if asked to.
pub fn run_helper(path: &Path, lazy: bool) -> io::Result<()> {
    let helper = find_helper().ok_or(io::ErrorKind::NotFound)?;
    let mut command = std::process::Command::new(helper);
    command.arg("-u");
    if lazy {
        command.arg("-z");
    }
    let output = command.arg("--").arg(path).output()?;
    if output.status.success() {
        Ok(())
    } else {
        let text = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(text.trim().to_owned()))
    }
}

/// Whether a FUSE mount whose server is gone is here. Asks with statfs, which is never answered from
/// the kernel's cache, in a thread that may be left behind if the server lives and hangs.
fn is_dead(path: &Path) -> bool {
    let (sender, receiver) = std::sync::mpsc::channel();
    let path = path.to_owned();
    let asked = std::thread::Builder::new().name("isobar-probe".into()).spawn(move || {
        let _ = sender.send(rustix::fs::statfs(&path).err());
    });
    asked.is_ok()
        && matches!(
            receiver.recv_timeout(ANSWER_WAIT),
            Ok(Some(rustix::io::Errno::NOTCONN | rustix::io::Errno::CONNABORTED))
        )
}

/// One line of the kernel's table of mounts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MountedOn {
    /// Device number, `major:minor`; unique among mounted FUSE file systems.
    pub device: String,
    /// Type of file system.
    pub kind: String,
    /// What is mounted.
    pub source: String,
}

/// What is mounted on top at a path, by this process's table of mounts.
pub fn mounted_on(path: &Path) -> Option<MountedOn> {
    find_mount(&fs::read_to_string("/proc/self/mountinfo").ok()?, path)
}

fn find_mount(table: &str, path: &Path) -> Option<MountedOn> {
    // id parent major:minor root mount-point options [optional…] - type source super-options
    table.lines().rev().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(2);
        let device = left.next()?;
        let point = unescape(left.nth(1)?);
        if Path::new(&point) != path {
            return None;
        }
        let mut right = right.split(' ');
        Some(MountedOn { device: device.into(), kind: right.next()?.into(), source: unescape(right.next()?) })
    })
}

/// The table writes space, tab, newline and backslash as three octal digits.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:50 / /mnt/a\\040b rw,nosuid - fuse.isobar demo rw,user_id=0
41 40 0:51 / /mnt/a\\040b rw,nosuid shared:7 master:1 - fuse.other /dev/fuse rw
";

    #[test]
    fn the_topmost_mount_is_found() {
        let found = find_mount(TABLE, Path::new("/mnt/a b")).unwrap();
        assert_eq!(found.device, "0:51");
        assert_eq!((found.kind.as_str(), found.source.as_str()), ("fuse.other", "/dev/fuse"));
        assert_eq!(find_mount(TABLE, Path::new("/")).unwrap().kind, "ext4");
        assert_eq!(find_mount(TABLE, Path::new("/mnt")), None);
    }

    #[test]
    fn refusals_say_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let missing = prepare(&dir.path().join("no"), false).unwrap_err();
        assert!(missing.to_string().contains("mkdir -p"), "{missing}");

        let file = dir.path().join("file");
        fs::write(&file, b"x").unwrap();
        let not_dir = prepare(&file, false).unwrap_err();
        assert!(not_dir.to_string().contains("is not a directory"), "{not_dir}");

        let full = prepare(dir.path(), false).unwrap_err();
        assert!(full.to_string().contains("not empty"), "{full}");
        assert!(prepare(dir.path(), true).is_ok());

        let mounted = prepare(Path::new("/proc"), true).unwrap_err();
        assert!(mounted.to_string().contains("umount /proc"), "{mounted}");
        for error in [missing, not_dir, full, mounted] {
            assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn an_empty_directory_is_good() {
        let dir = tempfile::tempdir().unwrap();
        let path = prepare(dir.path(), false).unwrap();
        assert_eq!(path, dir.path().canonicalize().unwrap());
    }

    #[test]
    fn advice_is_for_the_user_and_the_helper_that_there_is() {
        let advice = |error, root, helper: Option<&str>| advice_for(error, root, helper.map(Path::new));
        assert!(advice("denied", false, None).contains("install fusermount3"));
        assert!(advice("denied", false, Some("/bin/fusermount")).contains("/bin/fusermount is of FUSE 2"));
        let current = advice("denied", false, Some("/bin/fusermount3"));
        assert!(current.contains("set-user-id") && !current.contains("install"), "{current}");
        assert!(!advice("busy", true, None).contains("install"), "root needs no helper");
        let others = "option allow_other only allowed if 'user_allow_other' is set in /etc/fuse.conf";
        assert!(advice(others, false, Some("/bin/fusermount3")).contains("--private"));
    }
}
