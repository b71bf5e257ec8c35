//! The immutable fragment store of one device (a preallocated file or a block device).
//!
//! A fragment is stored once, read in 4 KiB units, listed and deleted; it never changes. [`Store`]
//! is the threaded front, [`Core`] the same store driven by its caller. Start reading in `core.rs`.
//!
//! # Device
//! Everything is in blocks of 4 KiB. Every structure but payloads is a *frame* (`frame.rs`): magic,
//! version, CRC32C, a nonce drawn when the device was formatted, length, body.
//! ```text
//! block 0        superblock slot A    label, generation, where the checkpoint is and where the log begins
//! block 16       superblock slot B    the same; both hold the same generation but for a moment
//! block 32..     log                  a ring of fixed size, batches one after the other
//! the rest       data                 payloads and pages of checkpoints, in runs from one allocator
//! ```
//! * A **large** fragment (payload ≥ 64 KiB) is its payload followed by a descriptor frame: the whole
//!   [`isobar_base::FragmentHeader`]. It describes itself; a read of the whole row is one read.
//! * A **packed** fragment (< 64 KiB) is its payload only, laid end to end with the others of its
//!   batch. What matters of its header is in the log record, in both copies of the checkpoint, and in RAM.
//!   Payloads are whole 4 KiB units, so packing wastes nothing, and a deleted fragment's blocks are
//!   free at once: **there is no cleaner**, no write amplification, and free space is exact. (A log that
//!   holds the packed payloads themselves would spend a header block per batch and need a cleaner.)
//! * Space is allocated as runs of blocks; a fragment may have several when the device is fragmented,
//!   so every free block can be used.
//! * The **index** is pages of entries, packed, the same bytes in RAM and on the device (`page.rs`,
//!   `index.rs`): about 30 bytes of RAM for a fragment of one run. The index in RAM is `checkpoint + log`.
//! * A **checkpoint** is all pages and the table of where they are (`table.rs`). Making one writes the pages
//!   that changed since the last, and the nodes of the table above them, twice, to fresh blocks: what it
//!   costs follows from what changed, not from what is stored.
//!
//! # Order of durability
//! One group commit: (1) payloads and descriptors into free blocks, (2) one log batch, (3) **one
//! sync**, (4) the change becomes visible in RAM and freed blocks may be allocated, (5) acks. The next
//! batch touches the device only after the sync of the one before it. Hence:
//! * Only the **last** batch of the log may name payloads that did not reach the medium. Recovery
//!   verifies the payloads of that batch and drops the ones that do not match: they were never acked.
//!   All older ones were synced; if they rot, a GET says so.
//! * Blocks freed by batch b are written to only after b is durable, so no state that recovery can
//!   find names a block that was reused.
//! * A batch that cannot be read is a torn tail only when no later batch follows it; otherwise
//!   [`StoreError::CorruptLog`] refuses to open the device. What no log can tell apart is rot in the very
//!   last batch from a torn write of it: it is cut.
//!
//! One checkpoint: (1) the index is frozen as the log has it up to some batch; (2) pages and nodes into free
//! blocks; sync; (3) the older superblock slot; sync; (4) the other slot; sync; (5) what the checkpoint
//! before has and this one has not is free, blocks of pages and batches of the log. **Nothing waits for it**
//! (`checkpoint.rs`): it goes on by a slice with each batch, whose sync is its sync, while later batches go
//! into the log behind the place where it was frozen; a page that changes before it was written is saved
//! first. Slices are as large as it takes to end long before the log is full. What recovery finds at any
//! point is the checkpoint that a slot names, complete, and all batches since.
//!
//! Opening a device ends with a checkpoint that is waited for: the state that was recovered is durable, and a
//! torn tail is gone, before anything is served. One begins by itself when half of the log is used or a
//! million records are in it, which bounds what opening has to replay.
//!
//! A PUT that would leave less free space than this checkpoint and the next need gets
//! [`StoreError::Full`]; a DELETE needs no space but its log record. A failed write or sync poisons
//! the store: no change is acked again until the device has been reopened. Reading goes on, as all that
//! the index names was synced.
//!
//! Blocks that are free for good by these rules are *discarded* when nothing is to be written for a moment, a
//! region of 1 MiB at a time and not longer than they are free, where the device takes that
//! ([`isobar_disk::Disk::discard`]): the writer does it, so nobody can allocate them meanwhile.
//!
//! # Damage
//! Bytes that are wrong and blocks that the medium does not give back are the same: damage of the
//! fragment they belong to, and of nothing else ([`StoreError::Corrupt`]). A *rewrite* puts the same
//! bytes into other blocks, and gives the damaged ones up in the batch that makes the new ones durable;
//! the index remembers the CRC of the header, so that no other bytes can take their place (I1).
//! An unreadable block of the log is a torn batch, one of a superblock slot or of a copy of a page costs that
//! copy: opening reads both copies of everything, and writes again what has only one.
//!
//! # Invariants held here
//! I1 write-once: a second PUT of a key is acknowledged if its header is identical, else refused and
//! logged. I9 integrity: payloads are checked when they come and when they are read, against the CRCs
//! of the header whose identity is checked as well. I12: PUT and DELETE may be repeated.
//! I13: the label names the target, [`Store::format`] refuses a device that has one, and
//! [`Store::open`] refuses one that has none.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod cache;
mod checkpoint;
mod core;
mod damaged;
mod entry;
mod error;
mod extent;
mod foreign;
mod frame;
mod index;
mod label;
mod limits;
mod load;
mod log;
mod op;
mod page;
mod queue;
mod read;
mod slots;
mod space;
mod state;
mod store;
mod superblock;
mod table;
mod threads;

pub use crate::core::Core;
pub use error::StoreError;
pub use index::FragmentInfo;
pub use label::Label;
pub use op::Op;
pub use read::Fragment;
pub use state::Usage;
pub use store::{Options, Store};
