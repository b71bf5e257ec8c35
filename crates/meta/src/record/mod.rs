//! What is stored: one plain type per kind of value.

mod cluster;
mod counters;
mod dir;
mod inode;
mod segment;
mod session;

pub(crate) use cluster::{Group, Holder, Target};
pub(crate) use counters::Counters;
pub(crate) use dir::{Listed, Name};
pub(crate) use inode::Inode;
pub(crate) use segment::Segment;
pub(crate) use session::Session;
