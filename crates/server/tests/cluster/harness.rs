//! A cluster in one process. Nodes can be stopped, started again and lose their disks.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use isobar_base::{BufPool, ClusterId, Ino, SessionId};
use isobar_cluster::{Cluster, Session};
use isobar_config::{
    ClusterSpec, CompactionConfig, MetaConfig, NodeConfig, NodeSpec, RebuildConfig, ScrubConfig, TargetConfig,
};
use isobar_segments::Segments;
use isobar_server::{Node, ServerError};
use isobar_wire::message::cluster::{ClusterView, NodeStatus};
use isobar_wire::message::files::{Attr, Extent, FileKind, Source};
use isobar_wire::message::ops::{Commit, NewSegment, Op, OpReply};
use isobar_wire::{Channels, Opcode, Secret};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub const SECOND: Duration = Duration::from_secs(1);

pub struct TestCluster {
    pub dir: TempDir,
    pub spec: ClusterSpec,
    pub access: Cluster,
    nodes: Vec<Option<(Runtime, Node)>>,
}

impl TestCluster {
    /// Configured, nothing started.
    pub fn prepare(nodes: usize, voters: usize, data_rows: u8, parity_rows: u8) -> TestCluster {
        let dir = tempfile::tempdir().unwrap();
        let cluster = ClusterId(isobar_base::random_u64());
        let secret = Secret::generate(cluster);
        secret.store(&dir.path().join("secret")).unwrap();
        let ports: Vec<_> = (0..nodes).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let node = ports.iter().enumerate().map(|(at, port)| NodeSpec {
            name: format!("node{at}"),
            addr: port.local_addr().unwrap().into(),
            voter: at < voters,
            domain: String::new(),
        });
        let spec = ClusterSpec {
            version: 1,
            cluster: cluster.to_string(),
            name: "test".to_owned(),
            data_rows,
            parity_rows,
            secret_file: "secret".into(),
            node: node.collect(),
            base: dir.path().to_owned(),
        };
        std::fs::write(dir.path().join("cluster.toml"), spec.to_toml().unwrap()).unwrap();
        let access = access_to(&spec, secret);
        TestCluster { dir, spec, access, nodes: (0..nodes).map(|_| None).collect() }
    }

    /// All nodes started and placement built.
    pub async fn start(nodes: usize, voters: usize, data_rows: u8, parity_rows: u8) -> TestCluster {
        let mut cluster = TestCluster::prepare(nodes, voters, data_rows, parity_rows);
        for at in 0..nodes {
            cluster.start_node(at).await.unwrap();
        }
        cluster.wait_for(|view| !view.map.groups.is_empty() && view.live.iter().all(|l| l.up)).await;
        cluster
    }

