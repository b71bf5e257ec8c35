//! Who renewed, as the leader hears it, and who did not and is to be expired (I5, I10).
//!
//! A new leader first grants everyone a full lease. Before it proposes an expiry it stops renewing
//! that session, so that no client is told "renewed" after its end was decided; every renewal is
//! confirmed by ReadIndex, so that no deposed leader renews either.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use isobar_base::{KvRead, SessionId};
use isobar_wire::message::queries::{Answer, SessionQuery};
use parking_lot::Mutex;

/// The sessions and when each renewed.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<SessionId, Lease>>);

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
        self.0.lock().clear();
    }

    /// Renews a session, after ReadIndex. `exists` looks it up in the state.
    pub(crate) fn renew(&self, session: SessionId, exists: impl FnOnce() -> bool) -> Renewal {
        let mut leases = self.0.lock();
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

    /// Takes note of the live sessions; gives those to expire, which are not renewed any more.
    pub(crate) fn to_expire(&self, live: &[SessionId], lease: Duration) -> Vec<SessionId> {
        let mut leases = self.0.lock();
        let all: HashSet<SessionId> = live.iter().copied().collect();
        leases.retain(|session, _| all.contains(session));
        let mut late = Vec::new();
        for &session in live {
            let held = leases.entry(session).or_insert_with(|| Lease::Renewed(Instant::now()));
            if matches!(held, Lease::Renewed(at) if at.elapsed() > lease) {
                *held = Lease::Expiring;
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
        let sessions = Sessions::default();
        let (a, b) = (SessionId(1), SessionId(2));
        assert_eq!(sessions.to_expire(&[a, b], LEASE), []);
        assert_eq!(sessions.to_expire(&[a, b], Duration::ZERO), [a, b]);
        assert_eq!(sessions.renew(a, || true), Renewal::Expiring);
        assert_eq!(sessions.to_expire(&[b], LEASE), [b]);
        assert_eq!(sessions.renew(a, || false), Renewal::Gone);
    }

    #[test]
    fn a_new_leader_grants_everyone_a_full_lease() {
        let sessions = Sessions::default();
        let a = SessionId(1);
        sessions.to_expire(&[a], LEASE);
        sessions.to_expire(&[a], Duration::ZERO);
        sessions.begin();
        assert_eq!(sessions.to_expire(&[a], LEASE), []);
        assert_eq!(sessions.renew(a, || true), Renewal::Renewed);
    }
}
