//! Questions about one inode.

use isobar_base::Ino;
use serde::{Deserialize, Serialize};

use crate::message::files::Lock;

/// A question about one inode.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum FileQuery {
    /// The inode under a name. → [`super::Answer::Entry`]
    Lookup {
        /// The directory.
        parent: Ino,
        /// The name.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
        /// Also send up to this many entries that follow it in directory order.
        neighbours: u32,
    },
    /// Attributes. → [`super::Answer::Attr`]
    GetAttr {
        /// The inode.
        ino: Ino,
    },
    /// Entries after a cookie (0: from the start). → [`super::Answer::Dir`]
    ReadDir {
        /// The directory.
        ino: Ino,
        /// Continue after this entry.
        cookie: u64,
        /// At most this many.
        limit: u32,
    },
    /// The parent of a directory (the root is its own). → [`super::Answer::Attr`]
    Parent {
        /// The directory.
        ino: Ino,
    },
    /// Target of a symlink. → [`super::Answer::Bytes`]
    ReadLink {
        /// The symlink.
        ino: Ino,
    },
    /// Value of an extended attribute. → [`super::Answer::Bytes`]
    GetXattr {
        /// The inode.
        ino: Ino,
        /// Name with its namespace.
        #[serde(with = "crate::bytes_serde")]
        name: Vec<u8>,
    },
    /// Names of extended attributes. → [`super::Answer::Names`]
    ListXattr {
        /// The inode.
        ino: Ino,
    },
    /// Extents that touch `[offset, offset + len)`. → [`super::Answer::Map`]
    Map {
        /// The file.
        ino: Ino,
        /// First byte.
        offset: u64,
        /// Bytes.
        len: u64,
    },
    /// A lock in the way of this one. → [`super::Answer::Lock`]
    TestLock {
        /// The inode.
        ino: Ino,
        /// The lock one would like.
        lock: Lock,
    },
}

impl FileQuery {
    /// The inode it is about.
    pub fn ino(&self) -> Ino {
        match *self {
            FileQuery::Lookup { parent: ino, .. }
            | FileQuery::GetAttr { ino }
            | FileQuery::ReadDir { ino, .. }
            | FileQuery::Parent { ino }
            | FileQuery::ReadLink { ino }
            | FileQuery::GetXattr { ino, .. }
            | FileQuery::ListXattr { ino }
            | FileQuery::Map { ino, .. }
            | FileQuery::TestLock { ino, .. } => ino,
        }
    }
}
