//! What the pre-flight found.

use std::collections::BTreeMap;

use isobar_wire::Address;
use isobar_wire::message::probe::NodeFacts;
use serde::Serialize;

use super::node::Node;
use super::sharing::Sharing;
use crate::matrix::Matrix;

/// What the pre-flight found.
#[derive(Clone, Debug, Serialize)]
pub struct Preflight {
    /// Every node of the cluster file, in its order.
    pub nodes: Vec<Node>,
    /// Whether nodes share machines, or the client's.
    pub sharing: Sharing,
    /// Throughput of every pair, one pair after the other (bytes per second).
    pub throughput: Matrix<f64>,
    /// Round trip of every pair (seconds).
    pub round_trip_seconds: Matrix<f64>,
    /// Path MTU of every pair (bytes).
    pub mtu_bytes: Matrix<u32>,
    /// How the path MTU is to be read, in words.
    pub mtu_note: String,
    /// What each node sends and receives while all do so at once (bytes per second); none when it was
    /// skipped.
    pub ring_bytes_per_second: Option<f64>,
    /// Where the metadata leader listens; none when there is no quorum.
    pub leader_addr: Option<Address>,
}

impl Preflight {
    /// Facts of the nodes that answer, by name.
    pub fn facts(&self) -> BTreeMap<&str, &NodeFacts> {
        self.nodes.iter().filter_map(|n| Some((n.name.as_str(), n.facts.as_ref().ok()?))).collect()
    }

    /// Seconds between the earliest and the latest clock; none when fewer than two are known.
    pub fn clock_spread_seconds(&self) -> Option<f64> {
        let offsets: Vec<f64> = self.nodes.iter().filter_map(|n| Some(n.clock?.offset_seconds)).collect();
        let least = offsets.iter().copied().fold(f64::INFINITY, f64::min);
        let most = offsets.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (offsets.len() > 1).then_some(most - least)
    }
}
