//! Opening and closing a replica: its files, openraft, and the tasks beside it.

use std::sync::Arc;

use openraft::Raft;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::files::{self, Files, LogDevice};
use super::{Group, Handle};
use crate::leader_contact::LeaderContact;
use crate::machine::Machine;
use crate::member::needs_others;
use crate::network::{Factory, Network};
use crate::read_index::ReadIndex;
use crate::replica::Replica;
use crate::stood_down::StoodDown;
use crate::{
    ConsensusError, GroupConfig, Leadership, StateMachine, Transport, leadership, log_trimmer, pre_vote,
    watchdog,
};

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
        Group::open_on(config, sm, transport, Box::new(|disk| Arc::new(disk))).await
    }

    /// Like [`Group::open`], with the log on what `log_device` makes of its file.
    ///
    /// # Errors
    /// As [`Group::open`].
    pub async fn open_on(
        config: GroupConfig,
        sm: Arc<dyn StateMachine>,
        transport: Arc<dyn Transport>,
        log_device: LogDevice,
    ) -> Result<Group, ConsensusError> {
        let raft_config = Arc::new(config.raft()?);
        let opening = config.clone();
        let opened = tokio::task::spawn_blocking(move || files::open(&opening, log_device)).await;
        let Files { log, state, threads } = opened.map_err(|e| ConsensusError::Stopped(e.to_string()))??;
        let stood_down = Arc::new(StoodDown::default());
        let network = Network::new(&config, transport, log.clone(), stood_down.clone());
        let machine = Machine {
            state: state.clone(),
            log: log.clone(),
            user: sm,
            group: config.group,
            dir: config.dir.clone(),
        };
        let me = config.me.id;
        let replica = Arc::new(Replica {
            config,
            log: log.clone(),
            state,
            leader_contact: LeaderContact::now(),
            known_leader: Mutex::default(),
            stood_down,
        });
        let raft = match Raft::new(me, raft_config, Factory(network.clone()), log, machine).await {
            Ok(raft) => raft,
            Err(error) => {
                threads.stop(&replica.log, &replica.state);
                return Err(ConsensusError::Stopped(error.to_string()));
            }
        };
        // Until now nothing was appended; from here on the log follows membership itself.
        let effective =
            raft.with_raft_state(|state| needs_others(state.membership_state.effective().membership())).await;
        replica.log.set_shared_majority(effective.unwrap_or(false));
        let (read_index, confirmations) = ReadIndex::start(replica.clone(), network.clone());
        let (sender, changes) = watch::channel(Leadership::default());
        let tasks = vec![
            confirmations,
            tokio::spawn(network.clone().flush_deferred()),
            tokio::spawn(log_trimmer::run(replica.clone(), raft.clone())),
            tokio::spawn(pre_vote::run(replica.clone(), raft.clone(), network.clone())),
            tokio::spawn(watchdog::run(replica.clone(), raft.clone(), network.clone())),
            tokio::spawn(leadership::watch(replica.clone(), raft.clone(), network.clone(), sender)),
        ];
        let (tasks, threads) = (Mutex::new(tasks), Mutex::new(Some(threads)));
        Ok(Group(Arc::new(Handle {
            replica,
            raft,
            network,
            closing: false.into(),
            read_index,
            changes,
            tasks,
            threads,
        })))
    }

    /// Stops the replica and closes its files. What is not checkpointed is replayed from the log at the next
    /// start, as after a crash. Other clones answer `Stopped` afterwards.
    pub async fn shutdown(self) {
        self.0.closing.store(true, std::sync::atomic::Ordering::Release);
        // Fails only when the core task was cancelled, which is what is wanted.
        let _ = self.0.raft.shutdown().await;
        self.0.tasks.lock().drain(..).for_each(|task| task.abort());
        let Some(threads) = self.0.threads.lock().take() else { return };
        let replica = self.0.replica.clone();
        let stop = move || threads.stop(&replica.log, &replica.state);
        if let Err(error) = tokio::task::spawn_blocking(stop).await {
            tracing::error!(%error, "closing the files failed");
        }
    }
}
