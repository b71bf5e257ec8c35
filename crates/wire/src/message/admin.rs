//! What operators ask of the metadata leader.

use serde::{Deserialize, Serialize};

use super::ops::OpError;
use crate::Address;

/// What operators ask of the leader.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum AdminRequest {
    /// A node's disks are gone for good: admit the blank ones it now has in their places.
    ReplaceNode {
        /// Name of the node.
        node: String,
    },
    /// Run collection, compaction and the search for orphans now.
    Collect,
}

/// Reply to an operator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum AdminReply {
    /// The blank disks of a node take the places of its old ones.
    Replacing {
        /// It reports them already; otherwise they do once it is started.
        now: bool,
    },
    /// The node has no targets; it votes with the disk it has now.
    VoterReplaced,
    /// Collection, compaction and the search for orphans have begun.
    Collecting {
        /// On so many nodes.
        nodes: u32,
    },
    /// Refused.
    Refused(AdminRefusal),
    /// This node does not lead. Ask the one named, if any.
    NotLeader(Option<Address>),
}

/// Why the leader does not do what an operator asks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
pub enum AdminRefusal {
    /// The cluster file has no such node.
    #[error("no node {node}: the cluster file names {}", names.join(", "))]
    NoSuchNode {
        /// The name asked for.
        node: String,
        /// The names there are.
        names: Vec<String>,
    },
    /// The node has all its disks.
    #[error("{node} reports all the disks it should have: nothing to replace")]
    NothingToReplace {
        /// Its name.
        node: String,
    },
    /// Its voter has not caught up. Trying again makes sense.
    #[error("{node} has not caught up yet: try again")]
    NotCaughtUp {
        /// Its name.
        node: String,
    },
    /// It has no targets, so only its vote could be replaced, and it is not there.
    #[error("{node} has no targets and does not report: start it, then try again")]
    NotReporting {
        /// Its name.
        node: String,
    },
    /// The state machine refused.
    #[error("refused: {0}")]
    Metadata(OpError),
    /// No quorum. Trying again makes sense.
    #[error("not done: {0}; try again")]
    NotDone(String),
}
