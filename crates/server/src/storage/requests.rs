//! Rows in, rows out: requests of clients and of other nodes to a target of this one.
//!
//! Replies are sent from the store's own threads as soon as it calls back. The node's runtime never
//! waits for a device: what does not fit into a store's queue waits in a task.

use std::sync::Arc;

use bytes::Bytes;
use isobar_base::TargetId;
use isobar_store::{Fragment, Store, StoreError};
use isobar_wire::message::queries::{Answer, ClusterQuery, SegmentState};
use isobar_wire::message::storage::{
    DeleteRequest, GetReply, GetRequest, ListReply, ListRequest, PutRequest, StorageError,
};
use isobar_wire::{Opcode, Refusal, Request, Responder, Role};
use serde::de::DeserializeOwned;

use super::Target;
use crate::context::NodeContext;
use crate::limits::KEYS_PER_MESSAGE_MAX;

/// Carries out a storage request.
pub(crate) fn handle(node: &Arc<NodeContext>, request: Request, responder: Responder) {
    node.counts.storage_request(request.from);
    let carried_out = match request.opcode {
        Opcode::Put => put(node, request, responder),
        Opcode::Rewrite => rewrite(node, request, responder),
        Opcode::Get => get(node, request, responder),
        Opcode::Delete => delete(node, &request.body, responder),
        Opcode::Withdraw => withdraw(node, &request.body, responder),
        Opcode::List => list(node, &request.body, responder),
        _ => return responder.refuse(Refusal::Unknown),
    };
    if let Err((responder, refusal)) = carried_out {
        responder.refuse(refusal);
    }
}

/// The request is on its way, or why it is refused.
type Begun = Result<(), (Responder, Refusal)>;

/// The request in a message and the target it names.
fn parse<Q: DeserializeOwned>(
    node: &NodeContext,
    body: &[u8],
    responder: Responder,
    target: impl FnOnce(&Q) -> TargetId,
) -> Result<(Q, Arc<Target>, Responder), (Responder, Refusal)> {
    let Ok(request) = isobar_wire::decode::<Q>(body) else { return Err((responder, Refusal::Unreadable)) };
    match node.target(target(&request)) {
        Some(target) => Ok((request, target, responder)),
        None => Err((responder, Refusal::Storage(StorageError::NoSuchTarget))),
    }
}

fn put(node: &Arc<NodeContext>, request: Request, responder: Responder) -> Begun {
    let (put, target, responder) = parse(node, &request.body, responder, |put: &PutRequest| put.target)?;
    if request.from != Role::Node && !target.has_room_for_all(request.payload.len() as u64) {
        return Err((responder, Refusal::Storage(StorageError::Full)));
    }
    let (node, from, bytes) = (node.clone(), request.from, request.payload.len() as u64);
    target.put_then(put.header, request.payload, move |target, result| {
        if result.is_ok() {
            node.counts.written(from, bytes);
        }
        reply_done(target, result, responder);
    });
    Ok(())
}

fn rewrite(node: &NodeContext, request: Request, responder: Responder) -> Begun {
    let (put, target, responder) = parse(node, &request.body, responder, |put: &PutRequest| put.target)?;
    target.rewrite_then(put.header, request.payload, |target, result| reply_done(target, result, responder));
    Ok(())
}

fn get(node: &Arc<NodeContext>, request: Request, responder: Responder) -> Begun {
    let (get, target, responder) = parse(node, &request.body, responder, |get: &GetRequest| get.target)?;
    let to_the_end = get.units == 0;
    let Some(end) = get.first_unit.checked_add(get.units) else {
        return Err((responder, Refusal::Unreadable));
    };
    // The length of the row is not known here: all of it is read when only the end is wanted.
    let units = if to_the_end { Store::WHOLE } else { get.first_unit..end };
    let (node, from) = (node.clone(), request.from);
    target.get_then(get.key, units, move |target, result| match result {
        Ok(fragment) => {
            node.counts.read(from, fragment.data.len() as u64);
            reply_fragment(fragment, get.first_unit, responder);
        }
        // A target that still lacks rows cannot tell "deleted" from "not rebuilt yet".
        Err(StoreError::NotFound(_)) if !node.is_clean(target.id()) => {
            responder.refuse(Refusal::Storage(StorageError::NotReady));
        }
        Err(error) => responder.refuse(refusal(target, error)),
    });
    Ok(())
}

