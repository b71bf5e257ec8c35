//! The storage role: rows in, rows out.
//!
//! Replies are sent from the store's own threads as soon as it calls back. The node's runtime never
//! waits for a device: what does not fit into a store's queue waits in a task.

use std::sync::Arc;

use bytes::Bytes;
use isobar_base::{FragmentKey, TargetId};
use isobar_store::{Fragment, Store, StoreError};
use isobar_wire::message::storage::{
    DeleteRequest, GetReply, GetRequest, ListReply, ListRequest, PutRequest, StorageError,
};
use isobar_wire::{Opcode, Refusal, Request, Responder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::{KEYS_PER_MESSAGE_MAX, STORE_WRITE_UNIT_BYTES};
use crate::node::Shared;
use crate::target::Target;

/// Carries out a storage request.
pub(crate) fn handle(node: &Arc<Shared>, request: Request, responder: Responder) {
    match request.opcode {
        Opcode::Put => match isobar_wire::decode::<PutRequest>(&request.body) {
            Ok(put) => with_target(node, put.target, responder, |target, responder| {
                let permits = 1 + request.payload.len() / STORE_WRITE_UNIT_BYTES;
                when_room(&target.writes.clone(), permits as u32, move |permit| {
                    let store = target.store.clone();
                    store.put(put.header, request.payload, move |result| {
                        drop(permit);
                        match result {
                            Ok(()) => responder.reply(&()),
                            Err(error) => responder.refuse(refusal(&target, error)),
                        }
                    });
                });
            }),
            Err(_) => responder.refuse(Refusal::Unreadable),
        },
        Opcode::Get => match isobar_wire::decode::<GetRequest>(&request.body) {
            Ok(get) => {
                let shared = node.clone();
                with_target(node, get.target, responder, |target, responder| {
                    when_room(&target.reads.clone(), 1, move |permit| {
                        read(shared, target, get, permit, responder);
                    });
                });
            }
            Err(_) => responder.refuse(Refusal::Unreadable),
        },
        Opcode::Delete => match isobar_wire::decode::<DeleteRequest>(&request.body) {
            Ok(delete) if delete.keys.len() > KEYS_PER_MESSAGE_MAX => responder.refuse(Refusal::Unreadable),
            Ok(delete) => with_target(node, delete.target, responder, |target, responder| {
                // The store splits long deletes into as many writes.
                let permits = 1 + delete.keys.len() / 1024;
                when_room(&target.writes.clone(), permits as u32, move |permit| {
                    let store = target.store.clone();
                    store.delete(delete.keys, move |result| {
                        drop(permit);
                        match result {
                            Ok(()) => responder.reply(&()),
                            Err(error) => responder.refuse(refusal(&target, error)),
                        }
                    });
                });
            }),
            Err(_) => responder.refuse(Refusal::Unreadable),
        },
        Opcode::List => match isobar_wire::decode::<ListRequest>(&request.body) {
            Ok(list) => with_target(node, list.target, responder, |target, responder| {
                let rows = list_rows(&target.store, list.after, list.limit as usize);
                responder.reply(&ListReply { rows });
            }),
            Err(_) => responder.refuse(Refusal::Unreadable),
        },
        _ => responder.refuse(Refusal::Unknown),
    }
}

/// Rows of a store in order of their keys.
pub(crate) fn list_rows(
    store: &Store,
    after: Option<FragmentKey>,
    limit: usize,
) -> Vec<(FragmentKey, isobar_base::Geometry)> {
    store
        .list(after, limit.min(KEYS_PER_MESSAGE_MAX))
        .into_iter()
        .map(|row| (row.key, row.geometry))
        .collect()
}

fn with_target(node: &Shared, id: TargetId, responder: Responder, act: impl FnOnce(Arc<Target>, Responder)) {
    match node.target(id) {
        Some(target) => act(target, responder),
        None => responder.refuse(Refusal::Storage(StorageError::NoSuchTarget)),
    }
}

/// Runs `act` at once when the queue has room, otherwise from a task once it has.
pub(crate) fn when_room(
    room: &Arc<Semaphore>,
    permits: u32,
    act: impl FnOnce(OwnedSemaphorePermit) + Send + 'static,
) {
    match room.clone().try_acquire_many_owned(permits) {
        Ok(permit) => act(permit),
        Err(_) => {
            let room = room.clone();
            tokio::spawn(async move {
                // The semaphore is never closed.
                if let Ok(permit) = room.acquire_many_owned(permits).await {
                    act(permit);
                }
            });
        }
    }
}

fn read(
    node: Arc<Shared>,
    target: Arc<Target>,
    get: GetRequest,
    permit: OwnedSemaphorePermit,
    responder: Responder,
) {
    let to_the_end = get.units == 0;
    let Some(end) = get.first_unit.checked_add(get.units) else {
        return responder.refuse(Refusal::Unreadable);
    };
    // The length of the row is not known here: all of it is read when only the end is wanted.
    let units = if to_the_end { Store::WHOLE } else { get.first_unit..end };
    let store = target.store.clone();
    store.get(get.key, units, move |result| {
        drop(permit);
        match result {
            Ok(fragment) => reply_fragment(fragment, get.first_unit, responder),
            // A target that still lacks rows cannot tell "deleted" from "not rebuilt yet".
            Err(StoreError::NotFound(_)) if !node.is_clean(target.id()) => {
                responder.refuse(Refusal::Storage(StorageError::NotReady));
            }
            Err(error) => responder.refuse(refusal(&target, error)),
        }
    });
}

fn reply_fragment(fragment: Fragment, first_unit: u32, responder: Responder) {
    let Fragment { key, geometry, first_unit: at, mut unit_crcs, data, .. } = fragment;
    let skip = (first_unit - at) as usize;
    if skip > 0 && skip >= unit_crcs.len() {
        return responder.refuse(Refusal::Unreadable);
    }
    unit_crcs.drain(..skip);
    let payload = Bytes::from_owner(data).slice(skip * isobar_base::limits::UNIT_BYTES as usize..);
    responder.reply_with_payload(&GetReply { key, geometry, unit_crcs }, vec![payload]);
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
