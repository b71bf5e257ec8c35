//! What the model is told of the cluster: the facts the pre-flight measured.

use isobar_client::ClusterSpec;
use isobar_plan::{
    Assumptions, Bytes, BytesPerSecond, ClusterFacts, Code, CodingPath, MachineFacts, PlanError,
};
use isobar_wire::message::probe::DeviceRates;

use super::findings::Preflight;
use super::node::{Node, device_rate};
use super::sharing::Sharing;

/// The facts of one node (the weakest of each kind, since rows go to all alike) and of the cluster.
///
/// # Errors
/// [`PlanError`] when the cluster file names no code the format has.
pub fn cluster_facts(
    spec: &ClusterSpec,
    preflight: &Preflight,
    small_file_bytes: u64,
) -> Result<ClusterFacts, PlanError> {
    let nodes: Vec<&Node> = preflight.nodes.iter().filter(|n| n.facts.is_ok()).collect();
    let least = |values: Vec<Option<f64>>| {
        values
            .into_iter()
            .try_fold(f64::INFINITY, |least, value| Some(least.min(value?)))
            .filter(|v| v.is_finite())
    };
    let device = |of: fn(&DeviceRates) -> (u64, u64)| {
        let rate = |node: &&Node| Some(device_rate(node.device.as_ref().ok()?, of));
        least(nodes.iter().map(rate).collect()).map(BytesPerSecond)
    };
    let on_machine = |boot_id: &str| {
        nodes.iter().filter(|n| n.facts.as_ref().is_ok_and(|f| f.boot_id == boot_id)).count().max(1)
    };
    let processors =
        |n: &&Node| n.facts.as_ref().ok().map(|f| f64::from(f.processors) / on_machine(&f.boot_id) as f64);
    let capacity =
        |n: &&Node| n.facts.as_ref().ok().map(|f| f.targets.iter().map(|t| t.bytes as f64).sum::<f64>());
    let network = preflight.ring_bytes_per_second.map(BytesPerSecond);
    let count = nodes.len() as u32;
    let code = Code::new(spec.data_rows, spec.parity_rows)?;
    Ok(ClusterFacts {
        machine: MachineFacts {
            vcpus: least(nodes.iter().map(processors).collect()),
            nvme_bytes: least(nodes.iter().map(capacity).collect()).map(|b| Bytes(b as u64)),
            nvme_read_bytes_per_second: device(|d| d.read),
            nvme_write_bytes_per_second: device(|d| d.written),
            network_out_bytes_per_second: network,
            network_in_bytes_per_second: network,
        },
        nodes: count,
        // With nodes missing new data is written narrower.
        code: code.on(count).unwrap_or(code),
        path: CodingPath::Clients,
        metadata_groups: 1,
        small_file_bytes: Bytes(small_file_bytes),
        clients: None,
    })
}

/// The model's numbers, with what is known of this cluster: where the clients share the nodes' machine, all
/// of the processor time falls on it.
pub(crate) fn assumptions(sharing: &Sharing) -> Assumptions {
    let mut assumptions = Assumptions::built_in();
    if sharing.with_clients && sharing.machines == 1 {
        assumptions.node_share = 1.0;
    }
    assumptions
}
