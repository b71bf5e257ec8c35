//! A cluster in one process. Nodes can be stopped, started again and lose their disks.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_base::{BufPool, ClusterId};
use isobar_cluster::{Cluster, Session};
use isobar_config::{
    ClusterSpec, CompactionConfig, MetaConfig, NodeConfig, NodeSpec, RebuildConfig, ScrubConfig, TargetConfig,
};
use isobar_segments::Segments;
use isobar_server::{Node, ServerError};
use isobar_wire::message::cluster::{ClusterView, NodeStatus};
use isobar_wire::transport::{MemoryNetwork, Tcp, Transport};
use isobar_wire::{Address, CallError, Channels, CredentialSet, Opcode, Role};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::devices::FaultyDevices;

/// One second.
pub const SECOND: Duration = Duration::from_secs(1);
/// Who asks through [`TestCluster::access`], as the network in memory knows it.
const TEST_HOST: &str = "test";
/// How long a call waits for a quorum, and the cluster for what a test waits for.
const QUORUM_WAIT: Duration = Duration::from_secs(10);
const WAIT_MAX: Duration = Duration::from_secs(30);

/// What a cluster's nodes talk over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Over {
    /// TCP on the loopback.
    Tcp,
    /// A network in memory: node `at` is the host `node{at}` of [`TestCluster::network`].
    Memory,
}

/// A cluster in this process.
pub struct TestCluster {
    /// Where its files are, removed with it.
    pub dir: TempDir,
    /// Its cluster file.
    pub spec: ClusterSpec,
    /// Access to it, as a node has it.
    pub access: Cluster,
    /// The disks of its nodes.
    pub devices: FaultyDevices,
    network: Option<MemoryNetwork>,
    nodes: Vec<Option<(Runtime, Node)>>,
}

impl TestCluster {
    /// Configured, nothing started. The first `voters` nodes vote.
    pub fn prepare(over: Over, nodes: usize, voters: usize, data_rows: u8, parity_rows: u8) -> TestCluster {
        let dir = tempfile::tempdir().unwrap();
        let cluster = ClusterId(isobar_base::random_u64());
        CredentialSet::generate(cluster).unwrap().store(dir.path()).unwrap();
        let addrs: Vec<Address> = match over {
            // Held together, so that all ports differ.
            Over::Tcp => {
                let ports: Vec<_> =
                    (0..nodes).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
                ports.iter().map(|port| port.local_addr().unwrap().into()).collect()
            }
            Over::Memory => (0..nodes).map(|at| format!("{}:7420", host(at)).parse().unwrap()).collect(),
        };
        let node = addrs.into_iter().enumerate().map(|(at, addr)| NodeSpec {
            name: host(at),
            addr,
            voter: at < voters,
            domain: String::new(),
        });
        let spec = ClusterSpec {
            version: 1,
            cluster: cluster.to_string(),
            name: "test".to_owned(),
            data_rows,
            parity_rows,
            credentials: ".".into(),
            encrypt: false,
            node: node.collect(),
            base: dir.path().to_owned(),
        };
        std::fs::write(dir.path().join("cluster.toml"), spec.to_toml().unwrap()).unwrap();
        let network = (over == Over::Memory).then(MemoryNetwork::new);
        let access = access_to(&spec, Role::Node, transport(&network, TEST_HOST));
        let nodes = (0..nodes).map(|_| None).collect();
        TestCluster { dir, spec, access, devices: FaultyDevices::default(), network, nodes }
    }

    /// All nodes started and placement built.
    pub async fn start(
        over: Over,
        nodes: usize,
        voters: usize,
        data_rows: u8,
        parity_rows: u8,
    ) -> TestCluster {
        let mut cluster = TestCluster::prepare(over, nodes, voters, data_rows, parity_rows);
        for at in 0..nodes {
            cluster.start_node(at).await.unwrap();
        }
        cluster.wait_for(|view| !view.map.groups.is_empty() && view.live.iter().all(|l| l.up)).await;
        cluster
    }

    /// The network of a cluster [`Over::Memory`].
    pub fn network(&self) -> &MemoryNetwork {
        self.network.as_ref().expect("the cluster is over TCP")
    }

    /// A client's access to the cluster, with connections of its own, from a host with this name.
    pub fn access_from(&self, host: &str) -> Cluster {
        self.access_as(Role::Client, host)
    }

    /// Access to the cluster in a role, with connections of its own, from a host with this name.
    pub fn access_as(&self, role: Role, host: &str) -> Cluster {
        access_to(&self.spec, role, transport(&self.network, host))
    }

    /// The configuration of a node: small, and quick in whatever takes its time.
    pub fn config(&self, at: usize) -> NodeConfig {
        NodeConfig {
            version: 1,
            cluster: self.spec.cluster.clone(),
            node: host(at),
            listen: self.spec.node[at].addr.clone(),
            data_dir: host(at).into(),
            domain: String::new(),
            cluster_file: "cluster.toml".into(),
            voter: self.spec.node[at].voter,
            worker_threads: 1,
            heartbeat_ms: 100,
            orphan_scan_seconds: 3600,
            meta: MetaConfig { log_bytes: 16 << 20, log_prewrite: false, ..MetaConfig::default() },
            compaction: CompactionConfig {
                interval_seconds: 1,
                dead_target_seconds: 3,
                ..CompactionConfig::default()
            },
            rebuild: RebuildConfig::default(),
            scrub: ScrubConfig::default(),
            target: vec![TargetConfig { path: self.target_path(at), size_bytes: 64 << 20 }],
            base: self.dir.path().to_owned(),
        }
    }

