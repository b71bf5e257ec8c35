//! Delegations of directories: one session may answer for a directory's names before the log has them.
//!
//! While a session holds the delegation, operations of others on the directory's names are refused, and so
//! are their questions about them (`query::query_as`). What the holder has answered for reaches the log in
//! the order in which it did, and before it returns the delegation.

use isobar_base::limits::PREALLOCATED_INODES;
use isobar_base::{Errno, Ino, SessionId};
use isobar_wire::message::ops::{OpError, OpReply, OpResult};

use crate::key;
use crate::record::Inode;
use crate::state::State;

/// A directory whose names `session` may change.
pub(super) fn dir_for(state: &mut State, session: SessionId, dir: Ino) -> Result<Inode, OpError> {
    let inode = state.dir(dir)?;
    match inode.delegated_to {
        SessionId::NOBODY => Ok(inode),
        holder if holder == session => Ok(inode),
        _ => Err(OpError::Delegated(dir)),
    }
}

/// Refuses to remove a directory that is delegated to somebody else.
pub(super) fn check_removable(session: SessionId, dir: Ino, inode: &Inode) -> Result<(), OpError> {
    if inode.delegated_to == SessionId::NOBODY || inode.delegated_to == session {
        return Ok(());
    }
    Err(OpError::Delegated(dir))
}

pub(super) fn delegate(state: &mut State, session: SessionId, dir: Ino) -> OpResult {
    let mut inode = dir_for(state, session, dir)?;
    if inode.delegated_to != session {
        inode.delegated_to = session;
        state.kv.put(&key::delegation_of(session, dir), Vec::new());
        state.put_inode(dir, inode.clone());
    }
    let first = state.give_inos(PREALLOCATED_INODES);
    Ok(OpReply::Delegated { attr: inode.attr(dir), first, count: PREALLOCATED_INODES })
}

pub(super) fn return_delegation(state: &mut State, session: SessionId, dir: Ino) -> OpResult {
    let inode = state.inode(dir)?;
    if inode.delegated_to != session {
        // It was revoked: what the caller believes to know of the directory may be old.
        return Err(Errno::EPERM.into());
    }
    let attr = inode.attr(dir);
    free(state, session, dir, inode);
    Ok(OpReply::Attr(attr))
}

pub(super) fn revoke(state: &mut State, session: SessionId, dir: Ino) -> OpResult {
    if let Ok(inode) = state.inode(dir)
        && inode.delegated_to == session
    {
        free(state, session, dir, inode);
    }
    Ok(OpReply::Done)
}

/// The session has ended: what it had not sent is lost.
pub(super) fn session_ended(state: &mut State, session: SessionId) {
    for key in state.take_keys(key::delegations_of(session)) {
        let dir = key::last_ino_of(&key);
        match state.any_inode(dir).cloned() {
            Some(inode) => free(state, session, dir, inode),
            None => state.kv.delete(&key),
        }
    }
}

/// The directory is being removed: it has no names any more. The caller stores it.
pub(super) fn directory_removed(state: &mut State, dir: Ino, inode: &mut Inode) {
    if inode.delegated_to != SessionId::NOBODY {
        state.kv.delete(&key::delegation_of(inode.delegated_to, dir));
        inode.delegated_to = SessionId::NOBODY;
    }
}

fn free(state: &mut State, session: SessionId, dir: Ino, mut inode: Inode) {
    inode.delegated_to = SessionId::NOBODY;
    state.kv.delete(&key::delegation_of(session, dir));
    state.put_inode(dir, inode);
}

/// Whether the holder may give a new file this number: it has been handed out and nothing uses it.
pub(super) fn is_unused(state: &mut State, ino: Ino) -> Result<(), Errno> {
    let given = ino.group() == state.group && ino.number() > 0 && ino <= state.counters.last_ino;
    if !given || state.any_inode(ino).is_some() { Err(Errno::EINVAL) } else { Ok(()) }
}
