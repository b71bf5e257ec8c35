//! The node daemon: the storage role, the metadata role, and the work in the background that keeps
//! promises after the acknowledgement.
//!
//! ```text
//! node ─► handler ─┬─► storage    rows in and out of the targets; orphans, rebuild, scrub
//!   │              ├─► metadata   group commit, questions, soft state; the group itself is `isobar-consensus`
//!   │              └─► heartbeat, status, probe, leader::admin
//!   ├─► bootstrap    the first start of a cluster
//!   └─► leader/      duties of whoever leads: map, expiry, garbage collection, compaction
//!              all of them ─► context   what the parts share ─► storage::target, metadata, config
//! what runs in the background ─► supervise   starts again what panics
//! ```
//! Start reading at `node.rs`. Everything in the background is idempotent and restartable and holds no
//! promise back: none of it is on the way of an acknowledgement.
//!
//! **Invariants kept here**: I6 (rows are deleted only when the log says that nothing can name them),
//! I7 (rebuild, scrub), I9 (checked at the server), I10 (ReadIndex before every answer and renewal; clocks
//! affect liveness only), I13 (identity of voters and targets).
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod bootstrap;
mod context;
mod error;
mod handler;
mod heartbeat;
mod leader;
mod limits;
mod metadata;
mod node;
mod probe;
mod served;
mod status;
mod storage;
mod supervise;

pub use error::ServerError;
pub use node::{Node, run, runtime};
