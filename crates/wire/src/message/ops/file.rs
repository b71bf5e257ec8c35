//! Operations on inodes: names, attributes, bytes, locks, delegations of directories.

use isobar_base::{Geometry, GroupId, Ino, PgId, SegmentId, SessionId, TargetId};
use serde::{Deserialize, Serialize};

use crate::message::files::{Extent, FileKind, Lock, Time};

/// An operation on inodes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum FileOp {
    /// Makes a file, directory, symlink or special node. → [`super::OpReply::Entry`]
    Create {
        /// The directory.
        parent: Ino,
        /// The new name.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
        /// What to make.
        kind: FileKind,
        /// Permission, set-id and sticky bits, umask already applied.
        mode: u32,
        /// Owner of the new inode.
        uid: u32,
        /// Group of the new inode (a set-gid directory overrides it).
        gid: u32,
        /// Device number of a device node.
        rdev: u32,
        /// Target of a symlink, empty otherwise.
        #[serde(with = "crate::bytes_serde")]
        target: Vec<u8>,
        /// EEXIST when the name exists; otherwise an existing *file* is returned as it is.
        exclusive: bool,
        /// Already made by the holder of the directory's delegation, who has answered for it.
        preallocated: Option<PreallocatedInode>,
    },
    /// Asks for the delegation of a directory, or for more inode numbers if the caller holds it: while it
    /// lasts nobody else sees or changes its names. → [`super::OpReply::Delegated`]
    Delegate {
        /// The directory.
        dir: Ino,
    },
    /// Gives the delegation up. Whoever does not hold it gets the attributes all the same.
    /// → [`super::OpReply::Attr`]
    ReturnDelegation {
        /// The directory.
        dir: Ino,
    },
    /// Another name for an inode that is not a directory. → [`super::OpReply::Entry`]
    Link {
        /// The inode.
        ino: Ino,
        /// The directory.
        parent: Ino,
        /// The new name.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
    },
    /// Removes a name that is not a directory's. → [`super::OpReply::Removed`]
    Unlink {
        /// The directory.
        parent: Ino,
        /// The name.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
        /// When the name leads to this inode: the caller does not have it open.
        not_open_by_caller: Option<Ino>,
        /// When it happened, if the holder of the directory's delegation has answered for it.
        at: Option<Time>,
    },
    /// Removes an empty directory. → [`super::OpReply::Removed`]
    Rmdir {
        /// The directory above.
        parent: Ino,
        /// The name.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
    },
    /// Renames with POSIX replacement rules. → [`super::OpReply::Renamed`]
    Rename {
        /// Old directory.
        parent: Ino,
        /// Old name.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
        /// New directory.
        new_parent: Ino,
        /// New name.
        #[serde(with = "crate::bytes_serde")]
        new_name: Vec<u8>,
        /// What to do about an existing new name.
        mode: RenameMode,
        /// When the new name leads to this inode: the caller does not have it open.
        not_open_by_caller: Option<Ino>,
    },
    /// Changes attributes; a size truncates or extends. → [`super::OpReply::Attr`]
    SetAttr {
        /// The inode.
        ino: Ino,
        /// The changes.
        set: SetAttr,
    },
    /// Sets an extended attribute. → [`super::OpReply::Attr`]
    SetXattr {
        /// The inode.
        ino: Ino,
        /// Name with its namespace, such as `user.origin`.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
        /// Value.
        #[serde(with = "crate::bytes_serde")]
        value: Vec<u8>,
        /// Whether it must or must not exist.
        mode: XattrMode,
    },
    /// Removes an extended attribute; ENODATA when missing. → [`super::OpReply::Attr`]
    RemoveXattr {
        /// The inode.
        ino: Ino,
        /// Name with its namespace.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
    },
    /// Makes written bytes visible. → [`super::OpReply::Committed`]
    Commit(Commit),
    /// Makes a hole of `[offset, offset + len)`, and the file longer if it is shorter than `size_min`.
    /// → [`super::OpReply::Attr`]
    Punch {
        /// The inode.
        ino: Ino,
        /// First byte.
        offset: u64,
        /// Bytes; 0 for no hole.
        len: u64,
        /// Size that the file has at least; 0 leaves it.
        size_min: u64,
    },
    /// Puts rewritten copies under what they are copies of. → [`super::OpReply::Replaced`]
    Replace(Replace),
    /// Takes, changes or gives up a lock, without waiting. → [`super::OpReply::Lock`]
    Lock {
        /// The inode.
        ino: Ino,
        /// The lock asked for; its `session` is the caller's.
        lock: Lock,
    },
    /// Gives up every lock of one owner in the caller's session, of one inode. → [`super::OpReply::Done`]
    UnlockAll {
        /// The inode.
        ino: Ino,
        /// The owner within the mount.
        owner: u64,
    },
    /// The caller has none of these inodes open: those without a name may be removed for its part.
    ReleaseOrphans {
        /// Inodes from [`crate::message::cluster::RenewReply::Renewed`].
        inos: Vec<Ino>,
    },
    /// By the leader: ends the delegation of a session that does not hear that others want the
    /// directory. → [`super::OpReply::Done`]
    RevokeDelegation {
        /// The directory.
        dir: Ino,
        /// Who holds it.
        session: SessionId,
    },
    /// By the leader: frees a bounded number of extents that nobody can reach of an inode in the purge queue.
    /// → [`super::OpReply::Done`]
    Purge {
        /// The inode.
        ino: Ino,
    },
}

