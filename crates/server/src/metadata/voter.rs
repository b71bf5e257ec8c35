//! The identity of a metadata voter: the disk's, not the node's (I13).
//!
//! ```text
//! DATA/meta/voter-id    drawn once, made together with the directory, never rewritten
//! DATA/meta/joined      exists once this disk has taken part in a group
//! DATA/meta/group-0/    log and state
//! ```
//! A directory without `voter-id`, or one that has joined and holds no log, has lost what it promised
//! to remember: it is refused, and a blank one goes through `isobar node replace` instead.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use isobar_base::{GroupId, Kv, random_u64};
use isobar_consensus::{
    Group, GroupConfig, Member, Reply, Rpc, StateMachine, Transport, TransportError, blocking,
};
use isobar_wire::{Address, CallError, Channels, Opcode};
use serde::{Deserialize, Serialize};

use super::member::address;
use crate::ServerError;
use isobar_config::NodeConfig;

/// The only metadata group there is yet.
pub(crate) const GROUP: GroupId = GroupId::ROOT;
const ID_VERSION: u32 = 1;
const ID_FILE: &str = "voter-id";
const JOINED_FILE: &str = "joined";

/// Contents of `voter-id`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VoterId {
    version: u32,
    cluster: String,
    node: String,
    id: String,
}

/// The longest that applying one entry has taken since the node started.
#[derive(Clone, Debug, Default)]
pub(crate) struct LongestApply(Arc<AtomicU64>);

