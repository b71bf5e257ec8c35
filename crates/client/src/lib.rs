//! The client library every front end uses: the write path, the read path, caches and recovery.
//!
//! Start reading at [`Client`], the file system as calls; then `file/` for what happens between
//! write(2) and COMMIT, and `segments/` for what happens between a segment and its rows.
//! [`Cluster`] finds the metadata leader, [`Session`] makes operations happen exactly once.
#![forbid(unsafe_code)]

mod client;
mod file;
mod leases;
mod names;
mod openings;
mod whole;

pub use client::{Client, ClientOptions, OpenFile, OpenOptions, ReadBytes, Result, StatFs};

pub use isobar_cluster::{Cluster, ClusterError, Session};
pub use isobar_config::{ClusterSpec, NodeSpec};
pub use isobar_segments::{ReadStats, Segments};
pub use isobar_wire::message::files::{Attr, DirEntry, FileKind};
pub use isobar_wire::message::ops::RenameMode;
