//! One node: opening what it has, serving, and stopping.

use std::future::Future;
use std::sync::Arc;

use isobar_base::{BufPool, ClusterId};
use isobar_cluster::Cluster;
use isobar_config::ClusterSpec;
use isobar_wire::transport::{Tcp, Transport};
use isobar_wire::{Address, Channels, Secret};
use tokio::task::JoinSet;

use crate::context::NodeContext;
use crate::handler::NodeHandler;
use crate::limits::{METADATA_WAIT, POOL_BYTES, WORKER_THREADS_MAX};
use crate::metadata::{Metadata, voter};
use crate::storage::{orphans, rebuild, scrub, target};
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
        Node::start_on(config, Arc::new(Tcp)).await
    }

    /// Like [`Node::start`], over another transport.
    ///
    /// # Errors
    /// See [`ServerError`]; nothing keeps running then.
    pub async fn start_on(config: NodeConfig, transport: Arc<dyn Transport>) -> Result<Node, ServerError> {
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
        let targets = tokio::task::spawn_blocking(move || target::open_all(&opening, &opening_addr))
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
        let shared = Arc::new(NodeContext::new(config, spec, cluster, addr, targets, meta, access));
        let mut tasks = JoinSet::new();
        tasks.spawn(isobar_wire::serve(listener, secret, pool, Arc::new(NodeHandler(shared.clone()))));
        tasks.spawn(heartbeat::run(shared.clone()));
        if let Some(meta) = &shared.meta {
            tasks.spawn(bootstrap::run(shared.clone(), meta.clone()));
            tasks.spawn(voter::remember_joining(meta.group.clone(), voter::dir(&shared.config)));
            tasks.spawn(leader::lead(shared.clone(), meta.clone()));
        }
        for target in &shared.targets {
            tasks.spawn(orphans::run(shared.clone(), target.clone()));
            tasks.spawn(rebuild::run(shared.clone(), target.clone()));
            tasks.spawn(scrub::run(shared.clone(), target.clone()));
        }
        tracing::info!(
            node = %shared.config.node, addr = %shared.addr, cluster = %shared.cluster_id,
            targets = shared.targets.len(), voter = shared.meta.is_some(), "node serves"
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
        let stores: Vec<_> = self.shared.targets.iter().map(|t| (t.id(), t.store.clone())).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

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