impl FileOp {
    /// The metadata group of the inodes it is about; `None` when they are of several.
    pub fn group(&self) -> Option<GroupId> {
        match self {
            FileOp::Create { parent: ino, .. }
            | FileOp::Delegate { dir: ino }
            | FileOp::ReturnDelegation { dir: ino }
            | FileOp::Unlink { parent: ino, .. }
            | FileOp::Rmdir { parent: ino, .. }
            | FileOp::SetAttr { ino, .. }
            | FileOp::SetXattr { ino, .. }
            | FileOp::RemoveXattr { ino, .. }
            | FileOp::Commit(Commit { ino, .. })
            | FileOp::Punch { ino, .. }
            | FileOp::Replace(Replace { ino, .. })
            | FileOp::Lock { ino, .. }
            | FileOp::UnlockAll { ino, .. }
            | FileOp::RevokeDelegation { dir: ino, .. }
            | FileOp::Purge { ino } => Some(ino.group()),
            FileOp::Link { ino, parent, .. } => common_group(&[*ino, *parent]),
            FileOp::Rename { parent, new_parent, .. } => common_group(&[*parent, *new_parent]),
            FileOp::ReleaseOrphans { inos } => common_group(inos),
        }
    }
}

/// The group that all of them are of. Of none, it is the root's.
fn common_group(inos: &[Ino]) -> Option<GroupId> {
    let group = inos.first().map_or(GroupId::ROOT, |ino| ino.group());
    inos.iter().all(|ino| ino.group() == group).then_some(group)
}

/// What the holder of a directory's delegation has decided about a file it made there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PreallocatedInode {
    /// Its number, from those that came with the delegation.
    pub ino: Ino,
    /// When, by the holder's clock.
    pub time: Time,
}

/// Changes of attributes; `None` leaves as is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SetAttr {
    /// Permission, set-id and sticky bits.
    pub mode: Option<u32>,
    /// Of these bits, those that go, whatever the mode is by then.
    pub mode_clear: u32,
    /// Of these bits, those that come, whatever the mode is by then. After `mode_clear`.
    pub mode_set: u32,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Truncate or extend to this size; 0 bumps the incarnation.
    pub size: Option<u64>,
    /// Access time.
    pub atime: Option<SetTime>,
    /// Modification time.
    pub mtime: Option<SetTime>,
}

/// A time to set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SetTime {
    /// The time of the log entry.
    Now,
    /// This time.
    At(Time),
}

/// What RENAME does about an existing new name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RenameMode {
    /// Replaces it where POSIX allows.
    Replace,
    /// EEXIST (RENAME_NOREPLACE).
    NoReplace,
    /// Swaps both, which must exist (RENAME_EXCHANGE).
    Exchange,
}

/// What SETXATTR does about an existing name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum XattrMode {
    /// Sets either way.
    Any,
    /// EEXIST when present.
    Create,
    /// ENODATA when missing.
    Replace,
}

/// A segment whose n+K rows are durable, with their receipts (I2).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewSegment {
    /// Its id: the caller's session and a counter at or above the low-water.
    pub id: SegmentId,
    /// The placement group it was put in.
    pub pg: PgId,
    /// Its shape.
    pub geometry: Geometry,
    /// For each row: position within the placement group and the target that acknowledged it.
    pub rows: Vec<(u8, TargetId)>,
    /// [`isobar_base::row_crc`] of each row: what is computed from other rows is checked against it.
    pub row_crcs: Vec<u32>,
}

/// One COMMIT.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Commit {
    /// The file.
    pub ino: Ino,
    /// The incarnation the bytes were written to; another one gives [`super::OpError::StaleIncarnation`].
    pub incarnation: u64,
    /// The caller will never commit a segment with a counter below this.
    pub low_water: u64,
    /// Offsets count from the end of the file as the log finds it (O_APPEND).
    pub append: bool,
    /// Segments named for the first (and only) time.
    pub segments: Vec<NewSegment>,
    /// New extents, in order of writing: later ones lie on top. Versions are 0.
    pub extents: Vec<Extent>,
    /// When the bytes were written, by the client's clock; `None` keeps the mtime.
    pub mtime: Option<Time>,
}

/// A compactor's rewrite: each extent takes the place of what was there at `as_of` or before and still is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Replace {
    /// The file.
    pub ino: Ino,
    /// The incarnation that was read.
    pub incarnation: u64,
    /// The caller will never commit a segment with a counter below this.
    pub low_water: u64,
    /// The log index as of which the bytes were read: newer extents stay.
    pub as_of: u64,
    /// The new segments.
    pub segments: Vec<NewSegment>,
    /// Copies of the bytes, by segment.
    pub extents: Vec<Extent>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::ops::Op;

    #[test]
    fn an_operation_belongs_to_the_group_of_its_inodes_and_to_none_when_they_are_of_several() {
        let (here, there) = (Ino::new(GroupId(3), 7), Ino::new(GroupId(4), 7));
        let link = |ino, parent| Op::from(FileOp::Link { ino, parent, name: b"a".to_vec() }).group();
        assert_eq!((link(here, here), link(here, there)), (Some(GroupId(3)), None));
        let release = |inos: &[Ino]| Op::from(FileOp::ReleaseOrphans { inos: inos.to_vec() }).group();
        assert_eq!((release(&[here, here]), release(&[there, here])), (Some(GroupId(3)), None));
        assert_eq!(release(&[]), Some(GroupId::ROOT));
        assert_eq!(Op::from(FileOp::Purge { ino: there }).group(), Some(GroupId(4)));
    }
}
