//! What is measured before anything is written to the file system: every node, and every pair of nodes.

mod clock;
mod facts;
mod probe;

use std::collections::BTreeMap;
use std::time::Duration;

use isobar_client::{Cluster, ClusterSpec};
use isobar_wire::Address;
use isobar_wire::message::probe::{DeviceRates, NodeFacts, PathMtu, ProbeReply, ProbeRequest, StreamRate};
use serde::Serialize;

pub use clock::Clock;
pub(crate) use facts::assumptions;
pub use facts::{Sharing, cluster_facts};

use crate::error::{Result, ValidateError};
use crate::matrix::{Matrix, rounds};
use crate::run::Watcher;
use probe::Prober;

/// How long a pair's stream lasts.
const PAIR_MS: u32 = 200;
/// How long all nodes send and receive at once.
const RING_MS: u32 = 1_500;
/// Most time of writing, and of reading, on every device at once.
const DEVICE_MS: u32 = 1_500;
/// How long to look for a metadata leader.
const LEADER_WAIT: Duration = Duration::from_secs(5);

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
    /// What each node sends and receives while all do so at once (bytes per second); none when it was skipped.
    pub ring_bytes_per_second: Option<f64>,
    /// Where the metadata leader listens; none when there is no quorum.
    pub leader_addr: Option<Address>,
}

/// One node.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub addr: Address,
    /// Whether it votes on metadata.
    pub voter: bool,
    /// What it says of itself, or why it says nothing.
    #[serde(serialize_with = "or_error")]
    pub facts: std::result::Result<NodeFacts, String>,
    /// Its clock.
    pub clock: Option<Clock>,
    /// Rates of the devices below its targets while all nodes were measured at once, or why not.
    #[serde(serialize_with = "or_error")]
    pub device: std::result::Result<Vec<DeviceRates>, String>,
}

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
/// [`ValidateError::Failed`] when the secret cannot be read or no node answers.
pub async fn measure(spec: &ClusterSpec, wanted: Wanted, watcher: &dyn Watcher) -> Result<Preflight> {
    let cluster =
        Cluster::from_spec(spec, LEADER_WAIT).map_err(|e| ValidateError::BadInput(e.to_string()))?;
    let prober = Prober::new(&cluster);
    watcher.now("asking every node about itself");
    let leader_addr = cluster.refresh(LEADER_WAIT).await.ok().and_then(|_| cluster.leader_addr());
    let mut nodes = Vec::new();
    for node in &spec.node {
        let facts = match prober.ask(&node.addr, &ProbeRequest::About).await {
            Ok(ProbeReply::About(facts)) => Ok(*facts),
            Ok(other) => Err(probe::unexpected(other)),
            Err(why) => Err(why),
        };
        let clock = if facts.is_ok() { clock::read(&prober, &node.addr).await } else { None };
        nodes.push(Node {
            name: node.name.clone(),
            addr: node.addr.clone(),
            voter: node.voter,
            facts,
            clock,
            device: Err("skipped".to_owned()),
        });
    }
    let answering = nodes.iter().filter(|n| n.facts.is_ok()).count();
    if answering == 0 {
        return Err(ValidateError::Failed(format!(
            "no node of the cluster answers ({}): start them, or check --cluster",
            nodes.first().and_then(|n| n.facts.as_ref().err().cloned()).unwrap_or_default()
        )));
    }
    let sharing = Sharing::of(&nodes);
    watcher.done(&format!("{answering} of {} nodes answer; {}", nodes.len(), sharing.words()));

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
        pairs(&mut preflight, &prober, watcher).await;
        ring(&mut preflight, &prober, watcher).await;
    }
    if wanted.devices {
        devices(&mut preflight, &prober, watcher).await;
    }
    Ok(preflight)
}

/// Every pair: one at a time where nodes share a machine, otherwise a round of pairs that share no node.
async fn pairs(preflight: &mut Preflight, prober: &Prober, watcher: &dyn Watcher) {
    let addrs: Vec<Address> = preflight.nodes.iter().map(|n| n.addr.clone()).collect();
    let up: Vec<bool> = preflight.nodes.iter().map(|n| n.facts.is_ok()).collect();
    let names: Vec<String> = preflight.nodes.iter().map(|n| n.name.clone()).collect();
    let step = if preflight.sharing.is_shared() { 1 } else { usize::MAX };
    let all = rounds(addrs.len());
    let total: usize = all.iter().map(Vec::len).sum();
    let mut done = 0;
    let mut found: Vec<PathMtu> = Vec::new();
    for round in &all {
        for group in round.chunks(step.min(round.len())) {
            let asked = group.iter().map(|&(from, to)| {
                let (prober, source, sink) = (prober.clone(), addrs[from].clone(), addrs[to].clone());
                let both_up = up[from] && up[to];
                tokio::spawn(async move {
                    if !both_up {
                        let why = "a node does not answer".to_owned();
                        return (from, to, Err(why.clone()), Err(why));
                    }
                    let mtu = prober.ask(&source, &ProbeRequest::PathMtu { to: sink.clone() }).await;
                    let stream = ProbeRequest::Stream { to: sink, milliseconds: PAIR_MS };
                    (from, to, mtu, prober.ask(&source, &stream).await)
                })
            });
            for pair in asked.collect::<Vec<_>>() {
                let Ok((from, to, mtu, stream)) = pair.await else { continue };
                let mtu = match mtu {
                    Ok(ProbeReply::PathMtu(mtu)) => {
                        found.push(mtu.clone());
                        Ok(mtu.bytes)
                    }
                    other => Err(why(other)),
                };
                let (rate, trip) = match stream {
                    Ok(ProbeReply::Stream(rate)) => {
                        (Ok(per_second(rate)), Ok(rate.round_trip_ns as f64 / 1e9))
                    }
                    other => {
                        let why = why(other);
                        (Err(why.clone()), Err(why))
                    }
                };
                preflight.mtu_bytes.put(from, to, mtu);
                preflight.throughput.put(from, to, rate);
                preflight.round_trip_seconds.put(from, to, trip);
                done += 1;
                watcher.now(&format!("network: {done} of {total} pairs, {} to {}", names[from], names[to]));
            }
        }
    }
    preflight.mtu_note = mtu_note(&found);
    let median = preflight
        .throughput
        .median()
        .map_or("not measured".to_owned(), |rate| crate::Quantity::Rate(rate).to_string());
    let mtu = preflight.mtu_bytes.median().map_or("not found".to_owned(), |mtu| mtu.to_string());
    watcher.done(&format!("network: {total} pairs, median {median}, path MTU {mtu}"));
}