impl LongestApply {
    /// In milliseconds.
    pub(crate) fn milliseconds(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn note(&self, took: Duration) {
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_max(milliseconds, Ordering::Relaxed);
    }
}

/// The metadata state machine, as consensus wants it.
struct Machine(LongestApply);

impl StateMachine for Machine {
    fn apply(&self, kv: &mut dyn Kv, index: u64, entry: &[u8]) -> Vec<u8> {
        let begun = Instant::now();
        let entry = isobar_meta::read_entry(index, entry);
        let mut apply = || isobar_meta::apply_to_bytes(kv, GROUP, index, &entry);
        let results = if entry.may_take_long() { blocking(apply) } else { apply() };
        self.0.note(begun.elapsed());
        results
    }
}

/// Raft messages over connections of their own, so that no row is ever in their way.
struct RaftTransport(Channels);

impl Transport for RaftTransport {
    fn call(&self, peer: &Member, rpc: Rpc, body: Vec<u8>, timeout: Duration) -> Reply {
        let channel = address(peer).map(|addr| self.0.to(&addr));
        let opcode = match rpc {
            Rpc::AppendEntries => Opcode::RaftAppend,
            Rpc::Vote => Opcode::RaftVote,
            Rpc::InstallSnapshot => Opcode::RaftSnapshot,
            Rpc::Standing => Opcode::RaftStanding,
        };
        let nowhere = format!("{peer} has no address");
        Box::pin(async move {
            let channel = channel.ok_or(TransportError::Unreachable(nowhere))?;
            match channel.call_raw(opcode, &body, Vec::new(), timeout).await {
                Ok((reply, _)) => Ok(reply),
                Err(CallError::TimedOut(_)) => Err(TransportError::Timeout),
                Err(error @ (CallError::Unreachable { .. } | CallError::Broken(_))) => {
                    Err(TransportError::Unreachable(error.to_string()))
                }
                Err(error) => Err(TransportError::Refused(error.to_string())),
            }
        })
    }
}

/// Opens the metadata role of a node, or makes a blank one. Gives what is measured of it, too.
pub(crate) async fn open(
    config: &NodeConfig,
    addr: &Address,
    channels: Channels,
) -> Result<(Group, LongestApply), ServerError> {
    let dir = config.resolve(&config.data_dir).join("meta");
    let failed = |why: String| ServerError::Meta { path: dir.clone(), why };
    let id = identity(config, &dir).map_err(failed)?;
    let me = Member { id, name: config.node.clone(), addr: addr.to_string() };
    let group_dir = dir.join(format!("group-{GROUP}"));
    let settings = GroupConfig {
        log_bytes: config.meta.log_bytes,
        log_prewrite: config.meta.log_prewrite,
        log_keep_bytes: config.meta.log_bytes / 2,
        cache_bytes: config.meta.cache_bytes,
        heartbeat_ms: config.meta.raft_heartbeat_ms,
        election_ms: config.meta.election_ms,
        ..GroupConfig::new(group_dir, me, GROUP.0)
    };
    let longest = LongestApply::default();
    let machine = Arc::new(Machine(longest.clone()));
    let group = Group::open(settings, machine, Arc::new(RaftTransport(channels)))
        .await
        .map_err(|e| failed(e.to_string()))?;
    if dir.join(JOINED_FILE).exists() && !group.is_initialized() {
        group.shutdown().await;
        return Err(failed(format!(
            "this voter has taken part in the cluster and its log is gone: move the directory away, \
             start the node, and run `isobar node replace {}`",
            config.node
        )));
    }
    Ok((group, longest))
}

/// Remembers that the disk has taken part in a group, once it has.
pub(crate) async fn remember_joining(group: Group, dir: PathBuf) {
    const LOOK_EVERY: Duration = Duration::from_millis(100);
    let path = dir.join(JOINED_FILE);
    while !group.is_initialized() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let made = tokio::task::spawn_blocking(move || {
        if path.exists() {
            return Ok(());
        }
        File::create(&path)?.sync_all()?;
        File::open(&dir)?.sync_all()
    })
    .await;
    if let Ok(Err(error)) = made {
        tracing::error!(%error, "cannot note that this voter has joined");
    }
}

/// The directory of the metadata role.
pub(crate) fn dir(config: &NodeConfig) -> PathBuf {
    config.resolve(&config.data_dir).join("meta")
}

/// The voter's identity, drawn when there is no directory yet.
fn identity(config: &NodeConfig, dir: &Path) -> Result<u64, String> {
    if !dir.exists() {
        make(config, dir).map_err(|e| format!("cannot be made: {e}"))?;
    }
    let path = dir.join(ID_FILE);
    let text = std::fs::read_to_string(&path).map_err(|e| {
        format!("{ID_FILE}: {e}: the identity of this voter is lost; move the directory away")
    })?;
    let held: VoterId = toml::from_str(&text).map_err(|e| format!("{ID_FILE}: {}", e.message()))?;
    if held.version != ID_VERSION {
        return Err(format!(
            "{ID_FILE} has version {}, this release reads version {ID_VERSION}",
            held.version
        ));
    }
    if held.cluster != config.cluster || held.node != config.node {
        return Err(format!(
            "it belongs to node {} of cluster {}, this is node {} of cluster {}: check data_dir",
            held.node, held.cluster, config.node, config.cluster
        ));
    }
    u64::from_str_radix(&held.id, 16).map_err(|_| format!("{ID_FILE} does not hold 16 hexadecimal digits"))
}

/// Makes the directory and the identity in it in one step.
fn make(config: &NodeConfig, dir: &Path) -> std::io::Result<()> {
    let id = VoterId {
        version: ID_VERSION,
        cluster: config.cluster.clone(),
        node: config.node.clone(),
        id: format!("{:016x}", random_u64()),
    };
    let text = toml::to_string(&id).map_err(std::io::Error::other)?;
    let unfinished = dir.with_extension("unfinished");
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished)?;
    }
    std::fs::create_dir_all(&unfinished)?;
    let mut file = File::create_new(unfinished.join(ID_FILE))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    File::open(&unfinished)?.sync_all()?;
    std::fs::rename(&unfinished, dir)?;
    if let Some(parent) = dir.parent() {
        File::open(parent)?.sync_all()?;
    }
    tracing::info!(voter = %id.id, dir = %dir.display(), "blank voter made");
    Ok(())
}
