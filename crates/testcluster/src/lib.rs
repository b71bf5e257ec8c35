//! Whole clusters of in-process nodes for tests, each node with a runtime and disks of its own.
//!
//! [`TestCluster`] starts and stops nodes, takes their disks away and says how they are. Its nodes talk
//! [`Over`] TCP on the loopback or over a network in memory, whose links a test cuts where and when it wants.
//! [`create`], [`write()`] and their like do with a bare session what a client does for a file system.
//!
//! For tests alone: nothing else depends on it, and what goes wrong here panics.
#![forbid(unsafe_code)]

mod cluster;
mod devices;
mod ops;

pub use cluster::{Over, SECOND, TestCluster, eventually};
pub use devices::FaultyDevices;
pub use ops::{bytes, commit, create, unlink, write};
