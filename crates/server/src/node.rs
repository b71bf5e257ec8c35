//! One node: opening what it has, serving, and stopping.

use std::future::Future;
use std::sync::Arc;

use isobar_base::{BufPool, ClusterId};
use isobar_cluster::Cluster;
use isobar_config::ClusterSpec;
use isobar_disk::{Devices, SystemDevices};
use isobar_wire::transport::{Tcp, Transport};
use isobar_wire::{Address, Channels, Role};
use tokio::task::JoinSet;

use crate::context::NodeContext;
use crate::handler::NodeHandler;
use crate::limits::{METADATA_WAIT, POOL_BYTES, WORKER_THREADS_MAX};
use crate::metadata::{Metadata, voter};
use crate::storage::attach;
use crate::storage::open::open_all;
use crate::supervise::supervise;
use crate::{ServerError, bootstrap, heartbeat, leader};
use isobar_config::NodeConfig;

/// A running node. Stops when dropped, though [`Node::stop`] does so in order.
pub struct Node {
    shared: Arc<NodeContext>,
    tasks: JoinSet<()>,
}

impl Node {
    /// Opens the targets and the metadata role, listens and serves, over TCP.
    ///
    /// # Errors
    /// See [`ServerError`]; nothing keeps running then.
    pub async fn start(config: NodeConfig) -> Result<Node, ServerError> {
        Node::start_with(config, Arc::new(Tcp), Arc::new(SystemDevices)).await
    }

    /// Like [`Node::start`], over another transport and on other devices.
    ///
    /// # Errors
    /// See [`ServerError`]; nothing keeps running then.
    pub async fn start_with(
        config: NodeConfig,
        transport: Arc<dyn Transport>,
        devices: Arc<dyn Devices>,
    ) -> Result<Node, ServerError> {
        let spec = ClusterSpec::load(&config.resolve(&config.cluster_file))
            .map_err(|e| ServerError::Config(e.to_string()))?;
        let cluster = config.cluster_id()?;
        let addr = check_spec(&config, &spec, cluster)?;
        if let Some(warning) = listens_elsewhere(&config, &addr) {
            tracing::warn!("{warning}");
        }
        let credential = spec.credential(Role::Node).map_err(|e| ServerError::Config(e.to_string()))?;
        let listener = transport
            .listen(&config.listen)
            .await
            .map_err(|source| ServerError::Listen { addr: config.listen.clone(), source })?;
        let (opening, opening_addr) = (config.clone(), addr.clone());
        let opening_devices = devices.clone();
        let open_all = move || open_all(&*opening_devices, &opening, &opening_addr);
        let opened = tokio::task::spawn_blocking(open_all)
            .await
            .map_err(|e| ServerError::Config(format!("a target could not be opened: {e}")))??;
        let pool = BufPool::new(POOL_BYTES);
        let meta = if config.voter {
            let channels = Channels::with_transport(transport.clone(), credential.clone(), pool.clone());
            let (group, longest_apply) = voter::open(&config, &addr, channels).await?;
            Some(Arc::new(Metadata::start(group, config.meta.log_bytes, longest_apply)))
        } else {
            None
        };
        let channels = Channels::with_transport(transport, credential.clone(), pool.clone());
        let mut nodes: Vec<_> = spec.node.iter().collect();
        nodes.sort_by_key(|n| !n.voter);
        let access =
            Cluster::new(channels, nodes.into_iter().map(|n| n.addr.clone()).collect(), METADATA_WAIT);
        let shared = Arc::new(NodeContext::new(config, spec, cluster, addr, opened, meta, access));
        let mut tasks = start_background(&shared, devices);
        tasks.spawn(isobar_wire::serve(listener, credential, pool, Arc::new(NodeHandler(shared.clone()))));
        tracing::info!(
            node = %shared.config.node, listen = %shared.config.listen, addr = %shared.addr,
            cluster = %shared.cluster_id, targets = shared.targets().len(), voter = shared.meta.is_some(),
            "node serves"
        );
        Ok(Node { shared, tasks })
    }

    /// Where others find the node.
    pub fn addr(&self) -> &Address {
        &self.shared.addr
    }

    /// How the node is, as it sees itself.
    pub fn status(&self) -> isobar_wire::message::cluster::NodeStatus {
        crate::status::status(&self.shared, false)
    }

    /// Verifies every cross-reference of the metadata this node has applied; `None` when it has no metadata
    /// role. Reads all of it: nothing is applied here meanwhile.
    pub async fn check_metadata(&self) -> Option<Vec<String>> {
        let group = self.shared.meta.as_ref()?.group.clone();
        let check = move || {
            group.read(|kv| isobar_meta::check(kv).iter().map(|finding| format!("{finding:?}")).collect())
        };
        tokio::task::spawn_blocking(check).await.ok()
    }

    /// Returns when a part of the node has panicked. The others would go on without it, and a node that does
    /// half of its work is worse than one that is started again.
    pub async fn panicked(&mut self) -> ServerError {
        let raft = self.shared.meta.as_ref().map(|meta| meta.group.clone());
        let raft = async {
            match raft {
                Some(group) => group.panicked().await,
                None => std::future::pending().await,
            }
        };
        let tasks = async {
            while let Some(ended) = self.tasks.join_next().await {
                if ended.is_err_and(|error| error.is_panic()) {
                    return;
                }
            }
            std::future::pending().await
        };
        let what = tokio::select! {
            () = raft => "metadata group",
            () = tasks => "task",
        };
        ServerError::Panicked { what: what.to_owned() }
    }

