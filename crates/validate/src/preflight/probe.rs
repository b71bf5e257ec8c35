//! Asking nodes to measure.

use std::time::Duration;

use isobar_client::Cluster;
use isobar_wire::message::probe::{ProbeReply, ProbeRequest};
use isobar_wire::{Address, Opcode};

/// A measurement is bounded by the node; this is for a node that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why something was not measured of a node.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProbeError {
    /// Nobody wanted it.
    #[error("skipped")]
    Skipped,
    /// It did not answer, or refused; how, in words.
    #[error("{0}")]
    NoAnswer(String),
    /// Its software is too old.
    #[error("the node is of an older release, without probes")]
    OlderRelease,
    /// It answered that it cannot measure this here or now; why, in its words.
    #[error("{0}")]
    NotHere(String),
    /// It answered something else.
    #[error("the node gave an answer of another kind")]
    OtherKind,
    /// One of a pair does not answer.
    #[error("a node does not answer")]
    NodeAway,
    /// It has no target.
    #[error("no target")]
    NoTarget,
    /// This process lost the answer.
    #[error("{0}")]
    Lost(String),
}

/// What asking a node gives.
pub(super) type Probed<T> = Result<T, ProbeError>;

/// Asks nodes. Cheap to clone.
#[derive(Clone)]
pub(super) struct Prober(Cluster);

impl Prober {
    pub fn new(cluster: &Cluster) -> Prober {
        Prober(cluster.clone())
    }

    /// Asks one node.
    pub async fn ask(&self, addr: &Address, request: &ProbeRequest) -> Probed<ProbeReply> {
        match self.0.channels().to(addr).call(Opcode::Probe, request, PATIENCE).await {
            Ok(reply) => Ok(reply),
            Err(isobar_wire::CallError::Refused(isobar_wire::Refusal::Unknown)) => {
                Err(ProbeError::OlderRelease)
            }
            Err(error) => Err(ProbeError::NoAnswer(error.to_string())),
        }
    }
}

/// What a node said instead of what was asked.
pub(super) fn unexpected(reply: ProbeReply) -> ProbeError {
    match reply {
        ProbeReply::Not(why) => ProbeError::NotHere(why),
        _ => ProbeError::OtherKind,
    }
}
