//! Operations that change the state: one command each in the log.

use isobar_base::{Errno, Geometry, Ino, PgId, SegmentId, SessionId, TargetId};
use serde::{Deserialize, Serialize};

use super::cluster::{FsSettings, TargetInfo};
use super::files::{Attr, Extent, Lock, Time};
use crate::Address;

/// Operations of one client, executed in order. The leader may join several requests in one entry.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MutateRequest {
    /// The operations.
    pub ops: Vec<Mutation>,
}

/// One reply for each operation, in order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum MutateReply {
    /// Executed (or refused) by the state machine.
    Applied(Vec<OpResult>),
    /// Not executed: this node does not lead. Ask the one named, if any.
    NotLeader(Option<Address>),
}

impl MutateReply {
    /// The encoding of [`MutateReply::Applied`] around an encoded `Vec<OpResult>`: the number of the variant,
    /// and the results as they are.
    pub fn encode_applied(results: &[u8]) -> Vec<u8> {
        const APPLIED: u8 = 0;
        let mut body = Vec::with_capacity(1 + results.len());
        body.push(APPLIED);
        body.extend_from_slice(results);
        body
    }
}

/// An operation and what makes its repetition harmless (I12).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Mutation {
    /// The session that asks; `SessionId(0)` for operations that are idempotent by themselves
    /// (opening a session, cluster operations).
    pub session: SessionId,
    /// The session's operation number, rising from 1.
    pub seq: u64,
    /// The session has the replies of all operations below this number and will not repeat them.
    pub acked_below: u64,
    /// What to do.
    pub op: Op,
}

/// What one operation gave.
pub type OpResult = Result<OpReply, OpError>;

/// What is to be done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Op {
    /// Grants a session. Repeating it with the same nonce gives the same session.
    OpenSession {
        /// Random number that identifies the request.
        nonce: u64,
        /// Host and mount point, for people.
        name: String,
    },
    /// Ends the caller's session: its locks go, its claims on open-unlinked files too.
    CloseSession,
    /// The caller has none of these inodes open: those without a name may be removed for its part.
    NotOpen {
        /// Inodes from [`super::cluster::RenewReply::orphans`].
        inos: Vec<Ino>,
    },
    /// Makes a file, directory, symlink or special node. → [`OpReply::Entry`]
    Create {
        /// The directory.
        parent: Ino,
        /// The new name.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
        /// What to make.
        kind: super::files::FileKind,
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
        /// Already made by the lessee of the directory, who has answered for it.
        born: Option<Born>,
    },
    /// Asks for the lease of a directory, or for more inode numbers if the caller has it: while it lasts
    /// nobody else sees or changes its names. → [`OpReply::Leased`]
    Lease {
        /// The directory.
        dir: Ino,
    },
    /// Gives the lease up. Whoever does not have it gets the attributes all the same. → [`OpReply::Attr`]
    Unlease {
        /// The directory.
        dir: Ino,
    },
    /// Another name for an inode that is not a directory. → [`OpReply::Entry`]
    Link {
        /// The inode.
        ino: Ino,
        /// The directory.
        parent: Ino,
        /// The new name.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
    },
    /// Removes a name that is not a directory's. → [`OpReply::Removed`]
    Unlink {
        /// The directory.
        parent: Ino,
        /// The name.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
        /// When the name leads to this inode: the caller does not have it open.
        closed_here: Option<Ino>,
        /// When it happened, if the lessee of the directory has answered for it.
        at: Option<Time>,
    },
    /// Removes an empty directory. → [`OpReply::Removed`]
    Rmdir {
        /// The directory above.
        parent: Ino,
        /// The name.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
    },
    /// Renames with POSIX replacement rules. → [`OpReply::Renamed`]
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
        closed_here: Option<Ino>,
    },
    /// Changes attributes; a size truncates or extends. → [`OpReply::Attr`]
    SetAttr {
        /// The inode.
        ino: Ino,
        /// The changes.
        set: SetAttr,
    },
    /// Sets an extended attribute. → [`OpReply::Done`]
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
    /// Removes an extended attribute; ENODATA when missing. → [`OpReply::Done`]
    RemoveXattr {
        /// The inode.
        ino: Ino,
        /// Name with its namespace.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
    },
    /// Makes written bytes visible. → [`OpReply::Committed`]
    Commit(Commit),
    /// Makes a hole of `[offset, offset + len)`; the size stays. → [`OpReply::Attr`]
    Punch {
        /// The inode.
        ino: Ino,
        /// First byte.
        offset: u64,
        /// Bytes.
        len: u64,
    },
    /// Puts rewritten copies under what they are copies of. → [`OpReply::Replaced`]
    Replace(Replace),
    /// Takes, changes or gives up a lock, without waiting. → [`OpReply::Lock`]
    Lock {
        /// The inode.
        ino: Ino,
        /// The lock asked for; its `session` is the caller's.
        lock: Lock,
    },
    /// Gives up every lock of one owner in the caller's session, of one inode. → [`OpReply::Done`]
    UnlockAll {
        /// The inode.
        ino: Ino,
        /// The owner within the mount.
        owner: u64,
    },

    /// Cluster: sets the file system's properties, once. → [`OpReply::Done`]
    Format(FsSettings),
    /// Cluster: makes a target known. A node that already has another target in the same slot is
    /// refused with EEXIST unless its replacement was allowed. → [`OpReply::Done`]
    RegisterTarget(TargetInfo),
    /// Cluster: builds the placement groups over all known targets, once. → [`OpReply::Done`]
    BuildPlacement {
        /// How many groups.
        groups: u32,
    },
    /// Cluster: the node's blank replacements may take over its old targets' places. → [`OpReply::Done`]
    AllowReplace {
        /// The node's name.
        node: String,
    },
    /// Cluster: every row that `target` lacked when it took a position at or before log index `since`
    /// has been rebuilt. → [`OpReply::Done`]
    TargetRebuilt {
        /// The new target.
        target: TargetId,
        /// Highest `since` of the positions that were rebuilt.
        since: u64,
    },
    /// Cluster: ends a session that stopped renewing. → [`OpReply::Done`]
    ExpireSession {
        /// Which.
        session: SessionId,
    },
    /// Cluster: ends the lease of a session that does not hear that others want the directory. →
    /// [`OpReply::Done`]
    Revoke {
        /// The directory.
        dir: Ino,
        /// Its lessee.
        session: SessionId,
    },
    /// Cluster: frees a bounded number of extents of an inode nobody can reach. → [`OpReply::Done`]
    Purge {
        /// The inode.
        ino: Ino,
    },
    /// Cluster: the fragments of these deleted segments are gone. → [`OpReply::Done`]
    Collected {
        /// From [`super::queries::Query::DeleteQueue`].
        segments: Vec<SegmentId>,
    },
}

