//! What the model is told of the cluster: the facts the pre-flight measured.

use isobar_client::ClusterSpec;
use isobar_plan::{
    Assumptions, Bytes, BytesPerSecond, ClusterFacts, Code, CodingPath, MachineFacts, PlanError,
};
use serde::Serialize;

use super::{Node, Preflight};

/// Which nodes run on which machine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Sharing {
    /// Machines the answering nodes run on.
    pub machines: u32,
    /// Answering nodes on the machine that has most of them.
    pub nodes_on_one: u32,
    /// Processors of that machine.
    pub processors: u32,
    /// Whether the clients (this process) run on a machine of the nodes.
    pub with_clients: bool,
}

impl Sharing {
    /// By the identity of each running kernel.
    pub(super) fn of(nodes: &[Node]) -> Sharing {
        let here = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let all: Vec<(&str, u32)> = nodes
            .iter()
            .filter_map(|n| n.facts.as_ref().ok())
            .map(|f| (f.boot_id.as_str(), f.processors))
            .collect();
        let mut machines: Vec<&str> = all.iter().map(|(id, _)| *id).collect();
        machines.sort_unstable();
        machines.dedup();
        let count = |id: &str| all.iter().filter(|(of, _)| *of == id).count() as u32;
        let most = machines.iter().copied().max_by_key(|id| count(id)).unwrap_or_default();
        Sharing {
            machines: machines.len() as u32,
            nodes_on_one: count(most),
            processors: all.iter().find(|(id, _)| *id == most).map_or(0, |(_, cpus)| *cpus),
            with_clients: machines.contains(&here.trim()),
        }
    }

    /// Whether several nodes, or a node and the clients, share a machine.
    pub fn is_shared(&self) -> bool {
        self.nodes_on_one > 1
    }

    /// In words.
    pub fn words(&self) -> String {
        let clients = if self.with_clients { ", with the clients" } else { "" };
        match (self.is_shared(), self.machines) {
            (false, machines) => format!("each on a machine of its own ({machines}){clients}"),
            (true, 1) => {
                format!("all on one machine with {} processors{clients}", self.processors)
            }
            (true, machines) => {
                format!("on {machines} machines, up to {} on one{clients}", self.nodes_on_one)
            }
        }
    }
}

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
    let device = |of: fn(&isobar_wire::message::probe::DeviceRates) -> (u64, u64)| {
        let rate = |node: &&Node| {
            let rates = node.device.as_ref().ok()?;
            Some(rates.iter().map(|d| of(d).0 as f64 * 1e9 / of(d).1.max(1) as f64).sum())
        };
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
