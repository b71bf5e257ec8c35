//! The node daemon: the storage role, the metadata role, and the work in the background that keeps
//! promises after the acknowledgement.
//!
//! ```text
//! config ─► node ─► handler ─┬─► storage    rows in and out of the targets (target)
//!                            ├─► metadata   group commit, questions; the group itself is `isobar-consensus`
//!                            └─► heartbeat, status, leader::admin
//!           founding         the first start of a cluster
//!           leader/          duties of whoever leads: map, sessions, collection, compaction
//!           orphans, rebuild, scrub   duties of whoever owns a target
//! ```
//! From outside, for operators: [`fsck`](fsck()) checks a cluster, [`redundancy`](redundancy()) counts what is left of it.
//!
//! Start reading at `node.rs`. Everything in the background is idempotent and restartable and holds no
//! promise back: none of it is on the way of an acknowledgement.
//!
//! **Invariants kept here**: I6 (rows are deleted only when the log says that nothing can name them),
//! I7 (rebuild, scrub), I9 (checked at the server), I10 (ReadIndex before every answer and renewal; clocks
//! affect liveness only), I13 (identity of voters and targets).
#![forbid(unsafe_code)]

mod config;
mod error;
mod founding;
mod fsck;
mod handler;
mod heartbeat;
mod leader;
mod limits;
mod metadata;
mod node;
mod orphans;
mod probe;
mod rebuild;
mod redundancy;
mod scrub;
mod status;
mod storage;
mod target;
mod voter;

pub use config::{
    CompactionConfig, MetaConfig, NodeConfig, RebuildConfig, SAMPLE, ScrubConfig, TargetConfig,
};
pub use error::ServerError;
pub use fsck::{FsckError, FsckReport, LostRange, MissingRow, fsck};
pub use node::{Node, run, runtime};
pub use redundancy::{Count, Redundancy, redundancy};
