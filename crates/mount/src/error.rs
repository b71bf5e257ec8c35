//! Why a mount was refused or could not be undone.

use std::io;
use std::path::PathBuf;

/// What went wrong with a mount, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// FUSE cannot be used on this machine.
    #[error("{0}")]
    NoFuse(String),
    /// The mount point does not exist.
    #[error("{path} does not exist: create it with 'mkdir -p {path}'", path = .0.display())]
    Missing(PathBuf),
    /// The mount point is not a directory.
    #[error("{} is not a directory: choose a directory to mount on", .0.display())]
    NotADirectory(PathBuf),
    /// The mount point has contents that the mount would hide.
    #[error("{} is not empty: choose an empty directory", .0.display())]
    NotEmpty(PathBuf),
    /// Something is mounted there.
    #[error(
        "{at} already has {source_name} ({kind}) mounted on it: unmount it with 'umount {at}' or choose another directory",
        at = .path.display()
    )]
    AlreadyMounted {
        /// The mount point.
        path: PathBuf,
        /// What is mounted.
        source_name: String,
        /// The type of file system.
        kind: String,
    },
    /// A dead mount could not be removed.
    #[error("{at} holds a dead mount that could not be detached ({error}): run 'umount -l {at}' as root", at = .path.display())]
    Stale {
        /// The mount point.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The mount point cannot be examined.
    #[error("cannot look at {} ({error}): check its permissions", .path.display())]
    Unreadable {
        /// The mount point.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The kernel refused.
    #[error("cannot mount on {} ({error}): {advice}", .path.display(), error = one_line(.error))]
    Refused {
        /// The mount point.
        path: PathBuf,
        /// Why.
        error: io::Error,
        /// What to do.
        advice: String,
    },
    /// Kernel and file system did not come to terms.
    #[error("mounted {} but the kernel's greeting failed ({error}): is the kernel older than 4.5?", .path.display())]
    Handshake {
        /// The mount point.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It could not be unmounted.
    #[error("cannot unmount {at} ({error}): run 'umount -l {at}' as root", at = .path.display())]
    Unmount {
        /// The mount point.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// It is unmounted, but bytes that applications wrote could not be committed.
    #[error("unmounted, but not everything could be written back ({0}): see the log for the files concerned")]
    NotFlushed(isobar_base::Errno),
}

/// What the system or the helper said, in one line.
fn one_line(error: &io::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
