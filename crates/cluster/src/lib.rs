//! Access to a cluster: finding the metadata leader and asking it, sessions, batching, and what is known of
//! the cluster at the moment.
//!
//! Start reading at [`Cluster`], access without a session; [`Session`] makes operations happen exactly once.
//! [`View`] is where data can go and be found. What a segment or a file is, is not known here.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]
#![deny(clippy::wildcard_enum_match_arm)]

mod ask;
mod batcher;
mod boot_time;
mod cluster;
mod error;
mod latency;
mod routing;
mod session;
mod unconfirmed;
mod view;
mod wait;

pub use ask::AskError;
pub use boot_time::BootTime;
pub use cluster::Cluster;
pub use error::ClusterError;
pub use session::{Begun, Session};
pub use unconfirmed::UnconfirmedOps;
pub use view::{ClusterSnapshot, Quarantine, RowRequest, View};
pub use wait::wait_until;
