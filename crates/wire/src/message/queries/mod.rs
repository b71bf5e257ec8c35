//! Questions about the state. Answers are linearizable: the leader confirms with ReadIndex first.
//!
//! As with operations, the type of a question says who owns what it is about.

mod cluster;
mod file;
mod session;

use isobar_base::{GroupId, Ino, SessionId};
use serde::{Deserialize, Serialize};

pub use cluster::ClusterQuery;
pub use file::FileQuery;
pub use session::SessionQuery;

use super::cluster::ClusterMap;
use super::files::{Attr, DirEntry, Lock, Map, SegmentInfo};
use super::ops::OpError;
use crate::Address;

/// Questions answered from one state.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct QueryRequest {
    /// The metadata group that owns what they are about.
    pub group: GroupId,
    /// The session that asks, which may hold delegations; nobody for whoever looks at the state as it is.
    pub session: SessionId,
    /// The questions.
    pub queries: Vec<Query>,
}

/// One answer for each question, in order. When they are long, only for the first ones: the others are to be
/// asked again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum QueryReply {
    /// The answers.
    Answered(Vec<Result<Answer, OpError>>),
    /// This node does not lead. Ask the one named, if any.
    NotLeader(Option<Address>),
}

/// A question.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Query {
    /// About sessions.
    Session(SessionQuery),
    /// About the cluster, or about the whole state.
    Cluster(ClusterQuery),
    /// About an inode.
    File(FileQuery),
}

impl Query {
    /// The metadata group that owns what it is about.
    pub fn group(&self) -> GroupId {
        match self {
            Query::Session(_) | Query::Cluster(_) => GroupId::ROOT,
            Query::File(query) => query.ino().group(),
        }
    }
}

impl From<SessionQuery> for Query {
    fn from(query: SessionQuery) -> Query {
        Query::Session(query)
    }
}

impl From<ClusterQuery> for Query {
    fn from(query: ClusterQuery) -> Query {
        Query::Cluster(query)
    }
}

impl From<FileQuery> for Query {
    fn from(query: FileQuery) -> Query {
        Query::File(query)
    }
}

/// An answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// The inode under a name.
    Entry {
        /// The inode.
        attr: Attr,
        /// Entries that follow it in directory order.
        neighbours: Vec<DirEntry>,
        /// The directory's version.
        dir_version: u64,
    },
    /// Attributes.
    Attr(Attr),
    /// Entries of a directory.
    Dir {
        /// In order of cookies.
        entries: Vec<DirEntry>,
        /// Nothing follows.
        end: bool,
        /// The directory's version.
        dir_version: u64,
    },
    /// A value.
    Bytes(#[serde(with = "crate::bytes_serde")] Vec<u8>),
    /// Names.
    Names(Vec<Vec<u8>>),
    /// Extents.
    Map(Map),
    /// A lock in the way, if any.
    Lock(Option<Lock>),
    /// Counts.
    Counts {
        /// Inodes in use.
        inodes: u64,
        /// Bytes of files backed by extents.
        file_bytes: u64,
        /// Live segments.
        segments: u64,
        /// Bytes of live segments on all targets, parity included.
        stored_bytes: u64,
    },
    /// The cluster map.
    Cluster(ClusterMap),
    /// Inode numbers.
    Inos(Vec<Ino>),
    /// Sessions and their names.
    Sessions(Vec<(SessionId, String)>),
    /// Segments.
    Segments(Vec<SegmentInfo>),
    /// One for each id asked about, in order.
    SegmentStates(Vec<SegmentState>),
    /// Segments that nothing names any more, and since which log index.
    Deleted(Vec<(u64, SegmentInfo)>),
    /// Inodes, and since which log index they are in the purge queue.
    Queued(Vec<(u64, Ino)>),
    /// Part of a walk over inodes.
    InodesUpTo {
        /// Those that were found.
        inos: Vec<Ino>,
        /// The walk goes on after this one; `None`: this was the end.
        next: Option<Ino>,
    },
    /// Sessions.
    SessionIds(Vec<SessionId>),
}

/// What may become of a segment found on a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SegmentState {
    /// An extent names it.
    Referenced,
    /// A COMMIT may still name it: keep.
    Pending,
    /// Nothing names it and nothing ever can: delete.
    Garbage,
}
