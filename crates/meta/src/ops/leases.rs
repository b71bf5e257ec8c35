//! Leases of directories: one session may answer for a directory's names before the log has them.
//!
//! While a session has the lease, operations of others on the directory's names are refused, and so are their
//! questions about them (`query::query_as`). What the lessee has answered for reaches the log in the order in
//! which it did, and before it gives the lease up.

use isobar_base::limits::LEASE_INODES;
use isobar_base::{Errno, Ino, SessionId};
use isobar_wire::message::ops::{OpError, OpReply, OpResult};

use crate::key;
use crate::record::Inode;
use crate::state::State;

/// A directory whose names `session` may change.
pub(super) fn dir_for(state: &mut State, session: SessionId, dir: Ino) -> Result<Inode, OpError> {
    let inode = state.dir(dir)?;
    match inode.lessee {
        SessionId(0) => Ok(inode),
        lessee if lessee == session => Ok(inode),
        _ => Err(OpError::Leased(dir)),
    }
}

/// Refuses to remove a directory that somebody else has leased.
pub(super) fn check_removable(session: SessionId, dir: Ino, inode: &Inode) -> Result<(), OpError> {
    if inode.lessee == SessionId(0) || inode.lessee == session {
        return Ok(());
    }
    Err(OpError::Leased(dir))
}

pub(super) fn lease(state: &mut State, session: SessionId, dir: Ino) -> OpResult {
    let mut inode = dir_for(state, session, dir)?;
    if inode.lessee != session {
        inode.lessee = session;
        state.kv.put(&key::lease_of(session, dir), Vec::new());
        state.put_inode(dir, inode.clone());
    }
    let first = Ino(state.counters.last_ino + 1);
    state.counters.last_ino += LEASE_INODES;
    Ok(OpReply::Leased { attr: inode.attr(dir), first, count: LEASE_INODES })
}

pub(super) fn unlease(state: &mut State, session: SessionId, dir: Ino) -> OpResult {
    let inode = state.inode(dir)?;
    let attr = inode.attr(dir);
    if inode.lessee == session {
        free(state, session, dir, inode);
    }
    Ok(OpReply::Attr(attr))
}

pub(super) fn revoke(state: &mut State, session: SessionId, dir: Ino) -> OpResult {
    if let Ok(inode) = state.inode(dir)
        && inode.lessee == session
    {
        free(state, session, dir, inode);
    }
    Ok(OpReply::Done)
}

/// The session has ended: what it had not sent is lost.
pub(super) fn session_ended(state: &mut State, session: SessionId) {
    for key in state.keys(key::leases_of(session)) {
        let dir = Ino(key::number_at(&key, 9));
        match state.any_inode(dir).cloned() {
            Some(inode) => free(state, session, dir, inode),
            None => state.kv.delete(&key),
        }
    }
}

/// The directory is being removed: it has no names any more. The caller stores it.
pub(super) fn directory_removed(state: &mut State, dir: Ino, inode: &mut Inode) {
    if inode.lessee != SessionId(0) {
        state.kv.delete(&key::lease_of(inode.lessee, dir));
        inode.lessee = SessionId(0);
    }
}

fn free(state: &mut State, session: SessionId, dir: Ino, mut inode: Inode) {
    inode.lessee = SessionId(0);
    state.kv.delete(&key::lease_of(session, dir));
    state.put_inode(dir, inode);
}

/// Whether the lessee may give a new file this number: it has been handed out and nothing uses it.
pub(super) fn is_unused(state: &mut State, ino: Ino) -> Result<(), Errno> {
    let used = ino.0 == 0 || ino.0 > state.counters.last_ino || state.any_inode(ino).is_some();
    if used { Err(Errno::EINVAL) } else { Ok(()) }
}
