//! Throughput to another node: messages with payloads of 1 MiB over a connection of the node's own
//! protocol, which the other node drops.

use std::time::{Duration, Instant};

use bytes::Bytes;
use isobar_wire::message::probe::{ProbeReply, ProbeRequest, StreamRate};
use isobar_wire::{Address, Opcode};

use crate::context::NodeContext;

const PAYLOAD_BYTES: usize = 1 << 20;
/// Messages under way at a time.
const UNDER_WAY: usize = 8;
const TIME_MAX: Duration = Duration::from_secs(10);
/// A fast link is measured well before this many bytes.
const BYTES_MAX: u64 = 64 << 30;
const PATIENCE: Duration = Duration::from_secs(5);
const ROUND_TRIPS: u32 = 20;

/// Sends for a while and counts what was confirmed.
pub(super) async fn rate(node: &NodeContext, to: &Address, milliseconds: u32) -> Result<StreamRate, String> {
    if !node.spec.node.iter().any(|n| n.addr == *to) {
        return Err(format!("{to} is not a node of this cluster"));
    }
    let channel = node.cluster.channels().to(to);
    let ask = move |payload: Vec<Bytes>| {
        let channel = channel.clone();
        async move {
            let sunk = channel.call_with_payload(Opcode::Probe, &ProbeRequest::Sink, payload, PATIENCE);
            match sunk.await {
                Ok((ProbeReply::Sunk, _)) => Ok(()),
                Ok(_) => Err("an answer of another kind".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        }
    };
    ask(Vec::new()).await?;
    let mut round_trip = Duration::MAX;
    for _ in 0..ROUND_TRIPS {
        let begun = Instant::now();
        ask(Vec::new()).await?;
        round_trip = round_trip.min(begun.elapsed());
    }
    let payload = Bytes::from(vec![0xA5; PAYLOAD_BYTES]);
    let limit = Duration::from_millis(milliseconds.into()).min(TIME_MAX);
    let begun = Instant::now();
    let mut lanes = tokio::task::JoinSet::new();
    for _ in 0..UNDER_WAY {
        let (ask, payload) = (ask.clone(), payload.clone());
        lanes.spawn(async move {
            let mut bytes = 0u64;
            while begun.elapsed() < limit && bytes < BYTES_MAX / UNDER_WAY as u64 {
                ask(vec![payload.clone()]).await?;
                bytes += PAYLOAD_BYTES as u64;
            }
            Ok::<u64, String>(bytes)
        });
    }
    let mut bytes = 0;
    while let Some(lane) = lanes.join_next().await {
        bytes += lane.map_err(|e| e.to_string())??;
    }
    Ok(StreamRate {
        bytes,
        nanoseconds: begun.elapsed().as_nanos() as u64,
        round_trip_ns: round_trip.as_nanos() as u64,
    })
}
