//! What coordinator and workers say to each other: one JSON object a line, over the worker's standard
//! input and output.
//!
//! ```text
//! coordinator                 worker
//!    connect ──────────────────►  opens its backend
//!    prepare(task) ────────────►
//!            ◄──────────── ready      (all are ready: the barrier)
//!    go(at) ───────────────────►  sleeps until `at`, the same moment for all, and works
//!            ◄───────────── tick      every quarter of a second
//!            ◄───── done(report)      or failed
//! ```

use serde::{Deserialize, Serialize};

use crate::backend::Target;
use crate::record::RankReport;
use crate::task::Task;
use crate::window::Counts;

#[derive(Serialize, Deserialize)]
pub enum Order {
    Connect {
        rank: u32,
        target: Target,
    },
    Prepare(Box<Task>),
    Go {
        at_ns: u64,
    },
    /// A new session, with empty caches.
    Reconnect,
    End,
}

#[derive(Serialize, Deserialize)]
pub enum Reply {
    Ready,
    Tick { read: Counts, write: Counts },
    Done(Box<RankReport>),
    Failed { text: String, no_space: bool },
}
