//! The Raft log: entries, vote and purge point of one replica in one preallocated file of recyclable
//! segments.
//!
//! - **L1** an entry's flush callback, and `save_vote`, come after the sync that covers them.
//! - **L2** one writer thread; what is queued while it syncs shares the next write and sync.
//! - **L3** a segment is recycled only after the purge that frees it is durable.
//! - **L4** nothing is purged on the disk beyond what the checkpoint store has synced. (openraft purges while
//!   a snapshot is still being installed; the writer, and with it every later write, waits for the
//!   installation.)
//! - **L5** a leader's own write overlaps replication: its append is reported at once, and *no follower's
//!   reply counts before the leader's own copy is durable* (`wait_durable`, called by the network). A
//!   majority of more than one voter contains such a reply, so a committed entry is always on a majority of
//!   disks. Entries that change the membership, and all entries of a single voter, are reported after their
//!   sync.
//! - **L6** because of L5 a leader may forget entries it proposed. It therefore never resumes leadership
//!   after a restart: its vote is read back as a candidate's, and it must be elected again, in a new term.
//!
//! Start reading at `format.rs`, then `writer.rs` and `recover.rs`.

mod command;
mod entry;
mod format;
mod index;
mod open;
mod read;
mod recover;
mod segment;
mod shared;
mod storage;
mod store;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use open::WriterHandle;
pub(crate) use store::LogStore;
