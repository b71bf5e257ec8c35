//! Requests to this node, sorted by who carries them out. Runs on the connection's task: nothing here
//! blocks, and what has to wait does so in a task of its own.

use std::sync::Arc;

use isobar_base::GroupId;
use isobar_consensus::{ConsensusError, Rpc};
use isobar_wire::message::admin::AdminRequest;
use isobar_wire::message::cluster::{ClusterReply, Heartbeat, RenewReply, RenewRequest};
use isobar_wire::message::delegations::{DelegationReply, DelegationRequest};
use isobar_wire::message::ops::{MutateReply, MutateRequest};
use isobar_wire::message::queries::{QueryReply, QueryRequest};
use isobar_wire::{Handler, Opcode, Refusal, Request, Responder};
use serde::de::DeserializeOwned;

use crate::context::NodeContext;
use crate::metadata::voter::GROUP;
use crate::{heartbeat, leader, probe, status, storage};

/// Hands requests to the roles of a node.
pub(crate) struct NodeHandler(pub(crate) Arc<NodeContext>);

impl Handler for NodeHandler {
    fn handle(&self, request: Request, responder: Responder) {
        let node = &self.0;
        match request.opcode {
            Opcode::Put | Opcode::Rewrite | Opcode::Get => storage::handle(node, request, responder),
            Opcode::Delete | Opcode::Withdraw | Opcode::List => storage::handle(node, request, responder),
            Opcode::Mutate => {
                let of = |asked: &MutateRequest| asked.group;
                let Some((asked, responder)) = for_this_group(&request.body, responder, of) else { return };
                node.counts.metadata_requests(asked.ops.len());
                match &node.meta {
                    Some(meta) => meta.mutate(request.from, asked, request.body.len(), responder),
                    None => responder.reply(&MutateReply::NotLeader(node.leader_addr())),
                }
            }
            Opcode::Query => {
                let of = |asked: &QueryRequest| asked.group;
                let Some((asked, responder)) = for_this_group(&request.body, responder, of) else { return };
                node.counts.metadata_requests(asked.queries.len());
                match &node.meta {
                    Some(meta) => meta.query(request.from, asked, responder),
                    None => responder.reply(&QueryReply::NotLeader(node.leader_addr())),
                }
            }
            Opcode::RaftAppend => raft(node, Rpc::AppendEntries, request.body, responder),
            Opcode::RaftVote => raft(node, Rpc::Vote, request.body, responder),
            Opcode::RaftSnapshot => raft(node, Rpc::InstallSnapshot, request.body, responder),
            Opcode::RaftStanding => raft(node, Rpc::Standing, request.body, responder),
            Opcode::Renew => {
                let of = |asked: &RenewRequest| asked.group;
                let Some((asked, responder)) = for_this_group(&request.body, responder, of) else { return };
                match node.meta.clone() {
                    Some(meta) => drop(tokio::spawn(async move { meta.renew(asked, responder).await })),
                    None => responder.reply(&RenewReply::NotLeader(node.leader_addr())),
                }
            }
            Opcode::Cluster => match &node.meta {
                Some(meta) => drop(tokio::spawn({
                    let meta = meta.clone();
                    async move { meta.cluster_view(responder).await }
                })),
                None => responder.reply(&ClusterReply::NotLeader(node.leader_addr())),
            },
            Opcode::Heartbeat => match isobar_wire::decode::<Heartbeat>(&request.body) {
                Ok(said) => responder.reply(&heartbeat::hear(node, said)),
                Err(_) => responder.refuse(Refusal::Unreadable),
            },
            Opcode::Probe => probe::handle(node, request, responder),
            Opcode::NodeStatus => node_status(node, &request.body, responder),
            Opcode::Delegation => {
                let of = |asked: &DelegationRequest| asked.group;
                let Some((asked, responder)) = for_this_group(&request.body, responder, of) else { return };
                match node.meta.clone() {
                    Some(meta) => drop(tokio::spawn(async move {
                        responder.reply(&meta.delegations(asked).await);
                    })),
                    None => responder.reply(&DelegationReply::NotLeader(node.leader_addr())),
                }
            }
            Opcode::Admin => match isobar_wire::decode::<AdminRequest>(&request.body) {
                Ok(request) => {
                    let node = node.clone();
                    tokio::spawn(async move {
                        let reply = leader::admin(&node, node.meta.as_ref(), request).await;
                        responder.reply(&reply);
                    });
                }
                Err(_) => responder.refuse(Refusal::Unreadable),
            },
        }
    }
}

/// A request to a metadata group, if it can be read and is for the group that there is; refused otherwise.
fn for_this_group<T: DeserializeOwned>(
    body: &[u8],
    responder: Responder,
    group: impl Fn(&T) -> GroupId,
) -> Option<(T, Responder)> {
    let refusal = match isobar_wire::decode::<T>(body) {
        Ok(request) if group(&request) == GROUP => return Some((request, responder)),
        Ok(_) => Refusal::WrongRole,
        Err(_) => Refusal::Unreadable,
    };
    responder.refuse(refusal);
    None
}

fn raft(node: &NodeContext, rpc: Rpc, body: Vec<u8>, responder: Responder) {
    let Some(meta) = &node.meta else { return responder.refuse(Refusal::WrongRole) };
    let group = meta.group.clone();
    tokio::spawn(async move {
        match group.handle(rpc, &body).await {
            Ok(reply) => responder.reply_raw(&reply, Vec::new()),
            Err(ConsensusError::WentBack { from }) => {
                let voters = group.status().voters;
                let name = voters.iter().find(|voter| voter.id == from).map_or("NAME", |voter| &voter.name);
                let why = format!(
                    "the metadata of node {name} was put back from a copy and lacks what it acknowledged: \
                     move its directory away, start the node, and run `isobar node replace {name}`"
                );
                responder.refuse(Refusal::Unavailable(why));
            }
            Err(error) => responder.refuse(Refusal::Unavailable(error.to_string())),
        }
    });
}

/// The body is empty, or one `bool`: whether the hash of the metadata state is wanted.
fn node_status(node: &Arc<NodeContext>, body: &[u8], responder: Responder) {
    let hash = match body {
        [] => false,
        body => match isobar_wire::decode::<bool>(body) {
            Ok(hash) => hash,
            Err(_) => return responder.refuse(Refusal::Unreadable),
        },
    };
    if !hash {
        return responder.reply(&status::status(node, false));
    }
    let node = node.clone();
    tokio::task::spawn_blocking(move || responder.reply(&status::status(&node, true)));
}
