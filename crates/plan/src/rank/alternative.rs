//! The answer to a request: alternatives with everything that is known of them.

use serde::Serialize;

use super::reach::Reach;
use crate::code::Code;
use crate::inputs::Request;
use crate::limits::TARGETS_MAX;
use crate::machine::Machine;
use crate::model::{Limit, Need};
use crate::predict::Prediction;
use crate::rebuild::Rebuild;
use crate::survive::Survival;
use crate::units::Bytes;

/// One way to do what was asked.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Alternative {
    /// The size.
    pub machine: Machine,
    /// The code: the one asked for, or one that fits the nodes or survives a fault domain.
    pub code: Code,
    /// How many. At least so many when `unknown` is not empty.
    pub nodes: u32,
    /// What sets the number of nodes; when that was given, what sets the reach. [`Limit::Metadata`] when no
    /// number of nodes does it.
    pub limit: Limit,
    /// Nodes with all of the documented rates and none left free.
    pub nodes_at_line_rate: u32,
    /// Nodes when clients code.
    pub nodes_coded_in_clients: u32,
    /// Nodes when gateways on the same nodes code.
    pub nodes_through_gateways: u32,
    /// All limits of machines, the binding one first.
    pub needs: Vec<Need>,
    /// Quota needed; `None` when the size's is not known.
    pub vcpus: Option<u64>,
    /// So many vCPUs more than the quota.
    pub over_quota_vcpus: u64,
    /// Raw capacity.
    pub raw_bytes: Option<Bytes>,
    /// Capacity for files, large and small in the proportion asked for, after parity and reserve.
    pub usable_bytes: Option<Bytes>,
    /// What it reaches with all nodes.
    pub reach: Option<Reach>,
    /// The same by the hardware alone.
    pub reach_at_line_rate: Option<Reach>,
    /// What it reaches with K nodes away, new data written narrower where it must.
    pub reach_degraded: Option<Reach>,
    /// What it reaches in each thing alone.
    pub prediction: Option<Prediction>,
    /// Whether it does what was asked: `false` when it is over the quota, has more nodes than
    /// [`TARGETS_MAX`], or needs more than the [`METADATA_GROUPS`](crate::limits::METADATA_GROUPS) there are.
    pub meets_targets: bool,
    /// Metadata groups needed.
    pub metadata_groups: u32,
    /// What it survives.
    pub survival: Survival,
    /// How long a full node takes to come back.
    pub rebuild: Option<Rebuild>,
    /// What eight nodes of this size would show.
    pub eight_nodes: Option<Prediction>,
    /// What their hardware alone would.
    pub eight_nodes_at_line_rate: Option<Prediction>,
    /// Facts that are not known and so set no limit.
    pub unknown: Vec<&'static str>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// A size that was not planned with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LeftOut {
    /// Its name, marked when it is not confirmed.
    pub size: String,
    /// Why.
    pub why: String,
}

/// The answer to a request.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Plan {
    /// What was asked.
    pub request: Request,
    /// Alternatives, the best first. Never empty.
    pub alternatives: Vec<Alternative>,
    /// Sizes of the catalogue that were not planned with.
    pub left_out: Vec<LeftOut>,
}

impl Alternative {
    /// Whether there are more nodes than a cluster can have.
    pub(super) fn has_too_many_nodes(&self) -> bool {
        u64::from(self.nodes) > TARGETS_MAX
    }
}
