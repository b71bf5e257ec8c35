//! One node: opening what it has, serving, and stopping.

use std::future::Future;
use std::sync::Arc;

use isobar_base::{BufPool, ClusterId};
use isobar_cluster::Cluster;
use isobar_config::ClusterSpec;
use isobar_disk::{Devices, SystemDevices};
use isobar_wire::transport::{Tcp, Transport};
use isobar_wire::{Address, Channels, Secret};
use tokio::task::JoinSet;

use crate::context::NodeContext;
use crate::handler::NodeHandler;
use crate::limits::{METADATA_WAIT, POOL_BYTES};
use crate::metadata::{Metadata, voter};
use crate::storage::attach;
use crate::storage::open::open_all;
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
        let secret = Secret::load(&config.resolve(&config.secret_file), cluster)
            .map_err(|e| ServerError::Config(e.to_string()))?;
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
            let channels = Channels::with_transport(transport.clone(), secret.clone(), pool.clone());
            let group = voter::open(&config, &addr, channels).await?;
            Some(Arc::new(Metadata::start(group, config.meta.log_bytes)))
        } else {
            None
        };
        let channels = Channels::with_transport(transport, secret.clone(), pool.clone());
        let mut nodes: Vec<_> = spec.node.iter().collect();
        nodes.sort_by_key(|n| !n.voter);
        let access =
            Cluster::new(channels, nodes.into_iter().map(|n| n.addr.clone()).collect(), METADATA_WAIT);
        let shared = Arc::new(NodeContext::new(config, spec, cluster, addr, opened, meta, access));
        let mut tasks = JoinSet::new();
        tasks.spawn(isobar_wire::serve(listener, secret, pool, Arc::new(NodeHandler(shared.clone()))));
        tasks.spawn(heartbeat::run(shared.clone()));
        if let Some(meta) = &shared.meta {
            tasks.spawn(bootstrap::run(shared.clone(), meta.clone()));
            tasks.spawn(voter::remember_joining(meta.group.clone(), voter::dir(&shared.config)));
            tasks.spawn(leader::lead(shared.clone(), meta.clone()));
        }
        tasks.spawn(attach::run(shared.clone(), devices));
        tracing::info!(
            node = %shared.config.node, addr = %shared.addr, cluster = %shared.cluster_id,
            targets = shared.targets().len(), voter = shared.meta.is_some(), "node serves"
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

/// Runs a node until `shutdown` is done.
///
/// # Errors
/// See [`ServerError`].
pub async fn run(config: NodeConfig, shutdown: impl Future) -> Result<(), ServerError> {
    let node = Node::start(config).await?;
    shutdown.await;
    node.stop().await;
    Ok(())
}

/// The runtime that `config` asks for.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime(config: &NodeConfig) -> std::io::Result<tokio::runtime::Runtime> {
    match config.worker_threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread().enable_all().build(),
        threads => tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build(),
    }
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
