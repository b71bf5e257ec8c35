//! Requests to this node, sorted by who carries them out. Runs on the connection's task: nothing here
//! blocks, and what has to wait does so in a task of its own.

use std::sync::Arc;

use isobar_consensus::Rpc;
use isobar_wire::message::admin::AdminRequest;
use isobar_wire::message::cluster::{ClusterReply, Heartbeat, RenewReply, RenewRequest};
use isobar_wire::message::delegations::{DelegationReply, DelegationRequest};
use isobar_wire::message::ops::MutateReply;
use isobar_wire::message::queries::QueryReply;
use isobar_wire::{Handler, Opcode, Refusal, Request, Responder};

use crate::context::NodeContext;
use crate::{heartbeat, leader, probe, status, storage};

/// Hands requests to the roles of a node.
pub(crate) struct NodeHandler(pub(crate) Arc<NodeContext>);

impl Handler for NodeHandler {
    fn handle(&self, request: Request, responder: Responder) {
        let node = &self.0;
        match request.opcode {
            Opcode::Put | Opcode::Get | Opcode::Delete | Opcode::List => {
                storage::handle(node, request, responder)
            }
            Opcode::Mutate => match &node.meta {
                Some(meta) => meta.mutate(&request.body, responder),
                None => responder.reply(&MutateReply::NotLeader(node.leader_addr())),
            },
            Opcode::Query => match &node.meta {
                Some(meta) => meta.query(&request.body, responder),
                None => responder.reply(&QueryReply::NotLeader(node.leader_addr())),
            },
            Opcode::RaftAppend => raft(node, Rpc::AppendEntries, request.body, responder),
            Opcode::RaftVote => raft(node, Rpc::Vote, request.body, responder),
            Opcode::RaftSnapshot => raft(node, Rpc::InstallSnapshot, request.body, responder),
            Opcode::RaftStanding => raft(node, Rpc::Standing, request.body, responder),
            Opcode::Renew => match isobar_wire::decode::<RenewRequest>(&request.body) {
                Ok(renewal) => match &node.meta {
                    Some(meta) => drop(tokio::spawn({
                        let meta = meta.clone();
                        async move { meta.renew(renewal, responder).await }
                    })),
                    None => responder.reply(&RenewReply::NotLeader(node.leader_addr())),
                },
                Err(_) => responder.refuse(Refusal::Unreadable),
            },
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
            Opcode::Delegation => match isobar_wire::decode::<DelegationRequest>(&request.body) {
                Ok(request) => match &node.meta {
                    Some(meta) => {
                        let meta = meta.clone();
                        tokio::spawn(async move { responder.reply(&meta.delegations(request).await) });
                    }
                    None => responder.reply(&DelegationReply::NotLeader(node.leader_addr())),
                },
                Err(_) => responder.refuse(Refusal::Unreadable),
            },
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

fn raft(node: &NodeContext, rpc: Rpc, body: Vec<u8>, responder: Responder) {
    let Some(meta) = &node.meta else { return responder.refuse(Refusal::WrongRole) };
    let group = meta.group.clone();
    tokio::spawn(async move {
        match group.handle(rpc, &body).await {
            Ok(reply) => responder.reply_raw(&reply, Vec::new()),
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
