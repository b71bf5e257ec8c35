//! Asks every node, then measures pairs and devices as far as that is wanted.

use std::time::Duration;

use isobar_client::{Cluster, ClusterSpec, NodeSpec};
use isobar_wire::Role;
use isobar_wire::message::probe::{ProbeReply, ProbeRequest};

use super::findings::Preflight;
use super::node::Node;
use super::probe::{ProbeError, Prober, unexpected};
use super::sharing::Sharing;
use super::{clock, devices, network};
use crate::error::{Result, ValidateError};
use crate::matrix::Matrix;
use crate::watcher::Watcher;

/// How long to look for a metadata leader.
const LEADER_WAIT: Duration = Duration::from_secs(5);

/// What of the pre-flight is wanted; facts and clocks always are.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Throughput and MTU of pairs.
    pub network: bool,
    /// Rates of devices.
    pub devices: bool,
}

/// Measures.
///
/// # Errors
/// [`ValidateError::Cluster`] when the credential cannot be read, [`ValidateError::NoNodeAnswers`].
pub async fn measure(spec: &ClusterSpec, wanted: Wanted, watcher: &dyn Watcher) -> Result<Preflight> {
    let cluster = Cluster::from_spec(spec, Role::Administrator, LEADER_WAIT)
        .map_err(|e| ValidateError::Cluster(e.to_string()))?;
    let prober = Prober::new(&cluster);
    watcher.now("asking every node about itself");
    let leader_addr = cluster.refresh(LEADER_WAIT).await.ok().and_then(|_| cluster.leader_addr());
    let mut nodes = Vec::new();
    for node in &spec.node {
        nodes.push(ask(&prober, node).await);
    }
    let answering = nodes.iter().filter(|n| n.facts.is_ok()).count();
    if answering == 0 {
        let first = nodes.first().and_then(|n| n.facts.as_ref().err()).map(ProbeError::to_string);
        return Err(ValidateError::NoNodeAnswers { first: first.unwrap_or_default() });
    }
    let sharing = Sharing::of(&nodes);
    watcher.done(&format!("{answering} of {} nodes answer; {}", nodes.len(), sharing.describe()));

    let names: Vec<String> = nodes.iter().map(|n| n.name.clone()).collect();
    let mut preflight = Preflight {
        throughput: Matrix::new(names.clone()),
        round_trip_seconds: Matrix::new(names.clone()),
        mtu_bytes: Matrix::new(names),
        mtu_note: String::new(),
        ring_bytes_per_second: None,
        nodes,
        sharing,
        leader_addr,
    };
    if wanted.network {
        network::pairs(&mut preflight, &prober, watcher).await;
        network::ring(&mut preflight, &prober, watcher).await;
    }
    if wanted.devices {
        devices::measure(&mut preflight, &prober, watcher).await;
    }
    Ok(preflight)
}

/// What a node says of itself, and its clock.
async fn ask(prober: &Prober, node: &NodeSpec) -> Node {
    let facts = match prober.ask(&node.addr, &ProbeRequest::About).await {
        Ok(ProbeReply::About(facts)) => Ok(*facts),
        Ok(other) => Err(unexpected(other)),
        Err(why) => Err(why),
    };
    let clock = if facts.is_ok() { clock::read(prober, &node.addr).await } else { None };
    Node {
        name: node.name.clone(),
        addr: node.addr.clone(),
        voter: node.voter,
        facts,
        clock,
        device: Err(ProbeError::Skipped),
    }
}
