//! Sessions and what hangs on them: nonces, replies, claims on nameless inodes, locks.

use std::collections::BTreeMap;

use isobar_base::{Ino, SessionId};

use super::walk::Walk;
use crate::codec::decode;
use crate::key;
use crate::ops::locks;
use crate::record::{Counters, Lock, Session};
use crate::state::live_sessions;

pub(super) fn check(walk: &mut Walk, counters: &Counters) {
    let mut sessions: BTreeMap<SessionId, Session> = BTreeMap::new();
    walk.scan(b'X', |walk, key, value| {
        let (id, session) = (key::session_of(key), decode::<Session>(value));
        let subject = format!("session {id}");
        let by_nonce = walk.kv.get(&key::nonce(session.nonce)).map(|bytes| decode::<SessionId>(&bytes));
        walk.equal(&subject, "found by nonce", &by_nonce, &Some(id));
        let last = counters.last_session;
        let granted = id.group() == last.group() && id.index() > 0 && id <= last;
        walk.expect(granted, &subject, "was never granted");
        sessions.insert(id, session);
    });
    let live: Vec<SessionId> = sessions.keys().copied().collect();
    walk.equal("sessions", "live", &live_sessions(walk.kv), &live);
    let mut nonces = 0;
    walk.scan(b'N', |_, _, _| nonces += 1);
    walk.equal("sessions", "nonces", &nonces, &sessions.len());
    check_ended(walk, &sessions);
    check_replies(walk, &sessions);
    check_orphans(walk, &sessions);
    check_locks(walk, &sessions);
    check_delegations(walk, &sessions);
}

/// Sessions that may have left something behind.
fn has_ended(walk: &Walk, session: SessionId) -> bool {
    walk.kv.contains(&key::ended(session))
}

fn check_ended(walk: &mut Walk, sessions: &BTreeMap<SessionId, Session>) {
    walk.scan(b'e', |walk, key, _| {
        let id = key::session_of(key);
        walk.expect(!sessions.contains_key(&id), format!("session {id}"), "has ended and is live");
    });
}

fn check_replies(walk: &mut Walk, sessions: &BTreeMap<SessionId, Session>) {
    walk.scan(b'R', |walk, key, _| {
        let (id, seq) = (key::session_of(key), key::seq_of(key));
        let fits = sessions.get(&id).is_some_and(|s| (s.acked_below..=s.highest_seq).contains(&seq));
        let fits = fits || has_ended(walk, id);
        walk.expect(fits, format!("reply {seq} of session {id}"), "is kept for nobody");
    });
}

fn check_orphans(walk: &mut Walk, sessions: &BTreeMap<SessionId, Session>) {
    let mut claims: BTreeMap<Ino, u64> = BTreeMap::new();
    walk.scan(b'o', |walk, key, _| {
        let (session, ino) = (key::session_of(key), key::last_ino_of(key));
        let known = sessions.contains_key(&session) || has_ended(walk, session);
        walk.expect(known, format!("orphan {ino}"), format!("waits for session {session}, which is gone"));
        *claims.entry(ino).or_default() += 1;
    });
    walk.scan(b'O', |walk, key, value| {
        let ino = key::ino_of(key);
        let (subject, waiting) = (format!("orphan {ino}"), decode::<u64>(value));
        let nameless = walk.inodes.get(&ino).is_some_and(|inode| inode.nlink == 0 && !inode.purging);
        walk.expect(nameless && waiting > 0, &subject, "is not a nameless inode that is waited for");
        walk.equal(&subject, "sessions waited for", &waiting, &claims.remove(&ino).unwrap_or(0));
    });
    walk.equal("orphans", "claims on nothing", &claims, &BTreeMap::new());
    for (ino, inode) in walk.inodes.clone() {
        let held = walk.kv.contains(&key::orphan(ino)) || inode.purging;
        walk.equal(format!("inode {ino}"), "kept though nameless", &held, &(inode.nlink == 0));
    }
}

fn check_locks(walk: &mut Walk, sessions: &BTreeMap<SessionId, Session>) {
    let (mut holders, mut reverse) = (0, 0);
    walk.scan(b'L', |walk, key, value| {
        let ino = key::ino_of(key);
        let (subject, held) = (format!("locks of inode {ino}"), decode::<Vec<Lock>>(value));
        walk.expect(walk.inodes.contains_key(&ino) && !held.is_empty(), &subject, "have no inode");
        for (i, lock) in held.iter().enumerate() {
            let known = sessions.contains_key(&lock.session) || has_ended(walk, lock.session);
            walk.expect(known, &subject, format!("session {} is gone", lock.session));
            let conflict = locks::conflict(&held[i + 1..], lock);
            walk.expect(conflict.is_none(), &subject, format!("{lock:?} against {conflict:?}"));
        }
        let mut owners: Vec<SessionId> = held.iter().map(|lock| lock.session).collect();
        owners.sort_unstable();
        owners.dedup();
        for session in owners {
            holders += 1;
            walk.expect(walk.kv.contains(&key::lock_of(session, ino)), &subject, "not known to a session");
        }
    });
    walk.scan(b'l', |_, _, _| reverse += 1);
    walk.equal("locks", "inodes by session", &reverse, &holders);
}

fn check_delegations(walk: &mut Walk, sessions: &BTreeMap<SessionId, Session>) {
    let (mut delegated, mut reverse) = (0, 0);
    for (dir, inode) in walk.inodes.clone() {
        if inode.delegated_to == SessionId::NOBODY {
            continue;
        }
        delegated += 1;
        let holder = inode.delegated_to;
        let known = (sessions.contains_key(&holder) || has_ended(walk, holder))
            && walk.kv.contains(&key::delegation_of(inode.delegated_to, dir));
        walk.expect(inode.is_dir() && known, format!("inode {dir}"), "is delegated to nobody who knows");
    }
    walk.scan(b'w', |_, _, _| reverse += 1);
    walk.equal("delegations", "directories by session", &reverse, &delegated);
}
