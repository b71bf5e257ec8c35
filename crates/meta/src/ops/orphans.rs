//! Inodes without a name: kept while some session may have them open, then removed.
//!
//! ```text
//! nlink 0 --> O: waits for every session live at that moment
//!         --ReleaseOrphans, close or expiry of the last one--> few extents: removed at once
//!                                                       many: P, freed step by step, gone for everybody
//! ```
//! Sessions opened later cannot have the inode open and are not asked. `O` counts those that have not
//! answered, each of which has an `o` of its own: an answer costs the same however many there are.

use std::ops::ControlFlow;

use isobar_base::{Ino, SessionId};
use isobar_wire::message::ops::{OpReply, OpResult};

use super::locks;
use crate::codec::{decode, encode};
use crate::key;
use crate::ledger::Ledger;
use crate::limits::{PURGE_AT_ONCE_EXTENTS_MAX, PURGE_AT_ONCE_XATTR_BYTES_MAX};
use crate::record::Inode;
use crate::segments;
use crate::state::State;

/// Stores an inode that has lost a name, perhaps the last. The caller has it closed when
/// `not_open_by_caller` says so.
pub(super) fn store_unlinked(
    state: &mut State,
    session: SessionId,
    ino: Ino,
    inode: Inode,
    not_open_by_caller: Option<Ino>,
) {
    if inode.nlink > 0 {
        return state.put_inode(ino, inode);
    }
    let closed = not_open_by_caller == Some(ino);
    let live = state.live_sessions().iter().copied();
    let waiting: Vec<SessionId> = live.filter(|&other| !(closed && other == session)).collect();
    if waiting.is_empty() {
        return bury(state, ino, inode);
    }
    state.put_inode(ino, inode);
    for &session in &waiting {
        state.kv.put(&key::orphan_of(session, ino), Vec::new());
    }
    state.kv.put(&key::orphan(ino), encode(&(waiting.len() as u64)));
}

pub(super) fn release(state: &mut State, session: SessionId, inos: &[Ino]) -> OpResult {
    for &ino in inos {
        answered(state, session, ino);
    }
    Ok(OpReply::Done)
}

/// The session has ended: it has nothing open.
pub(super) fn session_ended(state: &mut State, session: SessionId) {
    for key in state.take_keys(key::orphans_of(session)) {
        answered(state, session, key::last_ino_of(&key));
    }
}

fn answered(state: &mut State, session: SessionId, ino: Ino) {
    let reverse = key::orphan_of(session, ino);
    if !state.kv.contains(&reverse) {
        return;
    }
    state.kv.delete(&reverse);
    let key = key::orphan(ino);
    let Some(waiting) = state.kv.get(&key).map(|bytes| decode::<u64>(&bytes)) else {
        panic!("I6: session {session} is waited for by inode {ino}, which is no orphan");
    };
    if waiting > 1 {
        return state.kv.put(&key, encode(&(waiting - 1)));
    }
    state.kv.delete(&key);
    match state.inode(ino) {
        Ok(inode) => bury(state, ino, inode),
        Err(_) => panic!("I6: orphan {ino} has no inode"),
    }
}

/// Nobody can reach the inode any more.
fn bury(state: &mut State, ino: Ino, mut inode: Inode) {
    let at_once = inode.extents <= PURGE_AT_ONCE_EXTENTS_MAX.min(state.room.extents as u64)
        && inode.xattr_bytes <= PURGE_AT_ONCE_XATTR_BYTES_MAX;
    if !at_once {
        inode.purging = true;
        segments::queue_for_purge(state, ino, &mut inode);
        return state.put_inode(ino, inode);
    }
    if inode.extents > 0 || inode.split {
        let mut ledger = Ledger::new(state, ino, &inode);
        let (size, _) = ledger.remove_first(usize::MAX);
        let change = ledger.finish();
        state.room.extents = state.room.extents.saturating_sub(size);
        segments::settle(state, ino, &mut inode, &[], change);
    }
    segments::leave_purge_queue(state, ino, &mut inode);
    forget(state, ino, &inode);
}

/// An inode that nobody can reach has no extents left: its attributes go, as many as there is room for, and
/// when none is left the inode.
pub(super) fn purged(state: &mut State, ino: Ino, mut inode: Inode) {
    for key in state.take_keys(key::xattrs(ino)) {
        let value = state.kv.get(&key).unwrap_or_default();
        inode.xattr_bytes -= (key::name_of(&key).len() + value.len()) as u32;
        state.kv.delete(&key);
    }
    if inode.xattr_bytes > 0 {
        return state.put_inode(ino, inode);
    }
    segments::leave_purge_queue(state, ino, &mut inode);
    forget(state, ino, &inode);
}

/// Removes an inode that has no extents.
fn forget(state: &mut State, ino: Ino, inode: &Inode) {
    if inode.xattr_bytes > 0 {
        let (prefix, mut keys) = (key::xattrs(ino), Vec::new());
        state.kv.range(&prefix, &prefix.clone().end(), &mut |key, _| {
            keys.push(key.to_vec());
            ControlFlow::Continue(())
        });
        keys.iter().for_each(|key| state.kv.delete(key));
    }
    locks::inode_gone(state, ino);
    state.remove_inode(ino);
    state.counters.inodes -= 1;
}
