//! One node: opening what it has, serving, and stopping.

use std::future::Future;
use std::sync::Arc;

use isobar_base::{BufPool, ClusterId, TargetId};
use isobar_client::{Cluster, ClusterSpec};
use isobar_wire::message::cluster::{ClusterMap, TargetLive};
use isobar_wire::{Channels, Secret};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use crate::config::NodeConfig;
use crate::handler::NodeHandler;
use crate::limits::{ECHOES_MAX, METADATA_WAIT, POOL_BYTES};
use crate::metadata::Metadata;
use crate::target::Target;
use crate::{ServerError, founding, heartbeat, leader, orphans, rebuild, scrub, target, voter};

/// What all parts of a node share.
pub(crate) struct Shared {
    pub(crate) config: NodeConfig,
    pub(crate) spec: ClusterSpec,
    pub(crate) cluster: ClusterId,
    /// Where others find this node.
    pub(crate) addr: String,
    pub(crate) targets: Vec<Arc<Target>>,
    pub(crate) meta: Option<Arc<Metadata>>,
    /// Access to the metadata leader and to other nodes. Its view is fed by heartbeats.
    pub(crate) access: Cluster,
    /// Wakes the search for orphans.
    pub(crate) search_now: Notify,
    /// Wakes compaction.
    pub(crate) compact_now: Notify,
    /// Held by the one probe that measures at a time.
    pub(crate) probing: Arc<Semaphore>,
    /// Room for UDP ports that are open for others' probes.
    pub(crate) echoes: Arc<Semaphore>,
    heard: Mutex<Heard>,
}

/// What heartbeats brought back, beside the map.
#[derive(Default)]
struct Heard {
    leader: Option<String>,
    strangers: Vec<TargetId>,
}

impl Shared {
    /// The target with this id, if it is here.
    pub(crate) fn target(&self, id: TargetId) -> Option<Arc<Target>> {
        self.targets.iter().find(|target| target.id() == id).cloned()
    }

    /// Whether the target is known to have all rows it should have.
    pub(crate) fn is_clean(&self, id: TargetId) -> bool {
        let known = self.access.view().known();
        let mut positions = known.map.groups.iter().flat_map(|g| &g.positions);
        known.map.target(id).is_some() && positions.all(|p| p.target != id || p.clean)
    }

    /// Where the metadata leader listens, as far as this node knows.
    pub(crate) fn leader_addr(&self) -> Option<String> {
        match self.meta.as_ref().and_then(|meta| meta.group.leader()) {
            Some(leader) => Some(leader.addr),
            None => self.heard.lock().leader.clone(),
        }
    }

    pub(crate) fn set_leader(&self, addr: Option<String>) {
        self.heard.lock().leader = addr;
    }

    /// Takes over what the leader said.
    pub(crate) fn learn(&self, map: Option<ClusterMap>, live: Vec<TargetLive>, strangers: Vec<TargetId>) {
        self.access.view().learn(map, live);
        let mut heard = self.heard.lock();
        if heard.strangers != strangers {
            for target in &strangers {
                tracing::warn!(
                    target_id = %target, node = %self.config.node,
                    "the target is a stranger to the cluster; waiting for `isobar node replace {}`",
                    self.config.node
                );
            }
            heard.strangers = strangers;
        }
    }

    /// Targets that are not admitted to the cluster.
    pub(crate) fn strangers(&self) -> Vec<TargetId> {
        self.heard.lock().strangers.clone()
    }
}

/// A running node. Stops when dropped, though [`Node::stop`] does so in order.
pub struct Node {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

impl Node {
    /// Opens the targets and the metadata role, listens and serves.
    ///
    /// # Errors
    /// See [`ServerError`]; nothing keeps running then.
    pub async fn start(config: NodeConfig) -> Result<Node, ServerError> {
        let spec_error = |e: isobar_client::ClientError| ServerError::Config(e.to_string());
        let spec = ClusterSpec::load(&config.resolve(&config.cluster_file)).map_err(spec_error)?;
        let cluster = config.cluster_id()?;
        let addr = check_spec(&config, &spec, cluster)?;
        let secret = Secret::load(&config.resolve(&config.secret_file), cluster)
            .map_err(|e| ServerError::Config(e.to_string()))?;
        let listener = TcpListener::bind(&config.listen)
            .await
            .map_err(|source| ServerError::Listen { addr: config.listen.clone(), source })?;
        let (opening, opening_addr) = (config.clone(), addr.clone());
        let targets = tokio::task::spawn_blocking(move || target::open_all(&opening, &opening_addr))
            .await
            .map_err(|e| ServerError::Config(format!("a target could not be opened: {e}")))??;
        let pool = BufPool::new(POOL_BYTES);
        let meta = if config.voter {
            let channels = Channels::new(secret.clone(), pool.clone());
            let group = voter::open(&config, &addr, channels).await?;
            Some(Arc::new(Metadata::start(group, config.meta.log_bytes)))
        } else {
            None
        };
        let channels = Channels::new(secret.clone(), pool.clone());
        let mut nodes: Vec<_> = spec.node.iter().collect();
        nodes.sort_by_key(|n| !n.voter);
        let access =
            Cluster::new(channels, nodes.into_iter().map(|n| n.addr.clone()).collect(), METADATA_WAIT);
        let shared = Arc::new(Shared {
            config,
            spec,
            cluster,
            addr,
            targets,
            meta,
            access,
            search_now: Notify::new(),
            compact_now: Notify::new(),
            probing: Arc::new(Semaphore::new(1)),
            echoes: Arc::new(Semaphore::new(ECHOES_MAX)),
            heard: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(isobar_wire::serve(listener, secret, pool, Arc::new(NodeHandler(shared.clone()))));
        tasks.spawn(heartbeat::run(shared.clone()));
        if let Some(meta) = &shared.meta {
            tasks.spawn(founding::run(shared.clone(), meta.clone()));
            tasks.spawn(voter::remember_joining(meta.group.clone(), voter::dir(&shared.config)));
            tasks.spawn(leader::lead(shared.clone(), meta.clone()));
        }
        for target in &shared.targets {
            tasks.spawn(orphans::run(shared.clone(), target.clone()));
            tasks.spawn(rebuild::run(shared.clone(), target.clone()));
            tasks.spawn(scrub::run(shared.clone(), target.clone()));
        }
        tracing::info!(
            node = %shared.config.node, addr = %shared.addr, cluster = %shared.cluster,
            targets = shared.targets.len(), voter = shared.meta.is_some(), "node serves"
        );
        Ok(Node { shared, tasks })
    }

    /// Where others find the node.
    pub fn addr(&self) -> &str {
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
fn check_spec(config: &NodeConfig, spec: &ClusterSpec, cluster: ClusterId) -> Result<String, ServerError> {
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
