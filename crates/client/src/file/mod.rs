//! Open files: write-behind, commit, read.
//!
//! ```text
//! write ─► dirty ─► commit ─► the log            read ─► dirty, sent ─► extents ─► rows ─► segments
//!            └ budget             └ namespace (attributes that a COMMIT changed)
//! files: all inodes in use ─► inode: the state every handle of one file shares
//! ```

mod budget;
mod bytes;
mod commit;
mod dirty;
mod extents;
mod files;
mod inode;
mod read;
mod rows;
mod write;
mod write_back;

pub use bytes::ReadBytes;
pub(crate) use files::{FileHandle, Files};
pub(crate) use rows::Rows;
pub(crate) use write::now;
