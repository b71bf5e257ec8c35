//! Operations that change the state: one command each in the log.
//!
//! The type of an operation says who owns it: [`SessionOp`] and [`ClusterOp`] belong to the group that has
//! the sessions and the cluster map, a [`FileOp`] to the group of the inode it is about.

mod cluster;
mod file;
mod session;

use isobar_base::{Errno, Ino, SessionId};
use serde::{Deserialize, Serialize};

pub use cluster::ClusterOp;
pub use file::{
    Commit, FileOp, NewSegment, PreallocatedInode, RenameMode, Replace, SetAttr, SetTime, XattrMode,
};
pub use session::SessionOp;

use super::files::{Attr, Lock};
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
    /// About sessions.
    Session(SessionOp),
    /// About the cluster.
    Cluster(ClusterOp),
    /// About inodes.
    File(FileOp),
}

impl From<SessionOp> for Op {
    fn from(op: SessionOp) -> Op {
        Op::Session(op)
    }
}

impl From<ClusterOp> for Op {
    fn from(op: ClusterOp) -> Op {
        Op::Cluster(op)
    }
}

impl From<FileOp> for Op {
    fn from(op: FileOp) -> Op {
        Op::File(op)
    }
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
    Delegated {
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
    /// Another session holds the delegation of this directory: ask for a recall, then try again.
    #[error("directory {0} is delegated to another session")]
    Delegated(Ino),
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
