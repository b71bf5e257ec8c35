//! Sending messages to peers, at once or a little later.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse};
use parking_lot::Mutex;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Notify;

use super::fanout::Fanout;
use super::memory_of_peers::MemoryOfPeers;
use super::message::{PreVoteState, encode};
use super::transport::{Rpc, Transport};
use crate::log::LogStore;
use crate::stood_down::StoodDown;
use crate::types::Types;
use crate::{GroupConfig, Member, TransportError};

/// What all clients of a group share.
pub(crate) struct Network {
    pub group: u16,
    pub me: u64,
    pub transport: Arc<dyn Transport>,
    pub log: LogStore,
    pub heartbeat: Duration,
    pub commit_delay: Duration,
    pub fanout: Fanout,
    pub memory: MemoryOfPeers,
    /// While this is set nothing is sent that only a leader sends.
    pub stood_down: Arc<StoodDown>,
    /// When the last message that was answered was sent, by peer.
    answered: Mutex<HashMap<u64, Instant>>,
    /// Commit indexes that no entry has carried yet, by follower.
    deferred: Mutex<HashMap<u64, (Member, AppendEntriesRequest<Types>)>>,
    any_deferred: Notify,
}

impl Network {
    pub(crate) fn new(
        config: &GroupConfig,
        transport: Arc<dyn Transport>,
        log: LogStore,
        stood_down: Arc<StoodDown>,
    ) -> Arc<Network> {
        Arc::new(Network {
            group: config.group,
            me: config.me.id,
            transport,
            log,
            heartbeat: Duration::from_millis(config.heartbeat_ms),
            commit_delay: Duration::from_millis(config.commit_delay_ms),
            fanout: Fanout::new(config.me.id),
            memory: MemoryOfPeers::default(),
            stood_down,
            answered: Mutex::default(),
            deferred: Mutex::default(),
            any_deferred: Notify::new(),
        })
    }

    /// Sends `request`, of about `bytes_hint` bytes, to `peer` and decodes the reply.
    ///
    /// # Errors
    /// Of the transport; `Unreachable` when the peer's disk went back in time; `Refused` when something
    /// cannot be encoded or decoded.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        peer: &Member,
        rpc: Rpc,
        request: &impl Serialize,
        bytes_hint: usize,
        timeout: Duration,
    ) -> Result<T, TransportError> {
        self.check(peer)?;
        let body = encode(self.group, self.me, peer.id, request, bytes_hint)
            .map_err(|e| TransportError::Refused(e.to_string()))?;
        let sent = Instant::now();
        let reply = self.transport.call(peer, rpc, body, timeout).await?;
        self.answered.lock().insert(peer.id, sent);
        postcard::from_bytes(&reply).map_err(|e| TransportError::Refused(format!("malformed reply: {e}")))
    }

    fn check(&self, peer: &Member) -> Result<(), TransportError> {
        if self.memory.has_gone_back(peer.id) {
            return Err(TransportError::Unreachable(format!("{peer} lost what it had acknowledged")));
        }
        Ok(())
    }

    /// Asks `peer` where it stands.
    ///
    /// # Errors
    /// As [`Network::call`].
    pub(crate) async fn standing(
        &self,
        peer: &Member,
        timeout: Duration,
    ) -> Result<PreVoteState, TransportError> {
        let known = self.memory.known(peer.id);
        let state: PreVoteState = self.call(peer, Rpc::Standing, &(), 0, timeout).await?;
        self.memory.ends_at(peer.id, state.last, known);
        self.check(peer)?;
        Ok(state)
    }

    /// When what a majority of every set of voters has answered was sent, this one counted as answering now;
    /// `None` while no majority has.
    pub(crate) fn majority_answered(&self, configs: &[BTreeSet<u64>]) -> Option<Instant> {
        let (answered, now) = (self.answered.lock(), Instant::now());
        let of_one = |voters: &BTreeSet<u64>| {
            let at = |v: &u64| if *v == self.me { Some(now) } else { answered.get(v).copied() };
            let mut times: Vec<Instant> = voters.iter().filter_map(at).collect();
            times.sort_unstable_by(|a, b| b.cmp(a));
            times.get(voters.len() / 2).copied()
        };
        configs.iter().map(of_one).min().flatten()
    }

    /// Keeps a message to `peer` that carries nothing but a commit index, to be sent a little later.
    pub(super) fn defer(&self, peer: &Member, request: AppendEntriesRequest<Types>) {
        self.deferred.lock().insert(peer.id, (peer.clone(), request));
        self.any_deferred.notify_one();
    }

    /// Drops what is deferred for `peer`: a message that carries it is on its way.
    pub(super) fn drop_deferred(&self, peer: &Member) {
        self.deferred.lock().remove(&peer.id);
    }

    /// Sends commit indexes that nothing else carried. Runs as long as the group.
    pub(crate) async fn flush_deferred(self: Arc<Network>) {
        loop {
            self.any_deferred.notified().await;
            tokio::time::sleep(self.commit_delay).await;
            let deferred: Vec<_> = self.deferred.lock().drain().collect();
            if self.stood_down.get() {
                continue;
            }
            for (_, (peer, request)) in deferred {
                let network = self.clone();
                tokio::spawn(async move {
                    let reply = network.call::<AppendEntriesResponse<u64>>(
                        &peer,
                        Rpc::AppendEntries,
                        &request,
                        0,
                        network.heartbeat,
                    );
                    // Lost or refused ones are made up for by the next heartbeat.
                    let _ = reply.await;
                });
            }
        }
    }
}
