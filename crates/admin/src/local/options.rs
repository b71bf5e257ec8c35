//! What is asked for when a cluster on this machine is made.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use isobar_config::{ClusterSpec, NodeConfig, NodeSpec, TARGET_BYTES_MIN, TargetConfig};

use super::error::{LocalError, NODES_MAX, NODES_MIN};
use crate::new_cluster::{NewClusterError, new_cluster, node_config};

/// Log of a local node's metadata group: eight nodes share one disk.
const META_LOG_BYTES: u64 = 128 << 20;

/// A cluster on this machine, as it is asked for. Its nodes are n1, n2, …
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalOptions {
    /// How many nodes: 3 to 64.
    pub nodes: usize,
    /// Size of each node's target; its space is reserved when the node starts for the first time.
    pub target_bytes: u64,
    /// Name of the file system.
    pub name: String,
    /// Data rows (N). Default: as many as the nodes hold, at most 6.
    pub data_rows: Option<u8>,
    /// Parity rows (K). Default: 2, and 1 for less than 5 nodes.
    pub parity_rows: Option<u8>,
}

impl LocalOptions {
    /// Whether there can be such a cluster. Nothing is looked at but the options.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), LocalError> {
        if !(NODES_MIN..=NODES_MAX).contains(&self.nodes) {
            return Err(LocalError::Nodes { nodes: self.nodes });
        }
        if self.target_bytes < TARGET_BYTES_MIN {
            return Err(LocalError::SmallTarget);
        }
        let any_ports: Vec<u16> = (1..).take(self.nodes).collect();
        self.spec(&any_ports).map(drop)
    }

    /// A new cluster like this, a node for each of the ports.
    pub(super) fn spec(&self, ports: &[u16]) -> Result<ClusterSpec, LocalError> {
        let node = |(at, port): (usize, &u16)| NodeSpec {
            name: format!("n{}", at + 1),
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, *port)).into(),
            voter: false,
            domain: String::new(),
        };
        let nodes = ports.iter().enumerate().map(node).collect();
        let parity_rows = self.parity_rows.unwrap_or(if self.nodes >= 5 { 2 } else { 1 });
        Ok(new_cluster(&self.name, nodes, self.data_rows, parity_rows)?)
    }

    /// The configuration of one of its nodes.
    pub(super) fn config(&self, spec: &ClusterSpec, node: &NodeSpec) -> Result<NodeConfig, NewClusterError> {
        let own = PathBuf::from(&node.name);
        let target = TargetConfig { path: own.join("target"), size_bytes: self.target_bytes };
        let mut config = node_config(spec, node, own, vec![target])?;
        // All nodes share this machine.
        config.worker_threads = 1;
        config.meta.log_bytes = META_LOG_BYTES;
        config.orphan_scan_seconds = 10;
        config.compaction.interval_seconds = 2;
        Ok(config)
    }

    /// Whether the cluster in `dir` is what is asked for; rows that nobody asked for may be any.
    pub(super) fn check_same(&self, dir: &Path, spec: &ClusterSpec) -> Result<(), LocalError> {
        let first = spec.node.first().map(|node| dir.join(format!("{}.toml", node.name)));
        let config = first.map(|path| NodeConfig::load(&path)).transpose()?;
        let target_bytes = config.and_then(|config| Some(config.target.first()?.size_bytes)).unwrap_or(0);
        let rows = |rows: Option<u8>, has: u8| (has.to_string(), rows.unwrap_or(has).to_string());
        let all = [
            ("nodes", (spec.node.len().to_string(), self.nodes.to_string())),
            ("name", (spec.name.clone(), self.name.clone())),
            ("data rows", rows(self.data_rows, spec.data_rows)),
            ("parity rows", rows(self.parity_rows, spec.parity_rows)),
            ("target bytes", (target_bytes.to_string(), self.target_bytes.to_string())),
        ];
        match all.into_iter().find(|(_, (has, wanted))| has != wanted) {
            None => Ok(()),
            Some((what, (has, wanted))) => {
                Err(LocalError::OtherOptions { dir: dir.to_owned(), what, has, wanted })
            }
        }
    }
}
