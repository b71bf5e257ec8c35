//! Asking nodes to measure.

use std::time::Duration;

use isobar_client::Cluster;
use isobar_wire::message::probe::{ProbeReply, ProbeRequest};
use isobar_wire::{Address, Opcode};

/// A measurement is bounded by the node; this is for a node that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks nodes. Cheap to clone.
#[derive(Clone)]
pub(super) struct Prober(Cluster);

impl Prober {
    pub fn new(cluster: &Cluster) -> Prober {
        Prober(cluster.clone())
    }

    /// Asks one node.
    pub async fn ask(&self, addr: &Address, request: &ProbeRequest) -> Result<ProbeReply, String> {
        match self.0.channels().to(addr).call(Opcode::Probe, request, PATIENCE).await {
            Ok(reply) => Ok(reply),
            Err(isobar_wire::CallError::Refused(isobar_wire::Refusal::Unknown)) => {
                Err("the node is of an older release, without probes".to_owned())
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

/// What a node said instead of what was asked.
pub(super) fn unexpected(reply: ProbeReply) -> String {
    match reply {
        ProbeReply::Not(why) => why,
        _ => "the node gave an answer of another kind".to_owned(),
    }
}
