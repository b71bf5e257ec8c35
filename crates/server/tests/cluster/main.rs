//! Whole clusters of in-process nodes: what a restart, a port and a reconnection are part of over TCP, the
//! rest in memory.

mod checking;
mod collection;
mod compaction;
mod damage;
mod decoding;
mod devices;
mod founding;
mod metadata;
mod replacement;
mod roles;
mod storage;
