//! The metadata service as one deterministic state machine over ordered keys.
//!
//! [`apply`] executes a log [`Entry`]; [`query`] answers from the state; [`check`] verifies every
//! cross-reference in it. There is no I/O, no clock and no randomness here: the leader stamps the time
//! into the entry, ids come from counters in the state (I11: same log, same state).
//!
//! Where to start reading: `apply.rs` (sessions, repetition, dispatch), then `ops/` (one file per
//! subject), `ledger/` (extent maps) and `segments.rs` (what is alive, what may be deleted).
//! The key of every value is in `key.rs`; the values are in `record/`.
//!
//! **Invariants kept here**: I2 (rows of a segment on distinct nodes), I3 (one order: version = index),
//! I5 (fencing: session, low-water, incarnation and row holders are checked when an entry applies), I6
//! (GC safety), I11 (determinism), I12 (repetition gives the first answer).
//!
//! **What is absent**: permission checks (the kernel makes them), time-outs (the leader keeps them),
//! and knowledge of how keys are stored or replicated.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]
#![deny(clippy::wildcard_enum_match_arm)]

mod apply;
mod check;
mod codec;
mod entry;
#[cfg(test)]
mod golden;
mod key;
mod ledger;
mod limits;
mod name;
mod ops;
pub mod placement;
mod query;
mod record;
mod segments;
mod state;

pub use apply::{apply, apply_to_bytes, apply_within, read_entry};
pub use check::{Finding, check};
pub use entry::{DecodeError, ENTRY_WEIGHT_MAX, Entry, weight};
pub use limits::{
    CUTS_PENDING_MAX, INODES_LOOKED_AT_MAX, LIST_ENTRIES_MAX, LOCKS_PER_INODE_MAX, PLACEMENT_GROUPS_MAX,
    PURGE_AT_ONCE_EXTENTS_MAX, REPLIES_PER_SESSION_MAX, Room, SESSIONS_MAX, TARGETS_MAX,
};
pub use query::{cluster_map, holder, query, query_as};
