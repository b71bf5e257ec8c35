//! The file system of one client: names, files, write-behind, caches and recovery. The library every front
//! end stands on.
//!
//! Start reading at [`Client`], the file system as calls; then `namespace/` for what is known of names, and
//! `file/` for what happens between write(2) and COMMIT. Below this crate, `segments` turns a segment into
//! rows and back, and `cluster` finds the metadata leader and makes operations happen exactly once.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod client;
mod errseq;
mod file;
mod lock_owners;
mod namespace;
mod options;

pub use client::{Client, Created, OpenDirectory, OpenFile, Result, StatFs};
pub use file::ReadBytes;
pub use options::{ClientOptions, NewInode, OpenOptions, Owner, WriteMode};

pub use isobar_cluster::{Cluster, ClusterError, Session};
pub use isobar_config::{ClusterSpec, NodeSpec};
pub use isobar_segments::{ReadStats, Segments, WriteStats};
pub use isobar_wire::message::files::{Attr, DirEntry, FileKind, Lock, LockFamily, LockKind, Time};
pub use isobar_wire::message::ops::{RenameMode, SetAttr, SetTime, XattrMode};
