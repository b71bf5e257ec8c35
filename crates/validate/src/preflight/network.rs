//! Throughput, round trip and path MTU of every pair; and what each node moves while all do.

use isobar_wire::Address;
use isobar_wire::message::probe::{PathMtu, ProbeReply, ProbeRequest, StreamRate};

use super::findings::Preflight;
use super::probe::{ProbeError, Probed, Prober, unexpected};
use crate::matrix::rounds;
use crate::quantity::Quantity;
use crate::watcher::Watcher;

/// How long a pair's stream lasts.
const PAIR_MS: u32 = 200;
/// How long all nodes send and receive at once.
const RING_MS: u32 = 1_500;

/// What was measured of one pair.
struct Pair {
    from: usize,
    to: usize,
    mtu: Probed<PathMtu>,
    stream: Probed<StreamRate>,
}

/// Every pair: one at a time where nodes share a machine, otherwise a round of pairs that share no node.
pub(super) async fn pairs(preflight: &mut Preflight, prober: &Prober, watcher: &dyn Watcher) {
    let names: Vec<String> = preflight.nodes.iter().map(|n| n.name.clone()).collect();
    let step = if preflight.sharing.is_shared() { 1 } else { usize::MAX };
    let all = rounds(names.len());
    let total: usize = all.iter().map(Vec::len).sum();
    let mut done = 0;
    let mut found: Vec<PathMtu> = Vec::new();
    for round in &all {
        for group in round.chunks(step.min(round.len())) {
            let asked: Vec<_> =
                group.iter().map(|&(from, to)| tokio::spawn(pair(preflight, prober, from, to))).collect();
            for pair in asked {
                let Ok(Pair { from, to, mtu, stream }) = pair.await else { continue };
                found.extend(mtu.iter().cloned());
                preflight.mtu_bytes.put(from, to, mtu.map(|mtu| mtu.bytes));
                let trip = stream.clone().map(|rate| rate.round_trip_ns as f64 / 1e9);
                preflight.throughput.put(from, to, stream.map(per_second));
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
        .map_or("not measured".to_owned(), |rate| Quantity::Rate(rate).to_string());
    let mtu = preflight.mtu_bytes.median().map_or("not found".to_owned(), |mtu| mtu.to_string());
    watcher.done(&format!("network: {total} pairs, median {median}, path MTU {mtu}"));
}

/// Measures one pair, in a task of its own.
fn pair(
    preflight: &Preflight,
    prober: &Prober,
    from: usize,
    to: usize,
) -> impl Future<Output = Pair> + Send + use<> {
    let (source, sink) = (&preflight.nodes[from], &preflight.nodes[to]);
    let both_up = source.facts.is_ok() && sink.facts.is_ok();
    let (prober, source, sink) = (prober.clone(), source.addr.clone(), sink.addr.clone());
    async move {
        if !both_up {
            let (mtu, stream) = (Err(ProbeError::NodeAway), Err(ProbeError::NodeAway));
            return Pair { from, to, mtu, stream };
        }
        let mtu = match prober.ask(&source, &ProbeRequest::PathMtu { to: sink.clone() }).await {
            Ok(ProbeReply::PathMtu(mtu)) => Ok(mtu),
            other => Err(failure(other)),
        };
        let stream = ProbeRequest::Stream { to: sink, milliseconds: PAIR_MS };
        let stream = match prober.ask(&source, &stream).await {
            Ok(ProbeReply::Stream(rate)) => Ok(rate),
            other => Err(failure(other)),
        };
        Pair { from, to, mtu, stream }
    }
}

fn failure(outcome: Probed<ProbeReply>) -> ProbeError {
    outcome.map_or_else(|why| why, unexpected)
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

/// All nodes send to the next one at the same time: what each then sends and receives.
pub(super) async fn ring(preflight: &mut Preflight, prober: &Prober, watcher: &dyn Watcher) {
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
        watcher
            .done(&format!("network: {} sent and received by each node while all do", Quantity::Rate(mean)));
    }
}
