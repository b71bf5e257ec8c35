//! fcntl and flock locks.
//!
//! `L` holds all locks of an inode. An owner is (family, session, owner): its own locks never stand in
//! its way and are replaced by what it asks for next, byte by byte; flock locks span the whole file.
//! Locks end with their session and with their inode.

use isobar_base::{Errno, Ino, KvRead, SessionId};
use isobar_wire::message::ops::{OpReply, OpResult};

use crate::codec::{decode, encode};
use crate::key;
use crate::limits::LOCKS_PER_INODE_MAX;
use crate::record::{Lock, LockFamily, LockKind};
use crate::state::State;

/// The locks of an inode.
pub(crate) fn held(kv: &dyn KvRead, ino: Ino) -> Vec<Lock> {
    kv.get(&key::locks(ino)).map(|bytes| decode(&bytes)).unwrap_or_default()
}

/// The lock as it will be held, or EINVAL.
pub(crate) fn normal(mut lock: Lock, session: SessionId) -> Result<Lock, Errno> {
    lock.session = session;
    if lock.family == LockFamily::Flock {
        (lock.start, lock.end) = (0, u64::MAX);
    }
    if lock.end < lock.start { Err(Errno::EINVAL) } else { Ok(lock) }
}

/// The first lock in the way of this one.
pub(crate) fn conflict(held: &[Lock], wanted: &Lock) -> Option<Lock> {
    let writes = |lock: &Lock| lock.kind == LockKind::Write;
    let in_the_way = |lock: &&Lock| {
        lock.family == wanted.family
            && !same_owner(lock, wanted)
            && overlaps(lock, wanted)
            && wanted.kind != LockKind::Unlock
            && (writes(lock) || writes(wanted))
    };
    held.iter().find(in_the_way).copied()
}

fn same_owner(a: &Lock, b: &Lock) -> bool {
    a.family == b.family && a.session == b.session && a.owner == b.owner
}

fn overlaps(a: &Lock, b: &Lock) -> bool {
    a.start <= b.end && b.start <= a.end
}

pub(super) fn lock(state: &mut State, session: SessionId, ino: Ino, lock: Lock) -> OpResult {
    let wanted = normal(lock, session)?;
    state.inode(ino)?;
    let before = held(state.kv, ino);
    if let Some(other) = conflict(&before, &wanted) {
        return Ok(OpReply::Lock(Some(other.into())));
    }
    let after = placed(&before, wanted);
    if after.len() > LOCKS_PER_INODE_MAX && after.len() > before.len() {
        return Err(Errno::ENOLCK.into());
    }
    store(state, ino, &before, after);
    Ok(OpReply::Lock(None))
}

pub(super) fn unlock_all(state: &mut State, session: SessionId, ino: Ino, owner: u64) -> OpResult {
    state.inode(ino)?;
    release(state, ino, |lock| lock.session == session && lock.owner == owner);
    Ok(OpReply::Done)
}

pub(super) fn session_ended(state: &mut State, session: SessionId) {
    for key in state.take_keys(key::locks_of(session)) {
        release(state, key::last_ino_of(&key), |lock| lock.session == session);
    }
}

pub(super) fn inode_gone(state: &mut State, ino: Ino) {
    release(state, ino, |_| true);
}

fn release(state: &mut State, ino: Ino, released: impl Fn(&Lock) -> bool) {
    let before = held(state.kv, ino);
    let after: Vec<Lock> = before.iter().filter(|lock| !released(lock)).copied().collect();
    if after.len() < before.len() {
        store(state, ino, &before, after);
    }
}

/// What is held after the owner got its wish: its older locks give way where the new one lies, and
/// neighbours of the same kind become one.
fn placed(held: &[Lock], wanted: Lock) -> Vec<Lock> {
    let mut after = Vec::with_capacity(held.len() + 2);
    let mut new = wanted;
    for lock in held {
        if !same_owner(lock, &wanted) {
            after.push(*lock);
            continue;
        }
        let touches = lock.start <= new.end.saturating_add(1) && new.start <= lock.end.saturating_add(1);
        if lock.kind == wanted.kind && touches {
            new.start = new.start.min(lock.start);
            new.end = new.end.max(lock.end);
            continue;
        }
        if !overlaps(lock, &wanted) {
            after.push(*lock);
            continue;
        }
        if lock.start < wanted.start {
            after.push(Lock { end: wanted.start - 1, ..*lock });
        }
        if lock.end > wanted.end {
            after.push(Lock { start: wanted.end + 1, ..*lock });
        }
    }
    if new.kind != LockKind::Unlock {
        after.push(new);
    }
    after.sort_by_key(|lock| (lock.family, lock.start, lock.end, lock.session, lock.owner));
    after
}

/// Writes the locks of an inode and which sessions have some.
fn store(state: &mut State, ino: Ino, before: &[Lock], after: Vec<Lock>) {
    for lock in before {
        if !after.iter().any(|other| other.session == lock.session) {
            state.kv.delete(&key::lock_of(lock.session, ino));
        }
    }
    for lock in &after {
        if !before.iter().any(|other| other.session == lock.session) {
            state.kv.put(&key::lock_of(lock.session, ino), Vec::new());
        }
    }
    match after.is_empty() {
        true => state.kv.delete(&key::locks(ino)),
        false => state.kv.put(&key::locks(ino), encode(&after)),
    }
}