fn delete(node: &NodeContext, body: &[u8], responder: Responder) -> Begun {
    let (delete, target, responder) = parse(node, body, responder, |delete: &DeleteRequest| delete.target)?;
    if delete.keys.len() > KEYS_PER_MESSAGE_MAX {
        return Err((responder, Refusal::Unreadable));
    }
    target.delete_then(delete.keys, |target, result| reply_done(target, result, responder));
    Ok(())
}

/// Removes rows that their writer will never commit, after asking the ledger: whoever is wrong about that
/// loses nothing that a file uses (I6).
fn withdraw(node: &Arc<NodeContext>, body: &[u8], responder: Responder) -> Begun {
    let (withdraw, target, responder) = parse(node, body, responder, |delete: &DeleteRequest| delete.target)?;
    if withdraw.keys.len() > KEYS_PER_MESSAGE_MAX {
        return Err((responder, Refusal::Unreadable));
    }
    let node = node.clone();
    tokio::spawn(async move {
        let ids = withdraw.keys.iter().map(|key| key.segment).collect();
        match node.cluster.query(ClusterQuery::SegmentStates { ids }).await {
            Ok(Answer::SegmentStates(states)) if !states.contains(&SegmentState::Referenced) => {
                target.delete_then(withdraw.keys, |target, result| reply_done(target, result, responder));
            }
            Ok(_) => responder.refuse(Refusal::Storage(StorageError::InUse)),
            Err(_) => {
                responder.refuse(Refusal::Unavailable("the metadata leader does not answer".to_owned()))
            }
        }
    });
    Ok(())
}

fn list(node: &NodeContext, body: &[u8], responder: Responder) -> Begun {
    let (list, target, responder) = parse(node, body, responder, |list: &ListRequest| list.target)?;
    let limit = (list.limit as usize).min(KEYS_PER_MESSAGE_MAX);
    let rows =
        target.store().list(list.after, limit).into_iter().map(|row| (row.key, row.geometry)).collect();
    responder.reply(&ListReply { rows });
    Ok(())
}

fn reply_done(target: &Target, result: Result<(), StoreError>, responder: Responder) {
    match result {
        Ok(()) => responder.reply(&()),
        Err(error) => responder.refuse(refusal(target, error)),
    }
}

fn reply_fragment(fragment: Fragment, first_unit: u32, responder: Responder) {
    let Fragment { key, geometry, first_unit: at, mut unit_crcs, mut data_crcs, data } = fragment;
    let (skip, read) = ((first_unit - at) as usize, unit_crcs.len());
    if skip > 0 {
        if skip >= read {
            return responder.refuse(Refusal::Unreadable);
        }
        unit_crcs.drain(..skip);
        data_crcs = data_crcs.chunks(read).flat_map(|row| &row[skip..]).copied().collect();
    }
    let payload = Bytes::from_owner(data).slice(skip * isobar_base::limits::UNIT_BYTES as usize..);
    responder
        .reply_with_payload(&GetReply { key, geometry, first_unit, unit_crcs, data_crcs }, vec![payload]);
}

fn refusal(target: &Target, error: StoreError) -> Refusal {
    Refusal::Storage(match error {
        StoreError::NotFound(_) => StorageError::NotFound,
        StoreError::Corrupt { .. } => {
            tracing::error!(target_id = %target.id(), %error, "damaged fragment");
            StorageError::Corrupt
        }
        StoreError::ChecksumMismatch(_) => StorageError::ChecksumMismatch,
        StoreError::Conflict(_) => {
            tracing::error!(target_id = %target.id(), %error, "I1: a second payload for a fragment was refused");
            StorageError::Conflict
        }
        StoreError::Full { .. } => StorageError::Full,
        StoreError::InvalidFragment { .. } | StoreError::InvalidRange { .. } => return Refusal::Unreadable,
        error => {
            tracing::error!(target_id = %target.id(), %error, "device failed");
            StorageError::Device(error.to_string())
        }
    })
}
