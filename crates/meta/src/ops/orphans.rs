//! Inodes without a name: kept while some session may have them open, then removed.
//!
//! ```text
//! nlink 0 --> O: waits for every session live at that moment
//!         --ReleaseOrphans, close or expiry of the last one--> few extents: removed at once
//!                                                       many: P, freed step by step, gone for everybody
//! ```
//! Sessions opened later cannot have the inode open and are not asked.

use isobar_base::{Ino, SessionId};
use isobar_wire::message::ops::{OpReply, OpResult};

use super::locks;
use crate::codec::{decode, encode};
use crate::key;
use crate::ledger::Ledger;
use crate::limits::PURGE_AT_ONCE_EXTENTS_MAX;
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
    state.kv.put(&key::orphan(ino), encode(&waiting));
}

pub(super) fn release(state: &mut State, session: SessionId, inos: &[Ino]) -> OpResult {
    for &ino in inos {
        answered(state, session, ino);
    }
    Ok(OpReply::Done)
}

/// The session has ended: it has nothing open.
pub(super) fn session_ended(state: &mut State, session: SessionId) {
    for key in state.keys(key::orphans_of(session)) {
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
    let Some(mut waiting) = state.kv.get(&key).map(|bytes| decode::<Vec<SessionId>>(&bytes)) else {
        panic!("I6: session {session} is waited for by inode {ino}, which is no orphan");
    };
    waiting.retain(|&other| other != session);
    if !waiting.is_empty() {
        return state.kv.put(&key, encode(&waiting));
    }
    state.kv.delete(&key);
    match state.inode(ino) {
        Ok(inode) => bury(state, ino, inode),
        Err(_) => panic!("I6: orphan {ino} has no inode"),
    }
}

/// Nobody can reach the inode any more.
fn bury(state: &mut State, ino: Ino, mut inode: Inode) {
    if inode.extents > PURGE_AT_ONCE_EXTENTS_MAX {
        inode.purging = true;
        state.put_inode(ino, inode);
        return state.kv.put(&key::purge(ino), Vec::new());
    }
    if inode.extents > 0 || inode.split {
        let mut ledger = Ledger::new(state, ino, &inode);
        ledger.remove(0, u64::MAX);
        let change = ledger.finish();
        segments::settle(state, ino, &[], change);
    }
    forget(state, ino, &inode);
}

/// Removes an inode that has no extents.
pub(super) fn forget(state: &mut State, ino: Ino, inode: &Inode) {
    if inode.xattr_bytes > 0 {
        for key in state.keys(key::xattrs(ino)) {
            state.kv.delete(&key);
        }
    }
    locks::inode_gone(state, ino);
    state.remove_inode(ino);
    state.counters.inodes -= 1;
}