    pub fn config(&self, at: usize) -> NodeConfig {
        NodeConfig {
            version: 1,
            cluster: self.spec.cluster.clone(),
            node: format!("node{at}"),
            listen: self.spec.node[at].addr.clone(),
            data_dir: format!("node{at}").into(),
            domain: String::new(),
            secret_file: "secret".into(),
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

    pub fn target_path(&self, at: usize) -> PathBuf {
        self.dir.path().join(format!("node{at}.target"))
    }

    pub async fn start_node(&mut self, at: usize) -> Result<(), ServerError> {
        let config = self.config(at);
        self.start_with(at, config).await
    }

    pub async fn start_with(&mut self, at: usize, config: NodeConfig) -> Result<(), ServerError> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        match runtime.spawn(Node::start(config)).await.unwrap() {
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

    pub async fn stop_node(&mut self, at: usize) {
        let Some((runtime, node)) = self.nodes[at].take() else { return };
        runtime.spawn(node.stop()).await.unwrap();
        tokio::task::spawn_blocking(move || runtime.shutdown_timeout(SECOND)).await.unwrap();
    }

    /// The node's disks are gone; the node must be stopped.
    pub fn lose_disks(&self, at: usize) {
        std::fs::remove_file(self.target_path(at)).unwrap();
        let data = self.dir.path().join(format!("node{at}"));
        if data.exists() {
            std::fs::remove_dir_all(data).unwrap();
        }
    }

    pub fn node(&self, at: usize) -> &Node {
        &self.nodes[at].as_ref().unwrap().1
    }

    pub async fn status(&self, at: usize) -> NodeStatus {
        let channel = self.access.channels().to(&self.spec.node[at].addr);
        channel.call(Opcode::NodeStatus, &(), SECOND).await.unwrap()
    }

    pub fn leader(&self) -> Option<usize> {
        let running = self.nodes.iter().flatten();
        let leader = running.filter_map(|(_, node)| node.status().meta?.leader).next()?;
        self.spec.node.iter().position(|n| n.name == leader)
    }

    pub async fn view(&self) -> ClusterView {
        self.access.refresh(10 * SECOND).await.unwrap()
    }

    pub async fn wait_for(&self, good: impl Fn(&ClusterView) -> bool) -> ClusterView {
        let begun = Instant::now();
        loop {
            if let Ok(view) = self.access.refresh(SECOND).await
                && good(&view)
            {
                return view;
            }
            assert!(
                begun.elapsed() < 30 * SECOND,
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

    pub async fn session(&self) -> Session {
        Session::open(self.access.clone(), "test").await.unwrap()
    }

    pub fn segments(&self) -> Segments {
        Segments::new(self.access.clone())
    }

    /// Segments of a client that knows the cluster as it is now and hears nothing more of it.
    pub async fn segments_with_the_map_of_now(&self) -> Segments {
        let access = access_to(&self.spec, self.spec.secret().unwrap());
        access.refresh(10 * SECOND).await.unwrap();
        Segments::new(access)
    }
}

fn access_to(spec: &ClusterSpec, secret: Secret) -> Cluster {
    let channels = Channels::new(secret, BufPool::new(8 << 20));
    Cluster::new(channels, spec.node.iter().map(|n| n.addr.clone()).collect(), 10 * SECOND)
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        for (runtime, node) in self.nodes.drain(..).flatten() {
            drop(node);
            runtime.shutdown_background();
        }
    }
}

pub async fn eventually(what: &str, mut good: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !good().await {
        assert!(begun.elapsed() < 30 * SECOND, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub async fn create(session: &Session, name: &str) -> Attr {
    let op = Op::Create {
        parent: Ino::ROOT,
        name: name.into(),
        kind: FileKind::File,
        mode: 0o644,
        uid: 0,
        gid: 0,
        rdev: 0,
        target: Vec::new(),
        exclusive: true,
        born: None,
    };
    match session.mutate(op).await.unwrap() {
        OpReply::Entry { attr, .. } => attr,
        other => panic!("{other:?}"),
    }
}

pub async fn unlink(session: &Session, name: &str, ino: Ino) {
    let op = Op::Unlink { parent: Ino::ROOT, name: name.into(), closed_here: Some(ino), at: None };
    session.mutate(op).await.unwrap();
}

/// Writes `data` at `offset` as one segment and commits it.
pub async fn write(
    session: &Session,
    segments: &Segments,
    attr: &Attr,
    offset: u64,
    data: Vec<u8>,
) -> NewSegment {
    let len = data.len() as u64;
    let segment = segments.write(session, data.into()).await.unwrap();
    let extent = Extent { offset, len, source: Source::Segment { id: segment.id, offset: 0 }, version: 0 };
    let op = Op::Commit(Commit {
        ino: attr.ino,
        incarnation: attr.incarnation,
        low_water: session.low_water(),
        append: false,
        segments: vec![segment.clone()],
        extents: vec![extent],
        mtime: None,
    });
    let committed = session.mutate(op).await.unwrap();
    assert!(matches!(committed, OpReply::Committed { .. }));
    session.settle(segment.id);
    segment
}

pub fn bytes(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed) ^ (at >> 8) as u8).collect()
}

pub const NOBODY: SessionId = SessionId(0);
