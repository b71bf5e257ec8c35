//! How a cluster was at one moment.

use serde::Serialize;

/// How a cluster is, in a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum HealthState {
    /// Everything is there.
    Healthy,
    /// It serves, and something is missing.
    Degraded,
    /// It does not serve, or something may be lost already.
    Unhealthy,
    /// Nobody could look.
    Unknown,
}

/// How a node or a target is, in a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum NodeState {
    /// It serves.
    Up,
    /// It does not.
    Down,
    /// Nobody could look.
    Unknown,
}

/// What a node has done for clients and operators since its process started.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ServedByNode {
    /// Its process: what others have counted is no part of it.
    pub process: u64,
    /// Bytes of new rows that were written to its targets.
    pub written_bytes: u64,
    /// Bytes of rows that were read from its targets.
    pub read_bytes: u64,
    /// Requests for rows, and operations and questions for the metadata; of these those of other nodes, too.
    pub requests: u64,
}

/// How a target was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TargetObservation {
    /// Its id.
    pub id: String,
    /// Whether it serves.
    pub state: NodeState,
    /// Its size.
    pub total_bytes: u64,
    /// Bytes in use.
    pub used_bytes: u64,
}

/// How a node was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeObservation {
    /// Its name.
    pub name: String,
    /// Whether it serves.
    pub state: NodeState,
    /// The same in a sentence.
    pub statement: String,
    /// The version of its software, if it says so.
    pub version: Option<String>,
    /// Whether it votes on metadata, if that is known.
    pub votes: Option<bool>,
    /// Its targets.
    pub targets: Vec<TargetObservation>,
    /// What it has done.
    pub served: Option<ServedByNode>,
    /// Whether it has all the disks, rows and votes that it should have.
    pub whole: bool,
    /// Whether it has disks that are not part of the cluster.
    pub blank: bool,
    /// Rows that were built again and that have to be, while they are.
    pub rebuild: Option<(u64, u64)>,
    /// How many more nodes may be lost while this one is away; less than zero when it must not be away, or
    /// more are missing already than may be. `None` when that is not known.
    pub spare_without: Option<i64>,
}

/// How a cluster was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observation {
    /// In a word.
    pub state: HealthState,
    /// In a sentence or two.
    pub statement: String,
    /// What needs somebody, the most urgent first: a sentence each.
    pub attention: Vec<String>,
    /// So many nodes may be lost and nothing is, of data or metadata. `None` when that is not known.
    pub nodes_may_be_lost: Option<u32>,
    /// The node that leads the metadata.
    pub leader: Option<String>,
    /// Its nodes, in the order of the cluster file.
    pub nodes: Vec<NodeObservation>,
}

impl Observation {
    /// Of a cluster that could not be looked at.
    pub fn unknown(why: impl Into<String>) -> Observation {
        Observation {
            state: HealthState::Unknown,
            statement: why.into(),
            attention: Vec::new(),
            nodes_may_be_lost: None,
            leader: None,
            nodes: Vec::new(),
        }
    }

    /// A node, by its name.
    pub fn node(&self, name: &str) -> Option<&NodeObservation> {
        self.nodes.iter().find(|node| node.name.eq_ignore_ascii_case(name))
    }

    /// How many nodes are up.
    pub fn nodes_up(&self) -> usize {
        self.nodes.iter().filter(|node| node.state == NodeState::Up).count()
    }

    /// Bytes of all targets, and those of them that are in use.
    pub fn capacity(&self) -> (u64, u64) {
        let targets = self.nodes.iter().flat_map(|node| &node.targets);
        targets.fold((0, 0), |(total, used), target| (total + target.total_bytes, used + target.used_bytes))
    }
}

#[cfg(test)]
impl NodeObservation {
    /// One that is up and has everything, of which nothing else is known.
    pub(crate) fn up(name: &str) -> NodeObservation {
        NodeObservation {
            name: name.to_owned(),
            state: NodeState::Up,
            statement: String::new(),
            version: None,
            votes: None,
            targets: Vec::new(),
            served: None,
            whole: true,
            blank: false,
            rebuild: None,
            spare_without: None,
        }
    }
}
