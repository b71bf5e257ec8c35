//! Watching: how each cluster is, looked at now and then, and kept in memory.
//!
//! | file | what |
//! |---|---|
//! | `observation` | how a cluster was at one moment |
//! | `judge` | that, from what its nodes and its leader say; pure |
//! | `ask` | asking them, and telling the leader what to do |
//! | `rates` | what was done between two looks |
//! | `sight` | what was seen last, and the rates of it |
//! | `watcher` | who is looked at when |

mod ask;
mod judge;
mod observation;
mod rates;
mod sight;
mod watcher;

pub use ask::{AskClusters, AskRefusal, Asking, RealClusters};
pub use observation::{
    HealthState, NodeObservation, NodeState, Observation, ServedByNode, TargetObservation,
};
pub(crate) use sight::Sight;
pub(crate) use watcher::{Watch, Watched};
