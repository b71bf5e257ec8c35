//! Messages between the replicas of a group.
//!
//! A message is `group, sender, addressee` and the request in postcard. **The addressee is checked**: a blank disk
//! that took over an address is a stranger and must not answer for the disk before it (I13).
//!
//! Three rules make a round cheap:
//! - Only as many followers as a majority needs get entries at once (`pace`).
//! - A reply to entries is handed to openraft only when this node's own copy is durable (L5 in `log`).
//! - openraft sends an empty message to every follower whenever the commit index moves. A follower that answered
//!   within the last heartbeat interval does not need one: the commit index rides on the next entries, or is sent
//!   by `commit_delay_ms` later when there are none. Only messages whose previous log id this follower has itself
//!   confirmed to this client are ever left out, and read confirmations (fresh clients) never are.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openraft::error::{
    InstallSnapshotError, NetworkError, RPCError, RaftError, RemoteError, ReplicationClosed, StreamingError,
    Unreachable,
};
use openraft::network::snapshot_transport::{Chunked, SnapshotTransport};
use openraft::network::{Backoff, RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::{EntryPayload, Snapshot};
use parking_lot::Mutex;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Notify;

use crate::ids::{LogId, Vote};
use crate::log::LogStore;
use crate::pace::Pace;
use crate::types::Types;
use crate::{ConsensusError, Member, TransportError};

/// Which request a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Rpc {
    /// Entries, commit index, heartbeat.
    AppendEntries = 1,
    /// Request for a vote.
    Vote = 2,
    /// A piece of a snapshot.
    InstallSnapshot = 3,
    /// Question how far a voter is, for whom it voted, and whether it hears a leader.
    Standing = 4,
}

impl TryFrom<u8> for Rpc {
    type Error = u8;
    fn try_from(byte: u8) -> Result<Rpc, u8> {
        [Rpc::AppendEntries, Rpc::Vote, Rpc::InstallSnapshot, Rpc::Standing]
            .into_iter()
            .find(|&rpc| rpc as u8 == byte)
            .ok_or(byte)
    }
}

/// A reply under way.
pub type Reply = Pin<Box<dyn Future<Output = Result<Vec<u8>, TransportError>> + Send>>;

/// Carries messages to peers. Losing, delaying, repeating and reordering them is harmless.
pub trait Transport: Send + Sync + 'static {
    /// Sends `body` to `peer`, whose [`Group::handle`](crate::Group::handle) answers it.
    fn call(&self, peer: &Member, rpc: Rpc, body: Vec<u8>, timeout: Duration) -> Reply;
}

/// Bytes before the request.
pub(crate) const ENVELOPE_BYTES: usize = 18;

/// Encodes a message.
pub(crate) fn encode(
    group: u16,
    from: u64,
    to: u64,
    request: &impl Serialize,
    bytes_hint: usize,
) -> Result<Vec<u8>, ConsensusError> {
    let mut out = Vec::with_capacity(ENVELOPE_BYTES + 256 + bytes_hint);
    out.extend_from_slice(&group.to_le_bytes());
    out.extend_from_slice(&from.to_le_bytes());
    out.extend_from_slice(&to.to_le_bytes());
    postcard::to_extend(request, out).map_err(|e| ConsensusError::Malformed(e.to_string()))
}

/// Decodes a message meant for `me` in `group`.
pub(crate) fn decode<T: DeserializeOwned>(group: u16, me: u64, body: &[u8]) -> Result<T, ConsensusError> {
    let malformed = || ConsensusError::Malformed(format!("message of {} bytes", body.len()));
    let (head, request) = body.split_at_checked(ENVELOPE_BYTES).ok_or_else(malformed)?;
    let to_group = u16::from_le_bytes([head[0], head[1]]);
    let to = u64::from_le_bytes(head[10..18].try_into().map_err(|_| malformed())?);
    if (to_group, to) != (group, me) {
        return Err(ConsensusError::WrongPeer { to, group: to_group, me, my_group: group });
    }
    postcard::from_bytes(request).map_err(|e| ConsensusError::Malformed(e.to_string()))
}

/// A reply to a piece of a snapshot.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) enum SnapshotReply {
    Taken(InstallSnapshotResponse<u64>),
    Mismatch(openraft::error::SnapshotMismatch),
}

/// What all clients of a group share.
pub(crate) struct Network {
    pub group: u16,
    pub me: u64,
    pub transport: Arc<dyn Transport>,
    pub log: LogStore,
    pub heartbeat: Duration,
    pub commit_delay: Duration,
    pub pace: Pace,
    /// Commit indexes that no entry has carried yet, by follower.
    owed: Mutex<HashMap<u64, (Member, AppendEntriesRequest<Types>)>>,
    owing: Notify,
}

impl Network {
    pub(crate) fn new(
        config: &crate::GroupConfig,
        transport: Arc<dyn Transport>,
        log: LogStore,
    ) -> Arc<Network> {
        Arc::new(Network {
            group: config.group,
            me: config.me.id,
            transport,
            log,
            heartbeat: Duration::from_millis(config.heartbeat_ms),
            commit_delay: Duration::from_millis(config.commit_delay_ms),
            pace: Pace::new(config.me.id),
            owed: Mutex::default(),
            owing: Notify::new(),
        })
    }

