//! Replicates an opaque log with Raft and applies it to a deterministic state machine over ordered keys.
//!
//! This crate knows nothing of file systems. Consensus itself is openraft's; this crate is the log file, the
//! state's storage, the messages, snapshots, read confirmations and the rules for who may vote:
//!
//! ```text
//!  propose ──► openraft ──► log (own segments, one writer thread, group sync)          log/
//!                 │ ▲
//!   handle ───────┘ │ committed
//!   (peers, network)│
//!                   └──► machine ──► overlay in memory ──checkpoint──► LSM tree         lsm/
//!   read_index, read ◄──────────────┘                        └──► snapshots            snapshot/
//! ```
//!
//! **What is promised**
//! - *Durable before acknowledged*: `propose` returns after the entry is synced on a majority of voters'
//!   disks, this one among them, and applied here.
//! - *One history*: every replica applies the same entries in the same order, once (I3, I11). A replica whose
//!   log and checkpoint do not join, or whose log is damaged before an intact later record, refuses to start.
//! - *Identity* (I13): the Raft id is the disk's. A blank disk is a learner until `replace_voter` promotes it
//!   in one joint change that removes the old id. Log reversion is not compiled in.
//! - *No clock in safety* (I10): reads are confirmed by a majority each time (`read_index`); there is no
//!   leader lease.
//!
//! **A leader that leads nowhere** stands down (`watchdog`).
//!
//! **Elections** begin with a pre-vote: voters that hear no leader ask each other, and the one whose log
//! reaches furthest becomes the candidate (`pre_vote`). Votes do not split, and nobody stands who cannot win.
//!
//! Start reading at `group/mod.rs`; the invariants of the log are in `log/mod.rs`, those of the state in
//! `lsm/mod.rs`.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod blocking;
mod config;
mod error;
mod group;
mod ids;
mod leader_contact;
mod leadership;
mod log;
mod log_trimmer;
mod lsm;
mod machine;
mod member;
mod network;
mod pre_vote;
mod read_index;
mod replica;
mod snapshot;
mod status;
mod stood_down;
mod types;
mod watchdog;

pub use blocking::blocking;
pub use config::GroupConfig;
pub use error::{ConsensusError, ProposeError, TransportError};
pub use group::{Group, LogDevice};
pub use machine::StateMachine;
pub use member::Member;
pub use network::{Reply, Rpc, Transport};
pub use status::{GroupStatus, Leadership};
