//! One replica of one group: opening and closing it, proposing, reading, answering peers.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use isobar_base::KvRead;
use isobar_disk::FileDisk;
use openraft::error::{ClientWriteError, InstallSnapshotError, RaftError};
use openraft::raft::AppendEntriesResponse;
use openraft::{Raft, ServerState};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::ids::{index_of, next_index};
use crate::log::{LogStore, WriterHandle};
use crate::lsm::{CheckpointHandle, StateStore};
use crate::machine::Machine;
use crate::member::needs_others;
use crate::network::{Factory, Network, SnapshotReply, decode};
use crate::read_index::ReadIndex;
use crate::standing::{Heard, Standing};
use crate::types::{Payload, Types};
use crate::{
    ConsensusError, GroupConfig, GroupStatus, Leadership, Member, ProposeError, Rpc, StateMachine, Transport,
    elector, keeper, snapshot,
};

/// A proposal whose leader was deposed is waited for this long: its fate is usually known by then.
const DEPOSED_GRACE: Duration = Duration::from_millis(500);
/// A leader not heard of for so many election timeouts is none.
const SILENT_TIMEOUTS: u32 = 3;
/// How long proposals and messages are held back for the log to be shortened.
const PRESSURE_WAIT: Duration = Duration::from_secs(10);

/// One replica of one group. Clones are the same replica.
#[derive(Clone)]
pub struct Group(Arc<Handle>);

/// What background tasks need of a group.
pub(crate) struct Shared {
    pub config: GroupConfig,
    pub log: LogStore,
    pub store: Arc<StateStore>,
    pub heard: Heard,
    /// Whom openraft takes for the leader.
    pub known_leader: Mutex<Option<Member>>,
}

struct Handle {
    shared: Arc<Shared>,
    raft: Raft<Types>,
    read_index: ReadIndex,
    changes: watch::Receiver<Leadership>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    threads: Mutex<Option<(WriterHandle, CheckpointHandle)>>,
}

impl Shared {
    /// Where this replica stands now.
    pub(crate) fn standing(&self) -> Standing {
        Standing {
            // Before the log's end: a candidate that has our vote has seen a log no older than this.
            vote: self.log.vote(),
            last: self.log.last(),
            silent_ms: self.heard.silence().as_millis() as u64,
        }
    }

    /// Whether so few segments are free that nothing more should come in. What came in before still fits: entries in
    /// flight are few, and each is smaller than a segment.
    pub(crate) fn log_is_tight(&self) -> bool {
        self.log.fill().free_segments <= isobar_base::limits::ENTRIES_IN_FLIGHT_MAX as u64
    }

