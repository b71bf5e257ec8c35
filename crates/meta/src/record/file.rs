//! What an inode is, and moments.

use isobar_base::Errno;
use isobar_wire::message::files;
use serde::{Deserialize, Serialize};

/// What an inode is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum FileKind {
    File,
    Directory,
    Symlink,
    Fifo,
    Socket,
    CharDevice,
    BlockDevice,
}

impl From<files::FileKind> for FileKind {
    fn from(kind: files::FileKind) -> FileKind {
        match kind {
            files::FileKind::File => FileKind::File,
            files::FileKind::Directory => FileKind::Directory,
            files::FileKind::Symlink => FileKind::Symlink,
            files::FileKind::Fifo => FileKind::Fifo,
            files::FileKind::Socket => FileKind::Socket,
            files::FileKind::CharDevice => FileKind::CharDevice,
            files::FileKind::BlockDevice => FileKind::BlockDevice,
        }
    }
}

impl From<FileKind> for files::FileKind {
    fn from(kind: FileKind) -> files::FileKind {
        match kind {
            FileKind::File => files::FileKind::File,
            FileKind::Directory => files::FileKind::Directory,
            FileKind::Symlink => files::FileKind::Symlink,
            FileKind::Fifo => files::FileKind::Fifo,
            FileKind::Socket => files::FileKind::Socket,
            FileKind::CharDevice => files::FileKind::CharDevice,
            FileKind::BlockDevice => files::FileKind::BlockDevice,
        }
    }
}

/// A point in time: seconds and nanoseconds since 1970, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) struct Time {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

impl Time {
    /// A moment that somebody else names, or EINVAL.
    pub(crate) fn named(time: files::Time) -> Result<Time, Errno> {
        if time.nanoseconds < 1_000_000_000 { Ok(time.into()) } else { Err(Errno::EINVAL) }
    }
}

impl From<files::Time> for Time {
    fn from(files::Time { seconds, nanoseconds }: files::Time) -> Time {
        Time { seconds, nanoseconds }
    }
}

impl From<Time> for files::Time {
    fn from(Time { seconds, nanoseconds }: Time) -> files::Time {
        files::Time { seconds, nanoseconds }
    }
}
