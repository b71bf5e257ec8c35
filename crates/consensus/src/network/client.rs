//! openraft's view of one peer: entries, votes and snapshots go to it through a client.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

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

use super::message::SnapshotReply;
use super::outbound::Network;
use super::transport::Rpc;
use crate::ids::{LogId, Vote};
use crate::types::Types;
use crate::{Member, TransportError};

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

/// What openraft is told while this replica sends nothing as leader: it tries again.
fn stood_down<E: std::error::Error>() -> CallError<E> {
    call_error(TransportError::Unreachable("this leader has stood down".to_owned()))
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
        if self.network.stood_down.get() {
            return Err(stood_down());
        }
        if self.dispensable(&rpc) {
            if rpc.leader_commit > self.commit_sent {
                self.network.defer(&self.peer, rpc);
            }
            return Ok(AppendEntriesResponse::Success);
        }
        if !rpc.entries.is_empty()
            && let Some(delay) = self.network.fanout.delay_for(self.peer.id)
        {
            tokio::time::sleep(delay).await;
        }
        let sent = Instant::now();
        let last = rpc.entries.last().map(|e| e.log_id).or(rpc.prev_log_id);
        let bytes_hint = rpc
            .entries
            .iter()
            .map(|e| if let EntryPayload::Normal(p) = &e.payload { p.0.len() + 40 } else { 256 })
            .sum();
        self.network.drop_deferred(&self.peer);
        let reply =
            self.network.call(&self.peer, Rpc::AppendEntries, &rpc, bytes_hint, option.hard_ttl()).await;
        let reply = reply.map_err(|error| {
            self.network.fanout.failed(self.peer.id);
            call_error(error)
        })?;
        if let AppendEntriesResponse::Conflict = reply {
            self.network.memory.lacks(&self.peer, rpc.prev_log_id, self.confirmed);
            if self.network.memory.has_gone_back(self.peer.id) {
                let why = format!("{} lost what it had acknowledged", self.peer);
                return Err(call_error(TransportError::Unreachable(why)));
            }
        }
        if let AppendEntriesResponse::Success = reply {
            if let Some(last) = last {
                self.network.log.wait_durable(last.index).await;
            }
            self.network.memory.acknowledged(self.peer.id, last, rpc.leader_commit);
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

    /// Sends a snapshot, but only to a peer that answers: the file is written when first read, and a dead
    /// peer is tried again and again.
    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot<Types>,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<u64>, StreamingError<Types, openraft::error::Fatal<u64>>> {
        if self.network.stood_down.get() {
            let error = TransportError::Unreachable("this leader has stood down".to_owned());
            return Err(Unreachable::new(&error).into());
        }
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
