//! A snapshot is one file that holds all keys of a checkpoint.
//!
//! `format` is its bytes, `file` the handle that openraft moves it with. What is written into one, and where
//! a received one goes, is in `lsm/snapshot.rs`.

mod file;
mod format;

pub(crate) use file::{SnapshotFile, remove_unfinished};
pub(crate) use format::{Pairs, SnapshotHeader, SnapshotReader, SnapshotWriter};
