//! Whole clusters of in-process nodes on loopback, each with a runtime and disks of its own.

mod checking;
mod collection;
mod compaction;
mod founding;
mod harness;
mod metadata;
mod replacement;
mod storage;
