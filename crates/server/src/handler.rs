//! Requests to this node, sorted by who carries them out. Runs on the connection's task: nothing here
//! blocks, and what has to wait does so in a task of its own.

use std::sync::Arc;

use isobar_consensus::{ProposeError, Rpc};
use isobar_wire::message::cluster::{
    AdminRequest, ClusterReply, ClusterView, Heartbeat, RenewReply, RenewRequest,
};
use isobar_wire::message::leases::{LeaseReply, LeaseRequest};
use isobar_wire::message::ops::MutateReply;
use isobar_wire::message::queries::{Answer, Query, QueryReply};
use isobar_wire::{Handler, Opcode, Refusal, Request, Responder};

use crate::leader::{self, Renewal};
use crate::limits::ORPHANS_PER_RENEWAL_MAX;
use crate::metadata::Metadata;
use crate::node::Shared;
use crate::{heartbeat, probe, status, storage};

/// Hands requests to the roles of a node.
pub(crate) struct NodeHandler(pub(crate) Arc<Shared>);

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
                    Some(meta) => drop(tokio::spawn(renew(meta.clone(), renewal, responder))),
                    None => responder.reply(&RenewReply::NotLeader(node.leader_addr())),
                },
                Err(_) => responder.refuse(Refusal::Unreadable),
            },
            Opcode::Cluster => match &node.meta {
                Some(meta) => drop(tokio::spawn(cluster(meta.clone(), responder))),
                None => responder.reply(&ClusterReply::NotLeader(node.leader_addr())),
            },
            Opcode::Heartbeat => match isobar_wire::decode::<Heartbeat>(&request.body) {
                Ok(said) => responder.reply(&heartbeat::hear(node, said)),
                Err(_) => responder.refuse(Refusal::Unreadable),
            },
            Opcode::Probe => probe::handle(node, request, responder),
            Opcode::NodeStatus => node_status(node, &request.body, responder),
            Opcode::Lease => match isobar_wire::decode::<LeaseRequest>(&request.body) {
                Ok(request) => match &node.meta {
                    Some(meta) => {
                        let meta = meta.clone();
                        tokio::spawn(async move { responder.reply(&leader::leases(&meta, request).await) });
                    }
                    None => responder.reply(&LeaseReply::NotLeader(node.leader_addr())),
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

fn raft(node: &Shared, rpc: Rpc, body: Vec<u8>, responder: Responder) {
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
fn node_status(node: &Arc<Shared>, body: &[u8], responder: Responder) {
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

async fn cluster(meta: Arc<Metadata>, responder: Responder) {
    match meta.read(isobar_meta::cluster_map).await {
        Ok(map) => {
            let live = meta.liveness.live(&map);
            responder.reply(&ClusterReply::View(ClusterView { map, live }));
        }
        Err(ProposeError::NotLeader { leader }) => {
            responder.reply(&ClusterReply::NotLeader(leader.map(|l| l.addr)));
        }
        Err(error) => responder.refuse(Refusal::Unavailable(error.to_string())),
    }
}

/// Renews a session, confirmed by ReadIndex: a deposed leader renews nothing (I10).
async fn renew(meta: Arc<Metadata>, request: RenewRequest, responder: Responder) {
    let RenewRequest { session, epoch } = request;
    let renewed = meta
        .read(|kv| {
            let exists = || leader::live_sessions(kv).contains(&session);
            let renewal = meta.sessions.renew(session, exists);
            let orphans = Query::Orphans { session, limit: ORPHANS_PER_RENEWAL_MAX };
            let orphans = match isobar_meta::query(kv, &orphans) {
                Ok(Answer::Inos(inos)) if renewal == Renewal::Renewed => inos,
                _ => Vec::new(),
            };
            (renewal, isobar_meta::cluster_map(kv), orphans)
        })
        .await;
    match renewed {
        Ok((Renewal::Renewed, map, orphans)) => {
            let live = meta.liveness.live(&map);
            let map = (map.epoch > epoch).then_some(map);
            responder.reply(&RenewReply::Renewed { map, live, orphans });
        }
        Ok((Renewal::Gone, ..)) => responder.reply(&RenewReply::Gone),
        Ok((Renewal::Expiring, ..)) => {
            responder.refuse(Refusal::Unavailable("the session is being expired".to_owned()));
        }
        Err(ProposeError::NotLeader { leader }) => {
            responder.reply(&RenewReply::NotLeader(leader.map(|l| l.addr)));
        }
        Err(error) => responder.refuse(Refusal::Unavailable(error.to_string())),
    }
}
