//! What operators do to a cluster, as calls: each gives typed results, and the words are made by whoever
//! shows them. New clusters, and whole ones on one machine, are made here, too.
//!
//! | file | what |
//! |---|---|
//! | `deep` | the part of `fsck` that reads bytes |
//! | `durable` | files that are there whole or not at all |
//! | `fsck` | what the log names against what the targets hold |
//! | `health` | what may still be lost, and what needs somebody |
//! | `local` | a whole cluster on this machine: its directory and its processes |
//! | `new_cluster` | what a new cluster is, and its files |
//! | `redundancy` | how many rows of how many segments cannot be had at the moment |
//! | `replace` | blank disks of a node take the places of lost ones |
//! | `status` | how each node is |
//! | `words` | what was found, in sentences |
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod deep;
mod durable;
mod fsck;
mod health;
mod limits;
mod local;
mod new_cluster;
mod redundancy;
mod replace;
mod status;
mod words;

pub use deep::{DeepReport, MissingRow};
pub use fsck::{Depth, FsckError, FsckReport, LostRange, fsck};
pub use health::{Attention, Founding, Health, Voter, VoterState, health};
pub use local::{Local, LocalError, LocalOptions, MOUNT, Readiness, Removed, Started, Waits, WaitsFor};
pub use new_cluster::{NewClusterError, check_node_name, new_cluster, node_config, write_cluster};
pub use redundancy::{Count, Redundancy, redundancy, unclean_targets};
pub use replace::{ReplaceError, ReplaceProgress, Replaced, replace};
pub use status::{node_states, segments};
pub use words::{attention_text, founding_text};