fn mtu_note(found: &[PathMtu]) -> String {
    let how = "Found with datagrams that may not be fragmented (IP_PMTUDISC_PROBE), each size confirmed by the other node; IP and UDP headers count.";
    let datagrams: u32 = found.iter().map(|m| m.datagrams).sum();
    let loopback = if found.iter().any(|m| m.loopback) {
        " The nodes talk over the loopback interface, whose MTU is 65,536: a datagram has at most 65,535 bytes, so that is what can be confirmed. It says nothing about a network."
    } else {
        ""
    };
    if found.is_empty() { String::new() } else { format!("{how} {datagrams} datagrams were sent.{loopback}") }
}

fn per_second(rate: StreamRate) -> f64 {
    rate.bytes as f64 * 1e9 / rate.nanoseconds.max(1) as f64
}

fn why(outcome: std::result::Result<ProbeReply, String>) -> String {
    outcome.map_or_else(|why| why, probe::unexpected)
}

/// All nodes send to the next one at the same time: what each then sends and receives.
async fn ring(preflight: &mut Preflight, prober: &Prober, watcher: &dyn Watcher) {
    watcher.now("network: all nodes at once");
    let up: Vec<Address> =
        preflight.nodes.iter().filter(|n| n.facts.is_ok()).map(|n| n.addr.clone()).collect();
    if up.len() < 2 {
        return;
    }
    let asked: Vec<_> = (0..up.len())
        .map(|at| {
            let (prober, from, to) = (prober.clone(), up[at].clone(), up[(at + 1) % up.len()].clone());
            tokio::spawn(async move {
                prober.ask(&from, &ProbeRequest::Stream { to, milliseconds: RING_MS }).await
            })
        })
        .collect();
    let mut rates = Vec::new();
    for asked in asked {
        if let Ok(Ok(ProbeReply::Stream(rate))) = asked.await {
            rates.push(per_second(rate));
        }
    }
    if rates.len() == up.len() {
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        preflight.ring_bytes_per_second = Some(mean);
        watcher.done(&format!(
            "network: {} sent and received by each node while all do",
            crate::Quantity::Rate(mean)
        ));
    }
}

/// Devices of all nodes at once: where nodes share a device, each gets its share. Targets of one node one
/// after the other.
async fn devices(preflight: &mut Preflight, prober: &Prober, watcher: &dyn Watcher) {
    watcher.now("devices of all nodes at once");
    let asked: Vec<_> = preflight
        .nodes
        .iter()
        .map(|node| {
            let (prober, addr) = (prober.clone(), node.addr.clone());
            let slots: Vec<u32> =
                node.facts.iter().flat_map(|f| &f.targets).map(|target| target.slot).collect();
            tokio::spawn(async move {
                let mut rates = Vec::new();
                for slot in slots {
                    let device = ProbeRequest::Device { slot, milliseconds: DEVICE_MS };
                    match prober.ask(&addr, &device).await {
                        Ok(ProbeReply::Device(of)) => rates.push(of),
                        other => return Err(why(other)),
                    }
                }
                if rates.is_empty() { Err("no target".to_owned()) } else { Ok(rates) }
            })
        })
        .collect();
    for (at, asked) in asked.into_iter().enumerate() {
        preflight.nodes[at].device = asked.await.unwrap_or_else(|e| Err(e.to_string()));
    }
    let total = |of: fn(&DeviceRates) -> (u64, u64)| -> f64 {
        preflight
            .nodes
            .iter()
            .flat_map(|n| n.device.iter().flatten())
            .map(|d| of(d).0 as f64 * 1e9 / of(d).1.max(1) as f64)
            .sum()
    };
    watcher.done(&match preflight.nodes.iter().find_map(|n| n.device.as_ref().err()) {
        Some(why) => format!("devices: not all measured: {why}"),
        None => format!(
            "devices: {} read, {} written by all nodes at once",
            crate::Quantity::Rate(total(|d| d.read)),
            crate::Quantity::Rate(total(|d| d.written))
        ),
    });
}

/// JSON has the value itself, or an object with `error`.
fn or_error<T: Serialize, S: serde::Serializer>(
    value: &std::result::Result<T, String>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    match value {
        Ok(value) => value.serialize(serializer),
        Err(why) => BTreeMap::from([("error", why)]).serialize(serializer),
    }
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
