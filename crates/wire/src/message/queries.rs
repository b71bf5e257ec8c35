//! Questions about the state. Answers are linearizable: the leader confirms with ReadIndex first.

use isobar_base::{Ino, SegmentId, SessionId};
use serde::{Deserialize, Serialize};

use super::cluster::ClusterMap;
use super::files::{Attr, DirEntry, Lock, Map, SegmentInfo};
use super::ops::OpError;
use crate::Address;

/// Questions answered from one state.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct QueryRequest {
    /// The session that asks, which may hold leases; 0 for whoever looks at the state as it is.
    pub session: SessionId,
    /// The questions.
    pub queries: Vec<Query>,
}

/// One answer for each question, in order.
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
    /// The inode under a name. → [`Answer::Entry`]
    Lookup {
        /// The directory.
        parent: Ino,
        /// The name.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
        /// Also send up to this many entries that follow it in directory order.
        neighbours: u32,
    },
    /// Attributes. → [`Answer::Attr`]
    GetAttr {
        /// The inode.
        ino: Ino,
    },
    /// Entries after a cookie (0: from the start). → [`Answer::Dir`]
    ReadDir {
        /// The directory.
        ino: Ino,
        /// Continue after this entry.
        cookie: u64,
        /// At most this many.
        limit: u32,
    },
    /// The parent of a directory (the root is its own). → [`Answer::Attr`]
    Parent {
        /// The directory.
        ino: Ino,
    },
    /// Target of a symlink. → [`Answer::Bytes`]
    ReadLink {
        /// The symlink.
        ino: Ino,
    },
    /// Value of an extended attribute. → [`Answer::Bytes`]
    GetXattr {
        /// The inode.
        ino: Ino,
        /// Name with its namespace.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
    },
    /// Names of extended attributes. → [`Answer::Names`]
    ListXattr {
        /// The inode.
        ino: Ino,
    },
    /// Extents that touch `[offset, offset + len)`. → [`Answer::Map`]
    Map {
        /// The file.
        ino: Ino,
        /// First byte.
        offset: u64,
        /// Bytes.
        len: u64,
    },
    /// A lock in the way of this one. → [`Answer::Lock`]
    TestLock {
        /// The inode.
        ino: Ino,
        /// The lock one would like.
        lock: Lock,
    },
    /// Counts. → [`Answer::Counts`]
    Counts,
    /// The cluster map. → [`Answer::Cluster`]
    Cluster,
    /// Nameless inodes about which a session still has to say "not open here". → [`Answer::Inos`]
    Orphans {
        /// The session.
        session: SessionId,
        /// At most this many.
        limit: u32,
    },
    /// All sessions. → [`Answer::Sessions`]
    Sessions,
    /// Live segments in order of their id. → [`Answer::Segments`]
    Segments {
        /// Continue after this one.
        after: Option<SegmentId>,
        /// At most this many.
        limit: u32,
    },
    /// Whether each of these may still be named by some extent, now or later (I6). → [`Answer::Fates`]
    Fates {
        /// Segments found on a device.
        ids: Vec<SegmentId>,
    },
    /// Segments that nothing names any more, oldest first. → [`Answer::Segments`]
    DeleteQueue {
        /// At most this many.
        limit: u32,
    },
    /// Inodes nobody can reach that still have extents. → [`Answer::Inos`]
    PurgeQueue {
        /// At most this many.
        limit: u32,
    },
    /// Segments that are less than half alive. → [`Answer::Segments`]
    HalfDead {
        /// Continue after this one.
        after: Option<SegmentId>,
        /// At most this many.
        limit: u32,
    },
    /// Inodes with extents, for walking all ledgers. → [`Answer::Inos`]
    Inodes {
        /// Continue after this one.
        after: Ino,
        /// At most this many.
        limit: u32,
    },
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
    Fates(Vec<Fate>),
}

/// What may become of a segment found on a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Fate {
    /// An extent names it.
    Referenced,
    /// A COMMIT may still name it: keep.
    Pending,
    /// Nothing names it and nothing ever can: delete.
    Garbage,
}
