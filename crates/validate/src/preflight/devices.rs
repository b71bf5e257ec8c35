//! Rates of the devices below the targets, of all nodes at once: where nodes share a device, each gets its
//! share.

use isobar_wire::message::probe::{DeviceRates, ProbeReply, ProbeRequest};

use super::findings::Preflight;
use super::node::device_rate;
use super::probe::{ProbeError, Prober, unexpected};
use crate::quantity::Quantity;
use crate::watcher::Watcher;

/// Most time of writing, and of reading, on every device at once.
const DEVICE_MS: u32 = 1_500;

/// Measures all nodes at once, targets of one node one after the other.
pub(super) async fn measure(preflight: &mut Preflight, prober: &Prober, watcher: &dyn Watcher) {
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
                        Ok(other) => return Err(unexpected(other)),
                        Err(why) => return Err(why),
                    }
                }
                if rates.is_empty() { Err(ProbeError::NoTarget) } else { Ok(rates) }
            })
        })
        .collect();
    for (at, asked) in asked.into_iter().enumerate() {
        preflight.nodes[at].device = asked.await.unwrap_or_else(|e| Err(ProbeError::Lost(e.to_string())));
    }
    let total = |of: fn(&DeviceRates) -> (u64, u64)| -> f64 {
        preflight.nodes.iter().flat_map(|n| &n.device).map(|devices| device_rate(devices, of)).sum()
    };
    watcher.done(&match preflight.nodes.iter().find_map(|n| n.device.as_ref().err()) {
        Some(why) => format!("devices: not all measured: {why}"),
        None => format!(
            "devices: {} read, {} written by all nodes at once",
            Quantity::Rate(total(|d| d.read)),
            Quantity::Rate(total(|d| d.written))
        ),
    });
}
