//! Runs phases: worker processes, barriers, live rates, CPU time of servers.
//!
//! ```text
//! measurement ──► pool ──► launch ═══ message ═══► worker
//!      │            └─► live ──► observer
//!      └──► setup ──► watch
//! ```

mod launch;
mod live;
mod measurement;
mod message;
mod observer;
mod pool;
mod setup;
mod watch;
mod worker;

pub use launch::Launcher;
pub(crate) use measurement::Run;
pub use observer::{Observer, OnRates, Quiet, Rates};
pub use setup::{Cancel, Cold, Setup};
pub use watch::{Watch, Watched};
pub use worker::serve;