    /// Waits while the log is nearly full and can be shortened.
    async fn wait_for_room(&self) {
        let until = tokio::time::Instant::now() + PRESSURE_WAIT;
        while self.log_is_tight() && tokio::time::Instant::now() < until {
            self.store.request_checkpoint();
            self.log.pressure().notify_one();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Group {
    /// Opens the replica in `config.dir`, or makes a blank one.
    ///
    /// # Errors
    /// `Corrupt`, `Gap`, `Foreign` when the files must not be used; `Io`, `Lsm` when they cannot be.
    pub async fn open(
        config: GroupConfig,
        sm: Arc<dyn StateMachine>,
        transport: Arc<dyn Transport>,
    ) -> Result<Group, ConsensusError> {
        let raft_config = config.raft()?;
        let files = config.clone();
        let opened = tokio::task::spawn_blocking(move || open_files(&files)).await;
        let (log, writer, store, checkpoints) =
            opened.map_err(|e| ConsensusError::Stopped(e.to_string()))??;
        let threads = Mutex::new(Some((writer, checkpoints)));
        let (me, group, dir) = (config.me.clone(), config.group, config.dir.clone());
        let network = Network::new(&config, transport, log.clone());
        let machine = Machine { store: store.clone(), log: log.clone(), user: sm, group, dir };
        let (heard, known_leader) = (Heard::now(), Mutex::default());
        let shared = Arc::new(Shared { config, log: log.clone(), store, heard, known_leader });
        let raft = match Raft::new(me.id, Arc::new(raft_config), Factory(network.clone()), log, machine).await
        {
            Ok(raft) => raft,
            Err(error) => {
                if let Some((writer, checkpoints)) = threads.lock().take() {
                    shared.store.stop(checkpoints);
                    shared.log.stop(writer);
                }
                return Err(ConsensusError::Stopped(error.to_string()));
            }
        };
        // Until now nothing was appended; from here on the log follows membership itself.
        let effective =
            raft.with_raft_state(|state| needs_others(state.membership_state.effective().membership())).await;
        shared.log.set_shared_majority(effective.unwrap_or(false));
        let (read_index, confirmations) = ReadIndex::start(shared.clone(), network.clone());
        let (sender, changes) = watch::channel(Leadership::default());
        let tasks = vec![
            confirmations,
            tokio::spawn(network.clone().flush_deferred()),
            tokio::spawn(keeper::keep(shared.clone(), raft.clone())),
            tokio::spawn(elector::run(shared.clone(), raft.clone(), network.clone())),
            tokio::spawn(watch_leadership(shared.clone(), raft.clone(), network, sender)),
        ];
        Ok(Group(Arc::new(Handle { shared, raft, read_index, changes, tasks: Mutex::new(tasks), threads })))
    }

    /// Whether the replica has a vote, entries or applied state: false only for a truly blank disk.
    pub fn is_initialized(&self) -> bool {
        let Shared { log, store, .. } = &*self.0.shared;
        log.vote().is_some() || log.last().is_some() || store.applied().log_id.is_some()
    }

    /// Answers the message `body` of a peer.
    ///
    /// # Errors
    /// `WrongPeer` and `Malformed` for messages that are not for this replica; `Stopped`. The transport should report
    /// any of them to the caller as refused.
    pub async fn handle(&self, rpc: Rpc, body: &[u8]) -> Result<Vec<u8>, ConsensusError> {
        let Shared { config, .. } = &*self.0.shared;
        let (group, me, raft) = (config.group, config.me.id, &self.0.raft);
        let stopped = |error: &dyn std::fmt::Display| ConsensusError::Stopped(error.to_string());
        match rpc {
            Rpc::AppendEntries => {
                let request = decode(group, me, body)?;
                if self.0.shared.log_is_tight() {
                    self.0.shared.wait_for_room().await;
                }
                let response = raft.append_entries(request).await.map_err(|e| stopped(&e))?;
                if !matches!(response, AppendEntriesResponse::HigherVote(_)) {
                    self.0.shared.heard.note();
                }
                reply(&response)
            }
            Rpc::Vote => {
                let response = raft.vote(decode(group, me, body)?).await.map_err(|e| stopped(&e))?;
                if response.vote_granted {
                    self.0.shared.heard.note();
                }
                reply(&response)
            }
            Rpc::Standing => {
                let () = decode(group, me, body)?;
                reply(&self.0.shared.standing())
            }
            Rpc::InstallSnapshot => match raft.install_snapshot(decode(group, me, body)?).await {
                Ok(response) => reply(&SnapshotReply::Taken(response)),
                Err(RaftError::APIError(InstallSnapshotError::SnapshotMismatch(mismatch))) => {
                    reply(&SnapshotReply::Mismatch(mismatch))
                }
                Err(error) => Err(stopped(&error)),
            },
        }
    }

    /// Replicates `entry` and applies it. Returns its log index and what the state machine replied, after the entry is
    /// durable on a majority and applied here. Several may be in flight; they take effect in the order of the calls'
    /// first polls.
    ///
    /// # Errors
    /// See [`ProposeError`]. A leader cut off from its peers keeps waiting: give the call a timeout.
    pub async fn propose(
        &self,
        entry: impl Into<bytes::Bytes> + Send,
    ) -> Result<(u64, Vec<u8>), ProposeError> {
        let entry = entry.into();
        let Shared { log, .. } = &*self.0.shared;
        let (bytes, bytes_max) = (entry.len() as u64, log.entry_bytes_max());
        if bytes > bytes_max {
            return Err(ProposeError::TooLarge { bytes, bytes_max });
        }
        if self.0.shared.log_is_tight() {
            self.0.shared.wait_for_room().await;
        }
        let mut changes = self.0.changes.clone();
        let led = changes.borrow_and_update().clone();
        let reply = self.0.raft.client_write_ff(Payload(entry)).await.map_err(|_| ProposeError::Stopped)?;
        tokio::pin!(reply);
        let answer = loop {
            tokio::select! {
                biased;
                answer = &mut reply => break answer,
                changed = changes.changed() => {
                    let deposed = changed.is_err() || { let now = changes.borrow_and_update(); led.is_me && (!now.is_me || now.term != led.term) };
                    if deposed {
                        break tokio::time::timeout(DEPOSED_GRACE, &mut reply).await.map_err(|_| ProposeError::Uncertain)?;
                    }
                }
            }
        };
        match answer {
            Ok(Ok(response)) => Ok((response.log_id.index, response.data)),
            Ok(Err(ClientWriteError::ForwardToLeader(to))) => {
                Err(ProposeError::NotLeader { leader: to.leader_node.or_else(|| self.leader()) })
            }
            // Not the answer to a plain entry.
            Ok(Err(ClientWriteError::ChangeMembershipError(_))) | Err(_) => Err(ProposeError::Stopped),
        }
    }

    /// Returns once this replica was the leader at some moment after the call and has applied everything committed
    /// until then: a `read` after it is linearizable. Concurrent callers share one round of messages.
    ///
    /// # Errors
    /// `NotLeader`, `NoQuorum`, `Stopped`.
    pub async fn read_index(&self) -> Result<(), ProposeError> {
        self.0.read_index.confirm().await
    }

    /// Runs `f` on what is applied here, which on a follower, or without `read_index`, may be old. Keep it short:
    /// nothing is applied meanwhile.
    ///
    /// # Panics
    /// When the checkpoint store cannot be read.
    pub fn read<R>(&self, f: impl FnOnce(&dyn KvRead) -> R) -> R {
        self.0.shared.store.read(f)
    }

    /// The leader, if one is known and has been heard lately.
    pub fn leader(&self) -> Option<Member> {
        let metrics = self.0.raft.metrics();
        let metrics = metrics.borrow();
        let leader = metrics.current_leader?;
        let Shared { config, heard, .. } = &*self.0.shared;
        if leader != config.me.id
            && heard.silence() > SILENT_TIMEOUTS * Duration::from_millis(config.election_ms)
        {
            return None;
        }
        metrics.membership_config.membership().get_node(&leader).cloned()
    }

    /// Whether this replica believes it is the leader. Only `read_index` proves it.
    pub fn is_leader(&self) -> bool {
        self.0.raft.metrics().borrow().state == ServerState::Leader
    }

    /// Fires when leadership or the term changes.
    pub fn changes(&self) -> watch::Receiver<Leadership> {
        self.0.changes.clone()
    }

    /// Where the replica stands.
    pub fn status(&self) -> GroupStatus {
        let Shared { config, log, store, .. } = &*self.0.shared;
        let metrics = self.0.raft.metrics().borrow().clone();
        let membership = metrics.membership_config.membership();
        let voters: std::collections::BTreeSet<u64> = membership.voter_ids().collect();
        let named = |wanted: bool| {
            membership
                .nodes()
                .filter(|(id, _)| voters.contains(id) == wanted)
                .map(|(_, node)| node.clone())
                .collect()
        };
        let applied = index_of(&store.applied().log_id);
        GroupStatus {
            me: config.me.clone(),
            group: config.group,
            leader: self.leader(),
            term: metrics.current_term,
            last_log: index_of(&log.last()),
            purged: index_of(&log.purged()),
            committed: applied.max(index_of(&metrics.last_applied)),
            applied,
            synced_applied: store.synced().load(Ordering::Acquire).saturating_sub(1),
            log_used_bytes: log.fill().used_bytes,
            voters: named(true),
            learners: named(false),
            joint: membership.get_joint_config().len() > 1,
            matched: metrics.replication.iter().flatten().map(|(&id, at)| (id, index_of(at))).collect(),
            stopped: metrics.running_state.err().map(|e| e.to_string()),
        }
    }

    /// Hash of everything applied: equal on replicas that applied the same entries (I11).
    pub fn state_hash(&self) -> u64 {
        self.read(isobar_base::state_hash)
    }

    /// Writes everything applied to a checkpoint now.
    ///
    /// # Errors
    /// `Lsm` when it cannot be written.
    pub async fn checkpoint(&self) -> Result<(), ConsensusError> {
        let store = self.0.shared.store.clone();
        tokio::task::spawn_blocking(move || store.checkpoint())
            .await
            .map_err(|e| ConsensusError::Stopped(e.to_string()))?
    }

    /// Stops the replica and closes its files. What is not checkpointed is replayed from the log at the next start, as
    /// after a crash. Other clones answer `Stopped` afterwards.
    pub async fn shutdown(self) {
        // Fails only when the core task was cancelled, which is what is wanted.
        let _ = self.0.raft.shutdown().await;
        self.0.tasks.lock().drain(..).for_each(|task| task.abort());
        let Some((writer, checkpoints)) = self.0.threads.lock().take() else { return };
        let shared = self.0.shared.clone();
        let stop = move || {
            shared.log.stop(writer);
            shared.store.stop(checkpoints);
        };
        if let Err(error) = tokio::task::spawn_blocking(stop).await {
            tracing::error!(%error, "closing the files failed");
        }
    }

    pub(crate) fn raft(&self) -> &Raft<Types> {
        &self.0.raft
    }
}

fn reply(response: &impl serde::Serialize) -> Result<Vec<u8>, ConsensusError> {
    postcard::to_allocvec(response).map_err(|e| ConsensusError::Malformed(e.to_string()))
}

async fn watch_leadership(
    shared: Arc<Shared>,
    raft: Raft<Types>,
    network: Arc<Network>,
    sender: watch::Sender<Leadership>,
) {
    let mut metrics = raft.server_metrics();
    loop {
        let now = {
            let m = metrics.borrow_and_update();
            let joint = m.membership_config.membership().get_joint_config();
            network.fanout.set_voters(match &joint[..] {
                [voters] => voters.iter().copied().collect(),
                _ => Vec::new(),
            });
            let leader =
                m.current_leader.and_then(|id| m.membership_config.membership().get_node(&id).cloned());
            Leadership { leader, term: m.vote.leader_id().term, is_me: m.state == ServerState::Leader }
        };
        shared.known_leader.lock().clone_from(&now.leader);
        sender.send_if_modified(|old| {
            *old != now && {
                *old = now.clone();
                true
            }
        });
        if metrics.changed().await.is_err() {
            return;
        }
    }
}

/// Opens log and state and checks that one continues the other.
fn open_files(
    config: &GroupConfig,
) -> Result<(LogStore, WriterHandle, Arc<StateStore>, CheckpointHandle), ConsensusError> {
    let dir = &config.dir;
    std::fs::create_dir_all(dir).map_err(ConsensusError::io(format!("creating {}", dir.display())))?;
    snapshot::remove_unfinished(dir)?;
    let path = dir.join("log");
    let log_exists = path.exists();
    // The state is made first: a log without a state has lost it, a blank state without a log is an unfinished start.
    let (store, checkpoints) = StateStore::open(config, !log_exists)?;
    let opened = open_log(config, &path, log_exists, &store);
    match opened {
        Ok((log, writer)) => Ok((log, writer, store, checkpoints)),
        Err(error) => {
            store.stop(checkpoints);
            Err(error)
        }
    }
}

fn open_log(
    config: &GroupConfig,
    path: &Path,
    exists: bool,
    store: &StateStore,
) -> Result<(LogStore, WriterHandle), ConsensusError> {
    let gap = |what: String| ConsensusError::Gap { path: config.dir.clone(), what };
    let applied = store.applied();
    if !exists {
        if applied.log_id.is_some() {
            return Err(gap("there is a checkpoint but no log, and with it no vote".into()));
        }
        LogStore::create(path, config)?;
    }
    let disk = FileDisk::open(path).map_err(ConsensusError::io(format!("opening {}", path.display())))?;
    let (log, writer) = LogStore::open(Arc::new(disk), path, config, store.synced())?;
    let (first_kept, saved, next) =
        (next_index(&log.purged()), next_index(&applied.log_id), next_index(&log.last()));
    let problem = if first_kept > saved {
        Some(format!("the log starts at entry {first_kept}, the checkpoint ends before entry {saved}"))
    } else if log.vote().is_none() && saved > 0 {
        Some("there is a checkpoint, but the log is blank".into())
    } else if next < saved && applied.installed != applied.log_id {
        Some(format!("the log ends before entry {next}, but entries up to {} were applied", saved - 1))
    } else {
        None
    };
    match problem {
        None => Ok((log, writer)),
        Some(what) => {
            log.stop(writer);
            Err(gap(what))
        }
    }
}
