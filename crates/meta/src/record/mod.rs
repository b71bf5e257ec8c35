//! What is stored: one plain type per kind of value.
//!
//! They are not the types of the wire, so that either can change without the other; conversions are here,
//! beside the types. Two things are stored as the wire has them: operations in the log (`entry.rs`) and
//! replies kept for repetitions (`R`). All are frozen in `golden`.

mod cluster;
mod counters;
mod cuts;
mod dir;
mod file;
mod inode;
mod lock;
mod segment;
mod session;
mod source;

pub(crate) use cluster::{Group, Holder, Settings, Target};
pub(crate) use counters::Counters;
#[cfg(test)]
pub(crate) use cuts::Cut;
pub(crate) use cuts::Cuts;
pub(crate) use dir::{Listed, Name};
pub(crate) use file::{FileKind, Time};
pub(crate) use inode::Inode;
pub(crate) use lock::{Lock, LockFamily, LockKind};
pub(crate) use segment::Segment;
pub(crate) use session::Session;
pub(crate) use source::{Source, SourceRef};
