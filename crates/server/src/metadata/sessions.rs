//! Who renewed, as the leader hears it, and who did not and is to be expired (I5, I10).
//!
//! A new leader first grants everyone a full lease. Before it proposes an expiry it stops renewing
//! that session, so that no client is told "renewed" after its end was decided; every renewal is
//! confirmed by ReadIndex, so that no deposed leader renews either. Time in which this node could not hear
//! anybody (it stood still, or had no quorum to confirm a renewal) counts against nobody.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use isobar_base::{KvRead, SessionId};
use isobar_wire::message::queries::{Answer, SessionQuery};
use parking_lot::Mutex;

/// When nobody looked for late sessions for so long, this node could not hear renewals either.
const DEAF_AFTER: Duration = Duration::from_secs(3);

/// The sessions and when each renewed.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    leases: HashMap<SessionId, Lease>,
    /// When somebody last looked for late ones.
    looked: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
enum Lease {
    Renewed(Instant),
    /// Its expiry is proposed: it is not renewed again.
    Expiring,
}

/// What became of a renewal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Renewal {
    /// It counts.
    Renewed,
    /// The expiry of the session is under way: the next request finds it gone.
    Expiring,
    /// There is no such session.
    Gone,
}

impl Sessions {
    /// This node begins to lead: everyone gets a full lease from when they are first seen.
    pub(crate) fn begin(&self) {
        *self.0.lock() = Table::default();
    }

    /// Renews a session, after ReadIndex. `exists` looks it up in the state.
    pub(crate) fn renew(&self, session: SessionId, exists: impl FnOnce() -> bool) -> Renewal {
        let leases = &mut self.0.lock().leases;
        match leases.get_mut(&session) {
            Some(Lease::Expiring) => Renewal::Expiring,
            Some(Lease::Renewed(at)) => {
                *at = Instant::now();
                Renewal::Renewed
            }
            None if exists() => {
                leases.insert(session, Lease::Renewed(Instant::now()));
                Renewal::Renewed
            }
            None => Renewal::Gone,
        }
    }

    /// Takes note of the live sessions at `now`; gives those to expire, which are not renewed any more.
    /// Called again and again, and only while renewals can be confirmed.
    pub(crate) fn to_expire(&self, live: &[SessionId], lease: Duration, now: Instant) -> Vec<SessionId> {
        let Table { leases, looked } = &mut *self.0.lock();
        let was_deaf = looked.replace(now).is_some_and(|last| now.duration_since(last) > DEAF_AFTER);
        let all: HashSet<SessionId> = live.iter().copied().collect();
        leases.retain(|session, _| all.contains(session));
        let mut late = Vec::new();
        for &session in live {
            let held = leases.entry(session).or_insert(Lease::Renewed(now));
            match held {
                Lease::Renewed(at) if was_deaf => *at = now,
                Lease::Renewed(at) if now.duration_since(*at) > lease => *held = Lease::Expiring,
                Lease::Renewed(_) | Lease::Expiring => {}
            }
            if matches!(held, Lease::Expiring) {
                late.push(session);
            }
        }
        late
    }
}

/// The sessions in the state.
pub(crate) fn live_sessions(kv: &dyn KvRead) -> Vec<SessionId> {
    match isobar_meta::query(kv, &SessionQuery::List.into()) {
        Ok(Answer::Sessions(sessions)) => sessions.into_iter().map(|(id, _)| id).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(30);

    #[test]
    fn a_late_session_is_expired_and_never_renewed_again() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let (a, b) = (SessionId(1), SessionId(2));
        for second in 0..=LEASE.as_secs() {
            assert_eq!(sessions.to_expire(&[a, b], LEASE, now + Duration::from_secs(second)), []);
        }
        let late = now + LEASE + Duration::from_secs(1);
        assert_eq!(sessions.to_expire(&[a, b], LEASE, late), [a, b]);
        assert_eq!(sessions.renew(a, || true), Renewal::Expiring);
        assert_eq!(sessions.to_expire(&[b], LEASE, late), [b]);
        assert_eq!(sessions.renew(a, || false), Renewal::Gone);
    }

    #[test]
    fn time_in_which_the_leader_could_not_hear_counts_against_nobody() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let a = SessionId(1);
        assert_eq!(sessions.to_expire(&[a], LEASE, now), []);
        // It was frozen, or had no quorum: what clients sent meanwhile is not read or confirmed yet.
        let mut at = now + LEASE * 2;
        assert_eq!(sessions.to_expire(&[a], LEASE, at), []);
        // Who is still not heard then is expired.
        while sessions.to_expire(&[a], LEASE, at).is_empty() {
            at += Duration::from_secs(1);
            assert!(at < now + LEASE * 4, "never expired");
        }
        assert!(at > now + LEASE * 3);
    }

    #[test]
    fn a_new_leader_grants_everyone_a_full_lease() {
        let sessions = Sessions::default();
        let a = SessionId(1);
        let now = Instant::now();
        sessions.to_expire(&[a], LEASE, now);
        assert_eq!(sessions.to_expire(&[a], Duration::ZERO, now + DEAF_AFTER), [a]);
        sessions.begin();
        assert_eq!(sessions.to_expire(&[a], LEASE, now + DEAF_AFTER), []);
        assert_eq!(sessions.renew(a, || true), Renewal::Renewed);
    }
}
