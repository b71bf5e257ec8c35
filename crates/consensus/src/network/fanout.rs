//! The fan-out of entries: who gets them at once, and who a little later together with the next ones.
//!
//! A round is over when a majority has the entry. The leader therefore sends to just as many followers as it
//! takes, and defers the others by a few milliseconds, when one message and one sync cover all entries of
//! that time. A round of five voters then costs three messages and three syncs instead of five.
//!
//! Nothing depends on the choice: an entry is acknowledged when a majority has it, whoever that is. If a
//! follower that gets entries at once stays silent, the others' copies arrive within [`Fanout::DEFER_BY`] and
//! count; after its first failure it is suspected for a while, and another takes its turn.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The choice of one leader. It prefers the voters with the lowest ids.
#[derive(Debug)]
pub(crate) struct Fanout {
    me: u64,
    voters: Mutex<Voters>,
}

#[derive(Debug, Default)]
struct Voters {
    /// In ascending order.
    ids: Vec<u64>,
    /// Since when.
    suspected: HashMap<u64, Instant>,
}

impl Fanout {
    /// How much later the deferred followers get their entries.
    pub(crate) const DEFER_BY: Duration = Duration::from_millis(10);
    /// A follower that failed is suspected for this long: it is not relied on.
    const SUSPECT_FOR: Duration = Duration::from_secs(3);

    pub(crate) fn new(me: u64) -> Fanout {
        Fanout { me, voters: Mutex::default() }
    }

    /// The voters of the group at the moment; none while it is changing.
    pub(crate) fn set_voters(&self, mut voters: Vec<u64>) {
        voters.sort_unstable();
        self.voters.lock().ids = voters;
    }

    /// A message to a peer was not answered.
    pub(crate) fn failed(&self, peer: u64) {
        self.voters.lock().suspected.insert(peer, Instant::now());
    }

    /// How long entries for `peer` are deferred; `None` when they are sent at once.
    pub(crate) fn delay_for(&self, peer: u64) -> Option<Duration> {
        let mut voters = self.voters.lock();
        voters.suspected.retain(|_, at| at.elapsed() < Self::SUSPECT_FOR);
        let Voters { ids, suspected } = &*voters;
        if !ids.contains(&peer) || !ids.contains(&self.me) {
            return None;
        }
        let needed = ids.len() / 2;
        let trusted = ids.iter().filter(|&&v| v != self.me && !suspected.contains_key(&v));
        // With nobody to spare, everybody gets everything at once.
        if trusted.clone().count() <= needed || suspected.contains_key(&peer) {
            return None;
        }
        let at_once = trusted.take(needed).any(|&v| v == peer);
        (!at_once).then_some(Self::DEFER_BY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_a_majority_needs_get_entries_at_once() {
        let fanout = Fanout::new(3);
        assert_eq!(fanout.delay_for(1), None, "nobody is known to vote");
        fanout.set_voters(vec![5, 4, 3, 2, 1]);
        let at_once = |fanout: &Fanout| {
            [1, 2, 4, 5].into_iter().filter(|&p| fanout.delay_for(p).is_none()).collect::<Vec<_>>()
        };
        assert_eq!(at_once(&fanout), [1, 2]);
        assert_eq!(fanout.delay_for(9), None, "a learner does not wait");
        fanout.failed(1);
        assert_eq!(at_once(&fanout), [1, 2, 4], "the next one takes the place of one that failed");
        fanout.failed(5);
        assert_eq!(at_once(&fanout), [1, 2, 4, 5], "with nobody to spare all get all at once");
        fanout.set_voters(Vec::new());
        assert_eq!(at_once(&fanout), [1, 2, 4, 5]);
    }
}
