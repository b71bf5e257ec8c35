//! Which nodes run on which machine.

use serde::Serialize;

use super::node::Node;

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
    pub fn describe(&self) -> String {
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