    /// Finishes what was accepted and closes everything.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        if let Some(meta) = &self.shared.meta {
            meta.group.clone().shutdown().await;
        }
        let stores: Vec<_> = self.shared.targets().iter().map(|t| (t.id(), t.store())).collect();
        let close = move || {
            for (target, store) in stores {
                if let Err(error) = store.close() {
                    tracing::warn!(target_id = %target, %error, "target not closed in order");
                }
            }
        };
        if let Err(error) = tokio::task::spawn_blocking(close).await {
            tracing::error!(%error, "targets not closed in order");
        }
        tracing::info!(node = %self.shared.config.node, "node stopped");
    }
}

/// What a node does by itself. One duty that panics does not stop the others, and starts again.
fn start_background(shared: &Arc<NodeContext>, devices: Arc<dyn Devices>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let node = shared.clone();
    tasks.spawn(supervise("heartbeat", move || heartbeat::run(node.clone())));
    if let Some(meta) = &shared.meta {
        let (node, m) = (shared.clone(), meta.clone());
        tasks.spawn(supervise("bootstrap", move || bootstrap::run(node.clone(), m.clone())));
        let (group, dir) = (meta.group.clone(), voter::dir(&shared.config));
        tasks.spawn(supervise("joining", move || voter::remember_joining(group.clone(), dir.clone())));
        let (node, m) = (shared.clone(), meta.clone());
        tasks.spawn(supervise("lead", move || leader::lead(node.clone(), m.clone())));
    }
    tasks.spawn(attach::run(shared.clone(), devices));
    tasks
}

/// Runs a node until `shutdown` is done.
///
/// # Errors
/// See [`ServerError`].
pub async fn run(config: NodeConfig, shutdown: impl Future) -> Result<(), ServerError> {
    let mut node = Node::start(config).await?;
    tokio::select! {
        _ = shutdown => {}
        // Nothing is finished in order: what panicked may hold locks. All of it survives a power cut.
        error = node.panicked() => return Err(error),
    }
    node.stop().await;
    Ok(())
}

/// The runtime that `config` asks for.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime(config: &NodeConfig) -> std::io::Result<tokio::runtime::Runtime> {
    // Of several threads even when one is asked for: what may take long hands its thread's work to another.
    let threads = match config.worker_threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from).min(WORKER_THREADS_MAX),
        threads => threads,
    };
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()
}

/// Checks that the cluster file fits the node's configuration; gives where others find the node.
fn check_spec(config: &NodeConfig, spec: &ClusterSpec, cluster: ClusterId) -> Result<Address, ServerError> {
    let wrong = |why: String| Err(ServerError::Config(why));
    let file = config.cluster_file.display();
    if spec.id().ok() != Some(cluster) {
        return wrong(format!("cluster {cluster} is configured, {file} is of cluster {}", spec.cluster));
    }
    let Some(me) = spec.node.iter().find(|n| n.name == config.node) else {
        return wrong(format!("{file} has no node {}: add it there, or correct node", config.node));
    };
    if me.voter != config.voter {
        return wrong(format!("voter = {}, but {file} says {} for {}", config.voter, me.voter, me.name));
    }
    if !spec.node.iter().any(|n| n.voter) {
        return wrong(format!("{file} names no voter"));
    }
    Ok(me.addr.clone())
}

/// One line when the node listens where the others do not look for it.
fn listens_elsewhere(config: &NodeConfig, addr: &Address) -> Option<String> {
    let NodeConfig { listen, node, cluster_file, .. } = config;
    let everywhere = listen.is_unspecified() && listen.port() == addr.port();
    (listen != addr && !everywhere).then(|| {
        format!(
            "{node} listens on {listen}, and {} says {addr}, where the others look for it: make them equal, unless \
             the network leads from {addr} to {listen}",
            cluster_file.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_listens_where_nobody_looks_for_it_says_so() {
        let said = |listen: &str, addr: &str| {
            let mut config = NodeConfig::parse(isobar_config::SAMPLE).unwrap();
            config.listen = listen.parse().unwrap();
            listens_elsewhere(&config, &addr.parse().unwrap())
        };
        assert_eq!(said("10.0.0.1:7420", "10.0.0.1:7420"), None);
        assert_eq!(said("0.0.0.0:7420", "10.0.0.1:7420"), None);
        assert_eq!(said("[::]:7420", "n1.example:7420"), None);
        let other_port = said("0.0.0.0:7421", "10.0.0.1:7420").unwrap();
        assert!(
            other_port.contains("0.0.0.0:7421") && other_port.contains("make them equal"),
            "{other_port}"
        );
        let other_host = said("10.0.0.2:7420", "10.0.0.1:7420").unwrap();
        assert!(other_host.contains("10.0.0.2") && !other_host.contains('\n'), "{other_host}");
    }

    #[test]
    fn a_thread_that_blocks_hands_its_work_to_another_even_when_one_is_asked_for() {
        let mut config = NodeConfig::parse(isobar_config::SAMPLE).unwrap();
        for threads in [1, 0] {
            config.worker_threads = threads;
            let runtime = runtime(&config).unwrap();
            let (sender, receiver) = std::sync::mpsc::channel();
            let other = async move { sender.send(()).unwrap() };
            let blocking = async move {
                tokio::spawn(other);
                tokio::task::block_in_place(|| receiver.recv_timeout(std::time::Duration::from_secs(20)))
            };
            runtime.block_on(async { tokio::spawn(blocking).await.unwrap().unwrap() });
        }
    }
}
