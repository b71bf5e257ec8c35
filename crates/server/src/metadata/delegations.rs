//! Between those who hold a delegation of a directory and those who want the directory.
//!
//! A holder asks again and again what it should give up, and waits for the answer; whoever is refused
//! because of a delegation asks for a recall, and waits until the directory is free. A holder that has not
//! heard for [`DELEGATION_REVOKE_MS`] that others want a directory loses its delegation: what it answered
//! for and had not sent is lost, as with an expired session. It has stopped answering by then, see
//! [`limits::DELEGATION_VALID_MS`].
//!
//! Why nobody else begins before: an answer to a holder is confirmed by ReadIndex after the question came,
//! and takes along everything wanted until then. So a revocation comes at least that long after the last
//! question that was answered had been sent, whoever leads.
//!
//! However many wait for a directory, one of them looks whether it is free, and the others hear of it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_base::limits::{self, DELEGATION_REVOKE_MS};
use isobar_base::{Ino, SessionId};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

/// A request about delegations waits at most this long.
pub(super) const RECALL_WAIT_MAX: Duration = Duration::from_millis(900);
/// A holder to whom so long a wish could not be told does not hear.
const REVOKE_AFTER: Duration = Duration::from_millis(DELEGATION_REVOKE_MS);
/// A wish that was not repeated for so long begins anew: nobody had it, or this node stood still and has not
/// read what holders asked meanwhile.
const REPEATED_WITHIN: Duration = Duration::from_secs(2);

/// The holders this node has heard of while it leads, and who waits for a directory.
#[derive(Debug, Default)]
pub(crate) struct Delegations {
    holders: Mutex<HashMap<SessionId, Holder>>,
    watched: Mutex<HashMap<Ino, watch::Receiver<()>>>,
}

/// How somebody waits for a directory.
#[derive(Debug)]
pub(super) enum Waiting<'a> {
    /// By looking, for all others too.
    Looks(Watch<'a>),
    /// Until whoever looks has stopped.
    Hears(watch::Receiver<()>),
}

/// Somebody looks whether a directory is free. When this is dropped, all who wait go on.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    delegations: &'a Delegations,
    dir: Ino,
    _hear_of_its_end: watch::Sender<()>,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.delegations.watched.lock().remove(&self.dir);
    }
}

#[derive(Debug, Default)]
struct Holder {
    wanted: BTreeMap<Ino, Wish>,
    more: Arc<Notify>,
}

/// Somebody wants a directory, and its holder has not been told.
#[derive(Debug)]
struct Wish {
    since: Instant,
    last: Instant,
}

impl Delegations {
    /// This node begins to lead: everybody gets the time to be heard.
    pub(crate) fn begin(&self) {
        self.holders.lock().clear();
    }

    /// Forgets holders whose sessions have ended.
    pub(crate) fn retain(&self, live: &[SessionId]) {
        let live: HashSet<SessionId> = live.iter().copied().collect();
        self.holders.lock().retain(|session, _| live.contains(session));
    }

    /// Takes what a holder should give up: it is being told.
    fn take(&self, session: SessionId) -> (Vec<Ino>, Arc<Notify>) {
        let mut holders = self.holders.lock();
        let holder = holders.entry(session).or_default();
        (std::mem::take(&mut holder.wanted).into_keys().collect(), holder.more.clone())
    }

    /// What a holder should give up, as soon as there is something.
    pub(super) async fn wanted(&self, session: SessionId) -> Vec<Ino> {
        let (at_once, more) = self.take(session);
        if !at_once.is_empty() {
            return at_once;
        }
        // Something may have come in between: then the notification is kept for us.
        tokio::time::timeout(RECALL_WAIT_MAX, more.notified()).await.ok();
        self.take(session).0
    }

