//! Sessions come and go.

use isobar_base::{Errno, SessionId};
use isobar_wire::message::ops::{OpReply, OpResult};

use super::{delegations, locks, orphans};
use crate::codec::{decode, encode};
use crate::key;
use crate::limits::{LABEL_BYTES_MAX, SESSIONS_MAX};
use crate::record::Session;
use crate::segments;
use crate::state::State;

/// Grants a session, or gives the one that this nonce opened.
pub(super) fn open(state: &mut State, nonce: u64, name: &str) -> OpResult {
    let key = key::nonce(nonce);
    if let Some(bytes) = state.kv.get(&key) {
        return Ok(OpReply::Session(decode(&bytes)));
    }
    if name.len() > LABEL_BYTES_MAX {
        return Err(Errno::EINVAL.into());
    }
    if state.live_sessions().len() >= SESSIONS_MAX {
        return Err(Errno::EAGAIN.into());
    }
    let id = state.give_session();
    let session = Session {
        name: name.to_owned(),
        nonce,
        acked_below: 1,
        highest_seq: 0,
        low_water: 1,
        named_below: 1,
        collected: 0,
    };
    state.put_session(id, Some(session));
    state.kv.put(&key, encode(&id));
    let mut live = state.live_sessions().to_vec();
    live.push(id);
    state.set_live_sessions(live);
    Ok(OpReply::Session(id))
}

/// Ends a session, if it has not ended: from here on nothing it asks for applies (I5). What it leaves behind
/// is removed as far as the entry has room for it, the rest by [`clean_up`].
pub(super) fn end(state: &mut State, id: SessionId) -> OpResult {
    let Some(session) = state.session(id).cloned() else { return Ok(OpReply::Done) };
    state.kv.delete(&key::nonce(session.nonce));
    let mut live = state.live_sessions().to_vec();
    live.retain(|&other| other != id);
    state.set_live_sessions(live);
    state.put_session(id, None);
    state.kv.put(&key::ended(id), Vec::new());
    clean_up(state, id)
}

/// Removes some of what a session that has ended left behind: first what others wait for.
pub(super) fn clean_up(state: &mut State, id: SessionId) -> OpResult {
    if !state.kv.contains(&key::ended(id)) {
        return Ok(OpReply::Done);
    }
    delegations::session_ended(state, id);
    locks::session_ended(state, id);
    orphans::session_ended(state, id);
    segments::session_ended(state, id);
    for key in state.take_keys(key::replies(id)) {
        state.kv.delete(&key);
    }
    // With room to spare everything was found.
    if state.room.purged > 0 {
        state.kv.delete(&key::ended(id));
    }
    Ok(OpReply::Done)
}
