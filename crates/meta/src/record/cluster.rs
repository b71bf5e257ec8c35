//! Targets and placement groups.

use isobar_base::{PgId, TargetId};
use isobar_wire::message::cluster::{PlacementGroup, Position, TargetInfo};
use serde::{Deserialize, Serialize};

/// A target and its node's number.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) info: TargetInfo,
    pub(crate) node: u32,
}

/// Who holds a position of a group. The node's number is here so that a COMMIT is checked with one get.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub(crate) target: TargetId,
    pub(crate) node: u32,
    pub(crate) since: u64,
    pub(crate) clean: bool,
}

/// A placement group: holders on distinct nodes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) holders: Vec<Holder>,
}

impl Group {
    pub(crate) fn wire(&self, id: PgId) -> PlacementGroup {
        let positions = self.holders.iter();
        let positions = positions.map(|h| Position { target: h.target, since: h.since, clean: h.clean });
        PlacementGroup { id, positions: positions.collect() }
    }

    /// Whether no node holds two positions (I2).
    pub(crate) fn nodes_are_distinct(&self) -> bool {
        let holders = &self.holders;
        (1..holders.len()).all(|i| holders[..i].iter().all(|h| h.node != holders[i].node))
    }
}