    /// Sends `request` to `peer`.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        peer: &Member,
        rpc: Rpc,
        request: &impl Serialize,
        bytes_hint: usize,
        timeout: Duration,
    ) -> Result<T, TransportError> {
        let body = encode(self.group, self.me, peer.id, request, bytes_hint)
            .map_err(|e| TransportError::Refused(e.to_string()))?;
        let reply = self.transport.call(peer, rpc, body, timeout).await?;
        postcard::from_bytes(&reply).map_err(|e| TransportError::Refused(format!("malformed reply: {e}")))
    }

    /// Sends commit indexes that nothing else carried. Runs as long as the group.
    pub(crate) async fn pay_owed(self: Arc<Network>) {
        loop {
            self.owing.notified().await;
            tokio::time::sleep(self.commit_delay).await;
            let owed: Vec<_> = self.owed.lock().drain().collect();
            for (_, (member, request)) in owed {
                let network = self.clone();
                tokio::spawn(async move {
                    // Lost or refused ones are made up for by the next heartbeat.
                    let _ = network
                        .call::<AppendEntriesResponse<u64>>(
                            &member,
                            Rpc::AppendEntries,
                            &request,
                            0,
                            network.heartbeat,
                        )
                        .await;
                });
            }
        }
    }
}

/// Makes clients for openraft.
pub(crate) struct Factory(pub Arc<Network>);

impl RaftNetworkFactory<Types> for Factory {
    type Network = Client;

    async fn new_client(&mut self, _target: u64, node: &Member) -> Client {
        Client {
            network: self.0.clone(),
            peer: node.clone(),
            confirmed: None,
            answered: None,
            commit_sent: None,
        }
    }
}

/// One stream of messages to one peer.
pub(crate) struct Client {
    network: Arc<Network>,
    peer: Member,
    /// The last log id the peer has confirmed to this client.
    confirmed: Option<LogId>,
    /// When the last message that was answered was sent.
    answered: Option<Instant>,
    commit_sent: Option<LogId>,
}

type CallError<E> = RPCError<u64, Member, RaftError<u64, E>>;

fn call_error<E: std::error::Error>(error: TransportError) -> CallError<E> {
    match error {
        TransportError::Unreachable(_) => RPCError::Unreachable(Unreachable::new(&error)),
        TransportError::Timeout | TransportError::Refused(_) => RPCError::Network(NetworkError::new(&error)),
    }
}

impl Client {
    /// Whether `request` tells the peer nothing it must know now.
    fn dispensable(&self, request: &AppendEntriesRequest<Types>) -> bool {
        request.entries.is_empty()
            && self.confirmed.is_some()
            && request.prev_log_id == self.confirmed
            && self.answered.is_some_and(|at| at.elapsed() < self.network.heartbeat)
    }
}

impl RaftNetwork<Types> for Client {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>, CallError<openraft::error::Infallible>> {
        if self.dispensable(&rpc) {
            if rpc.leader_commit > self.commit_sent {
                self.network.owed.lock().insert(self.peer.id, (self.peer.clone(), rpc));
                self.network.owing.notify_one();
            }
            return Ok(AppendEntriesResponse::Success);
        }
        if !rpc.entries.is_empty()
            && let Some(later) = self.network.pace.wait_for(self.peer.id)
        {
            tokio::time::sleep(later).await;
        }
        let sent = Instant::now();
        let last = rpc.entries.last().map(|e| e.log_id).or(rpc.prev_log_id);
        let bytes_hint = rpc
            .entries
            .iter()
            .map(|e| if let EntryPayload::Normal(p) = &e.payload { p.0.len() + 40 } else { 256 })
            .sum();
        self.network.owed.lock().remove(&self.peer.id);
        let reply =
            self.network.call(&self.peer, Rpc::AppendEntries, &rpc, bytes_hint, option.hard_ttl()).await;
        let reply = reply.map_err(|error| {
            self.network.pace.failed(self.peer.id);
            call_error(error)
        })?;
        if let AppendEntriesResponse::Success = reply {
            if let Some(last) = last {
                self.network.log.wait_durable(last.index).await;
            }
            (self.confirmed, self.answered, self.commit_sent) = (last, Some(sent), rpc.leader_commit);
        }
        Ok(reply)
    }

    async fn install_snapshot(
        &mut self,
        rpc: InstallSnapshotRequest<Types>,
        option: RPCOption,
    ) -> Result<InstallSnapshotResponse<u64>, CallError<InstallSnapshotError>> {
        let bytes_hint = rpc.data.len();
        let reply =
            self.network.call(&self.peer, Rpc::InstallSnapshot, &rpc, bytes_hint, option.hard_ttl()).await;
        match reply.map_err(call_error)? {
            SnapshotReply::Taken(response) => Ok(response),
            SnapshotReply::Mismatch(mismatch) => Err(RPCError::RemoteError(RemoteError::new(
                self.peer.id,
                RaftError::APIError(InstallSnapshotError::SnapshotMismatch(mismatch)),
            ))),
        }
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<u64>,
        option: RPCOption,
    ) -> Result<VoteResponse<u64>, CallError<openraft::error::Infallible>> {
        self.network.call(&self.peer, Rpc::Vote, &rpc, 0, option.hard_ttl()).await.map_err(call_error)
    }

    /// Sends a snapshot, but only to a peer that answers: the dump is written when first read, and a dead peer is
    /// tried again and again.
    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot<Types>,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<u64>, StreamingError<Types, openraft::error::Fatal<u64>>> {
        let hello = AppendEntriesRequest::<Types> {
            vote,
            prev_log_id: None,
            entries: Vec::new(),
            leader_commit: None,
        };
        let answer = self
            .network
            .call::<AppendEntriesResponse<u64>>(
                &self.peer,
                Rpc::AppendEntries,
                &hello,
                0,
                self.network.heartbeat * 5,
            )
            .await;
        if let Err(error) = answer {
            return Err(Unreachable::new(&error).into());
        }
        Chunked::send_snapshot(self, vote, snapshot, cancel, option).await
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(std::iter::repeat(self.network.heartbeat))
    }
}
