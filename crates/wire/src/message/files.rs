//! Inodes, directory entries, extents and locks as clients see them.

use isobar_base::{Geometry, Ino, PgId, SegmentId, SessionId};
use serde::{Deserialize, Serialize};

/// A point in time: seconds and nanoseconds since 1970, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Time {
    /// Whole seconds, negative before 1970.
    pub seconds: i64,
    /// 0..1_000_000_000.
    pub nanoseconds: u32,
}

/// What an inode is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum FileKind {
    File,
    Directory,
    Symlink,
    Fifo,
    Socket,
    CharDevice,
    BlockDevice,
}

/// Attributes of an inode.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attr {
    /// Which inode.
    pub ino: Ino,
    /// What it is.
    pub kind: FileKind,
    /// Permission, set-id and sticky bits (0o7777).
    pub mode: u32,
    /// Names that point to it (for a directory: 2 + subdirectories).
    pub nlink: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number of a device node.
    pub rdev: u32,
    /// Bytes in the file, length of a symlink's target, entries of a directory.
    pub size: u64,
    /// File bytes that are backed by extents (holes do not count).
    pub allocated_bytes: u64,
    /// Last access as set by utimens; reading does not change it (noatime).
    pub atime: Time,
    /// Last change of the contents.
    pub mtime: Time,
    /// Last change of anything.
    pub ctime: Time,
    /// Bumped by a truncation to zero: a COMMIT begun before it does not apply after it.
    pub incarnation: u64,
    /// Rises with every change of anything, for a directory also of its entries; at least the log index
    /// of that change.
    pub version: u64,
    /// The `version` at the last change of the bytes.
    pub data_version: u64,
    /// It has extended attributes.
    pub has_xattrs: bool,
}

impl Attr {
    /// A new inode of nobody's with one name and no bytes, made at `time` and older than any version of the
    /// log.
    pub fn new(ino: Ino, kind: FileKind, time: Time) -> Attr {
        Attr {
            ino,
            kind,
            mode: 0,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            size: 0,
            allocated_bytes: 0,
            atime: time,
            mtime: time,
            ctime: time,
            incarnation: 1,
            version: 0,
            data_version: 0,
            has_xattrs: false,
        }
    }
}

/// One entry of a directory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DirEntry {
    /// The name: any bytes but `/` and NUL.
    #[serde(with = "crate::bytes_serde")]
    pub name: Vec<u8>,
    /// Position to continue after this entry; stable under change of the directory.
    pub cookie: u64,
    /// Attributes of the inode.
    pub attr: Attr,
}

/// Where the bytes of an extent are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Source {
    /// Here.
    Inline(#[serde(with = "crate::bytes_serde")] Vec<u8>),
    /// In a segment, from this byte of it on.
    Segment {
        /// Which segment.
        id: SegmentId,
        /// First byte within the segment.
        offset: u32,
    },
}

/// `len` file bytes from `offset` on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Extent {
    /// First file byte.
    pub offset: u64,
    /// Length in bytes, never 0.
    pub len: u64,
    /// Where the bytes are.
    pub source: Source,
    /// Log index at which the extent became visible (0 in a request).
    pub version: u64,
}

impl Extent {
    /// First file byte after the extent.
    pub fn end(&self) -> u64 {
        self.offset + self.len
    }
}

/// A committed segment: where its rows are and how much of it is alive.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SegmentInfo {
    /// Which segment.
    pub id: SegmentId,
    /// Its placement group.
    pub pg: PgId,
    /// Its shape.
    pub geometry: Geometry,
    /// Row r is on the target that holds position `positions[r]` of the placement group.
    pub positions: Vec<u8>,
    /// [`isobar_base::row_crc`] of each row, as its writer made it.
    pub row_crcs: Vec<u32>,
    /// The inode whose COMMIT named it.
    pub ino: Ino,
    /// Bytes that some extent still names.
    pub live_bytes: u64,
    /// Log index of the COMMIT.
    pub version: u64,
}

/// Part of an inode's extent map.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Map {
    /// Attributes at the same moment.
    pub attr: Attr,
    /// Extents that touch the range asked for, in order, not overlapping; what is between them is a hole.
    pub extents: Vec<Extent>,
    /// Each segment the extents name, once.
    pub segments: Vec<SegmentInfo>,
    /// The map is complete up to this offset (`u64::MAX`: to the end of the range asked for).
    pub complete_to: u64,
}

/// Which of the two lock families. They do not see each other, as on local file systems.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum LockFamily {
    /// fcntl byte-range locks.
    Posix,
    /// flock whole-file locks.
    Flock,
}

/// What is asked of a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum LockKind {
    Read,
    Write,
    Unlock,
}

/// A lock, held or asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lock {
    /// fcntl or flock.
    pub family: LockFamily,
    /// Shared, exclusive or none.
    pub kind: LockKind,
    /// First byte.
    pub start: u64,
    /// Last byte, inclusive; `u64::MAX` is the end of the file wherever it is.
    pub end: u64,
    /// The mount that holds it.
    pub session: SessionId,
    /// The owner within the mount, as the kernel names it.
    pub owner: u64,
    /// The process id to report to F_GETLK.
    pub pid: u32,
}
