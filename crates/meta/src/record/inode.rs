//! Inodes.

use isobar_base::{Errno, Ino, SessionId};
use isobar_wire::message::files::Attr;
use serde::{Deserialize, Serialize};

use super::cuts::Cuts;
use super::file::{FileKind, Time};

/// Everything about an inode but its extents, attributes by name, locks and entries.
///
/// **The mtime rule.** `mtime_decided` is the moment as of which `mtime` holds: the stamp of the write
/// it came from, or, when utimens set it, the time of that log entry. A write stamped after that moment
/// sets both; one stamped before changes neither, however late it arrives. So without utimens
/// mtime = max(mtime, stamp), and with it an explicit time yields only to writes made after it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Inode {
    pub(crate) kind: FileKind,
    pub(crate) mode: u32,
    pub(crate) nlink: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) rdev: u32,
    pub(crate) size: u64,
    /// Bytes of the extents in the tree, those that cuts have taken away too.
    pub(crate) allocated_bytes: u64,
    pub(crate) atime: Time,
    pub(crate) mtime: Time,
    pub(crate) mtime_decided: Time,
    pub(crate) ctime: Time,
    pub(crate) incarnation: u64,
    pub(crate) version: u64,
    pub(crate) data_version: u64,
    /// Extents in the tree, those that cuts have taken away too.
    pub(crate) extents: u64,
    /// Ranges that are gone while the tree still has their extents.
    pub(crate) cuts: Cuts,
    /// The extent tree has had nodes below its chunks.
    pub(crate) split: bool,
    /// Gone for everybody: in the purge queue until nothing is left of it.
    pub(crate) purging: bool,
    /// Log index under which it is in the purge queue; 0 when it is not.
    pub(crate) queued: u64,
    /// The directory above, of a directory.
    pub(crate) parent: Ino,
    /// The session that holds the delegation of its names, of a directory; nobody for none.
    pub(crate) delegated_to: SessionId,
    /// Cookie of the next entry, of a directory.
    pub(crate) next_cookie: u64,
    /// Names and values of extended attributes.
    pub(crate) xattr_bytes: u32,
    /// Target of a symlink.
    pub(crate) target: Vec<u8>,
}

/// Cookies 1 and 2 are left to front ends that list `.` and `..`.
const FIRST_COOKIE: u64 = 3;

impl Inode {
    /// A new inode with one name.
    pub(crate) fn new(kind: FileKind, index: u64, now: Time) -> Inode {
        Inode {
            kind,
            mode: 0,
            nlink: if kind == FileKind::Directory { 2 } else { 1 },
            uid: 0,
            gid: 0,
            rdev: 0,
            size: 0,
            allocated_bytes: 0,
            atime: now,
            mtime: now,
            mtime_decided: now,
            ctime: now,
            incarnation: 1,
            version: index,
            data_version: index,
            extents: 0,
            cuts: Cuts::default(),
            split: false,
            purging: false,
            queued: 0,
            parent: Ino(0),
            delegated_to: SessionId::NOBODY,
            next_cookie: FIRST_COOKIE,
            xattr_bytes: 0,
            target: Vec::new(),
        }
    }

    pub(crate) fn is_dir(&self) -> bool {
        self.kind == FileKind::Directory
    }

    /// EISDIR or EINVAL for what has no bytes of its own.
    pub(crate) fn check_is_file(&self) -> Result<(), Errno> {
        match self.kind {
            FileKind::File => Ok(()),
            FileKind::Directory => Err(Errno::EISDIR),
            FileKind::Symlink
            | FileKind::Fifo
            | FileKind::Socket
            | FileKind::CharDevice
            | FileKind::BlockDevice => Err(Errno::EINVAL),
        }
    }

    /// Extents do not overlap: no more bytes than the size are backed by them, of a file.
    fn shown_bytes_max(&self) -> u64 {
        if self.cuts.is_empty() { u64::MAX } else { self.size }
    }

    pub(crate) fn attr(&self, ino: Ino) -> Attr {
        Attr {
            ino,
            kind: self.kind.into(),
            mode: self.mode,
            nlink: self.nlink,
            uid: self.uid,
            gid: self.gid,
            rdev: self.rdev,
            size: self.size,
            // Until cuts are worked off it is not known how much is left.
            allocated_bytes: self.allocated_bytes.min(self.shown_bytes_max()),
            atime: self.atime.into(),
            mtime: self.mtime.into(),
            ctime: self.ctime.into(),
            incarnation: self.incarnation,
            version: self.version,
            data_version: self.data_version,
            has_xattrs: self.xattr_bytes > 0,
        }
    }

    /// A change that is not of the contents.
    pub(crate) fn changed(&mut self, index: u64, now: Time) {
        // The clock of a new leader may be behind.
        self.ctime = now.max(self.ctime);
        // Versions rise with every change, also within one log entry: a client that made one of several
        // changes must not take the others for its own (see `DirChange` and `OpReply::Committed`).
        self.version = index.max(self.version + 1);
    }

    /// The contents changed, in log order and by the leader's clock.
    pub(crate) fn contents_changed(&mut self, index: u64, now: Time) {
        self.changed(index, now);
        self.mtime = now.max(self.mtime_decided);
        self.mtime_decided = self.mtime;
        self.data_version = self.version;
    }

    /// Bytes were written at `stamp`, by a client's clock.
    pub(crate) fn written(&mut self, stamp: Time) {
        if stamp > self.mtime_decided {
            self.mtime = stamp;
            self.mtime_decided = stamp;
        }
    }
}