    /// Notes at `now` that others want `dir`; true when its holder could not be told for too long.
    pub(super) fn note_wanted(&self, session: SessionId, dir: Ino, now: Instant) -> bool {
        let mut holders = self.holders.lock();
        let holder = holders.entry(session).or_default();
        let Some(wish) = holder.wanted.get_mut(&dir) else {
            holder.wanted.insert(dir, Wish { since: now, last: now });
            holder.more.notify_one();
            return false;
        };
        if now.duration_since(wish.last) > REPEATED_WITHIN {
            wish.since = now;
        }
        wish.last = now;
        now.duration_since(wish.since) > REVOKE_AFTER
    }

    /// Begins to wait for a directory.
    pub(super) fn wait_for(&self, dir: Ino) -> Waiting<'_> {
        match self.watched.lock().entry(dir) {
            Entry::Occupied(watched) => Waiting::Hears(watched.get().clone()),
            Entry::Vacant(free) => {
                let (sender, end) = watch::channel(());
                free.insert(end);
                Waiting::Looks(Watch { delegations: self, dir, _hear_of_its_end: sender })
            }
        }
    }
}

const _: () = assert!(limits::DELEGATION_VALID_MS + 1_000 < DELEGATION_REVOKE_MS);

#[cfg(test)]
mod tests {
    use super::*;

    const HOLDER: SessionId = SessionId(3);
    const DIR: Ino = Ino(7);

    /// Wants the directory every 100 ms, from `from` to `to` after `begun`; whether the holder was given up.
    fn want(delegations: &Delegations, begun: Instant, from_ms: u64, to_ms: u64) -> bool {
        let at = |ms| begun + Duration::from_millis(ms);
        (from_ms..to_ms).step_by(100).any(|ms| delegations.note_wanted(HOLDER, DIR, at(ms)))
    }

    #[test]
    fn a_holder_is_given_up_when_it_could_not_be_told_and_not_before() {
        let (delegations, begun) = (Delegations::default(), Instant::now());
        assert!(!want(&delegations, begun, 0, DELEGATION_REVOKE_MS));
        assert!(want(&delegations, begun, DELEGATION_REVOKE_MS, DELEGATION_REVOKE_MS + 200));
    }

    #[test]
    fn a_holder_that_is_told_is_never_given_up() {
        let (delegations, begun) = (Delegations::default(), Instant::now());
        for second in (0..60_000).step_by(1000) {
            assert!(!want(&delegations, begun, second, second + 1000));
            assert_eq!(delegations.take(HOLDER).0, [DIR]);
        }
    }

    #[test]
    fn the_time_in_which_the_leader_stood_still_does_not_count() {
        let (delegations, begun) = (Delegations::default(), Instant::now());
        assert!(!want(&delegations, begun, 0, 1000));
        // It was frozen for a minute, and has not read yet what the holder asked meanwhile.
        assert!(!want(&delegations, begun, 61_000, 61_000 + DELEGATION_REVOKE_MS - 200));
        assert_eq!(delegations.take(HOLDER).0, [DIR]);
    }

    #[tokio::test]
    async fn of_all_who_wait_for_a_directory_one_looks_and_the_others_hear() {
        let delegations = Delegations::default();
        let Waiting::Looks(watch) = delegations.wait_for(DIR) else { panic!("nobody looks") };
        let hear = |waiting| match waiting {
            Waiting::Hears(end) => end,
            Waiting::Looks(_) => panic!("two of them look"),
        };
        let mut ends: Vec<_> = (0..1000).map(|_| hear(delegations.wait_for(DIR))).collect();
        assert!(matches!(delegations.wait_for(Ino(8)), Waiting::Looks(_)), "another directory");
        assert!(ends.iter().all(|end| end.has_changed().is_ok()), "they wait");
        drop(watch);
        for end in &mut ends {
            end.changed().await.unwrap_err();
        }
        assert!(matches!(delegations.wait_for(DIR), Waiting::Looks(_)), "the next one looks");
    }

    #[test]
    fn holders_whose_sessions_have_ended_are_forgotten() {
        let delegations = Delegations::default();
        delegations.note_wanted(HOLDER, DIR, Instant::now());
        delegations.retain(&[HOLDER]);
        assert_eq!(delegations.holders.lock().len(), 1);
        delegations.retain(&[]);
        assert!(delegations.holders.lock().is_empty());
    }
}
