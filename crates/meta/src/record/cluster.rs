//! Settings, targets and placement groups.

use isobar_base::{ClusterId, PgId, TargetId};
use isobar_wire::Address;
use isobar_wire::message::cluster::{FsSettings, PlacementGroup, Position, TargetInfo};
use serde::{Deserialize, Serialize};

/// Properties of the file system.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) cluster: ClusterId,
    pub(crate) name: String,
    pub(crate) data_rows: u8,
    pub(crate) parity_rows: u8,
}

impl From<FsSettings> for Settings {
    fn from(settings: FsSettings) -> Settings {
        let FsSettings { cluster, name, data_rows, parity_rows } = settings;
        Settings { cluster, name, data_rows, parity_rows }
    }
}

impl From<Settings> for FsSettings {
    fn from(settings: Settings) -> FsSettings {
        let Settings { cluster, name, data_rows, parity_rows } = settings;
        FsSettings { cluster, name, data_rows, parity_rows }
    }
}

/// A target and its node's number. The address is the text that it is everywhere.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) id: TargetId,
    pub(crate) node: String,
    pub(crate) slot: u32,
    pub(crate) addr: Address,
    pub(crate) domain: String,
    pub(crate) capacity_bytes: u64,
    pub(crate) node_number: u32,
}

impl Target {
    pub(crate) fn new(info: TargetInfo, node_number: u32) -> Target {
        let TargetInfo { id, node, slot, addr, domain, capacity_bytes } = info;
        Target { id, node, slot, addr, domain, capacity_bytes, node_number }
    }

    pub(crate) fn wire(self) -> TargetInfo {
        let Target { id, node, slot, addr, domain, capacity_bytes, node_number: _ } = self;
        TargetInfo { id, node, slot, addr, domain, capacity_bytes }
    }
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