/// What the lessee of a directory has decided about a file it made there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Born {
    /// Its number, from those that came with the lease.
    pub ino: Ino,
    /// When, by the lessee's clock.
    pub time: Time,
}

/// Changes of attributes; `None` leaves as is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SetAttr {
    /// Permission, set-id and sticky bits.
    pub mode: Option<u32>,
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
}

/// One COMMIT.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Commit {
    /// The file.
    pub ino: Ino,
    /// The incarnation the bytes were written to; another one gives [`OpError::StaleIncarnation`].
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

/// What an operation gave.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum OpReply {
    /// It is done.
    Done,
    /// The granted session.
    Session(SessionId),
    /// The inode under the name, and whether this operation made it.
    Entry {
        /// The inode.
        attr: Attr,
        /// False when an existing file was found.
        created: bool,
        /// The directory before and after.
        dir: DirChange,
    },
    /// A name was removed.
    Removed {
        /// The inode it led to, as it is now.
        attr: Attr,
        /// The directory before and after.
        dir: DirChange,
    },
    /// A name was moved.
    Renamed {
        /// The inode that moved.
        attr: Attr,
        /// The inode that was replaced, as it is now.
        replaced: Option<Attr>,
    },
    /// Attributes after the change.
    Attr(Attr),
    /// Bytes are visible.
    Committed {
        /// Attributes after the change.
        attr: Attr,
        /// The bytes' version before the change: a client that knew everything then still does.
        before: u64,
        /// Where an append began.
        offset: u64,
    },
    /// How many bytes of the rewrite are in use; unused segments were queued for deletion.
    Replaced {
        /// Bytes now named by the new segments.
        used_bytes: u64,
    },
    /// `None`: granted. Otherwise a lock in the way.
    Lock(Option<Lock>),
    /// The directory is the caller's.
    Leased {
        /// The directory.
        attr: Attr,
        /// The first of the inode numbers that the caller may use for files it makes there.
        first: Ino,
        /// How many.
        count: u64,
    },
}

/// A directory around a change of its entries: a client that knew everything at `before` knows
/// everything at the version of `after`. Versions of a directory rise with every single change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DirChange {
    /// Version before.
    pub before: u64,
    /// Attributes after.
    pub after: Attr,
}

/// Why an operation was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
pub enum OpError {
    /// As the application sees it.
    #[error("{0}")]
    Errno(Errno),
    /// The session has ended (I5): open a new one; what was not committed is lost.
    #[error("the session has expired")]
    SessionGone,
    /// The file was truncated to zero in between: look again, then decide.
    #[error("the file was truncated by somebody else")]
    StaleIncarnation,
    /// A row is on a target that no longer holds its place: fetch the cluster map and write again.
    #[error("the placement has changed")]
    StalePlacement,
    /// Another session has the lease of this directory: ask for it to be given up, then try again.
    #[error("directory {0} is leased to another session")]
    Leased(Ino),
    /// The operation number was already acknowledged: nobody waits for this reply.
    #[error("repeated after it was acknowledged")]
    Repeated,
}

impl From<Errno> for OpError {
    fn from(errno: Errno) -> Self {
        OpError::Errno(errno)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_result_list_becomes_a_reply_without_decoding_it() {
        let results: Vec<OpResult> = vec![Ok(OpReply::Done), Ok(OpReply::Session(SessionId(300)))];
        let reply = MutateReply::encode_applied(&crate::encode(&results));
        assert_eq!(reply, crate::encode(&MutateReply::Applied(results)));
    }
}