    /// The file that is the target of a node.
    pub fn target_path(&self, at: usize) -> PathBuf {
        self.dir.path().join(host(at)).with_extension("target")
    }

    /// Starts a node.
    ///
    /// # Errors
    /// Of the node.
    pub async fn start_node(&mut self, at: usize) -> Result<(), ServerError> {
        let config = self.config(at);
        self.start_with(at, config).await
    }

    /// Starts a node with another configuration.
    ///
    /// # Errors
    /// Of the node.
    pub async fn start_with(&mut self, at: usize, config: NodeConfig) -> Result<(), ServerError> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (transport, devices) = (transport(&self.network, &host(at)), Arc::new(self.devices.clone()));
        match runtime.spawn(Node::start_with(config, transport, devices)).await.unwrap() {
            Ok(node) => {
                self.nodes[at] = Some((runtime, node));
                Ok(())
            }
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Stops a node, if it runs.
    pub async fn stop_node(&mut self, at: usize) {
        let Some((runtime, node)) = self.nodes[at].take() else { return };
        runtime.spawn(node.stop()).await.unwrap();
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(SECOND)).await.unwrap();
    }

    /// The node's disks are gone; the node must be stopped.
    pub fn lose_disks(&self, at: usize) {
        std::fs::remove_file(self.target_path(at)).unwrap();
        let data = self.dir.path().join(host(at));
        if data.exists() {
            std::fs::remove_dir_all(data).unwrap();
        }
    }

    /// A node that runs.
    pub fn node(&self, at: usize) -> &Node {
        &self.nodes[at].as_ref().unwrap().1
    }

    /// How a node is, as it sees itself.
    pub async fn status(&self, at: usize) -> NodeStatus {
        let channel = self.access.channels().to(&self.spec.node[at].addr);
        let begun = Instant::now();
        loop {
            match channel.call(Opcode::NodeStatus, &(), SECOND).await {
                Ok(status) => return status,
                // The channel remembers for a moment that the node was away.
                Err(CallError::Unreachable { .. }) if begun.elapsed() < SECOND => {
                    tokio::time::sleep(SECOND / 20).await;
                }
                Err(error) => panic!("no status: {error}"),
            }
        }
    }

    /// Which node leads, as far as the first one that runs knows.
    pub fn leader(&self) -> Option<usize> {
        let running = self.nodes.iter().flatten();
        let leader = running.filter_map(|(_, node)| node.status().meta?.leader).next()?;
        self.spec.node.iter().position(|n| n.name == leader)
    }

    /// The cluster as the leader sees it.
    pub async fn view(&self) -> ClusterView {
        self.access.refresh(QUORUM_WAIT).await.unwrap()
    }

    /// Waits until the cluster looks good.
    pub async fn wait_for(&self, good: impl Fn(&ClusterView) -> bool) -> ClusterView {
        let begun = Instant::now();
        loop {
            if let Ok(view) = self.access.refresh(SECOND).await
                && good(&view)
            {
                return view;
            }
            assert!(
                begun.elapsed() < WAIT_MAX,
                "the cluster does not get there: {:?}",
                self.access.view().known()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Rows on all running nodes.
    pub async fn rows(&self) -> usize {
        let mut rows = 0;
        for at in 0..self.nodes.len() {
            if self.nodes[at].is_some() {
                rows += self.rows_of(at).await.len();
            }
        }
        rows
    }

    /// Rows on a node that runs.
    pub async fn rows_of(&self, at: usize) -> Vec<isobar_base::FragmentKey> {
        use isobar_wire::message::storage::{ListReply, ListRequest};
        let mut keys = Vec::new();
        for (target, _) in self.status(at).await.targets {
            let request = ListRequest { target: target.id, after: None, limit: 4096 };
            let channel = self.access.channels().to(&self.spec.node[at].addr);
            let reply: ListReply = channel.call(Opcode::List, &request, SECOND).await.unwrap();
            keys.extend(reply.rows.into_iter().map(|(key, _)| key));
        }
        keys
    }

    /// A new session.
    pub async fn session(&self) -> Session {
        Session::open(self.access.clone(), "test").await.unwrap()
    }

    /// Segments of a client that hears what the cluster hears.
    pub fn segments(&self) -> Segments {
        Segments::new(self.access.clone())
    }

    /// Segments of a client that knows the cluster as it is now and hears nothing more of it.
    pub async fn segments_with_the_map_of_now(&self) -> Segments {
        let access = self.access_from(TEST_HOST);
        access.refresh(QUORUM_WAIT).await.unwrap();
        Segments::new(access)
    }
}

fn host(at: usize) -> String {
    format!("node{at}")
}

fn transport(network: &Option<MemoryNetwork>, host: &str) -> Arc<dyn Transport> {
    network.as_ref().map_or_else(|| Arc::new(Tcp) as Arc<dyn Transport>, |network| network.at(host))
}

fn access_to(spec: &ClusterSpec, role: Role, transport: Arc<dyn Transport>) -> Cluster {
    let channels = Channels::with_transport(transport, spec.credential(role).unwrap(), BufPool::new(8 << 20));
    Cluster::new(channels, spec.node.iter().map(|n| n.addr.clone()).collect(), QUORUM_WAIT)
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        for (runtime, node) in self.nodes.drain(..).flatten() {
            drop(node);
            runtime.shutdown_background();
        }
    }
}

/// Waits until something is so.
pub async fn eventually(what: &str, mut good: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !good().await {
        assert!(begun.elapsed() < WAIT_MAX, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
