//! Who gets entries at once, and who a little later together with the next ones.
//!
//! A round is over when a majority has the entry. The leader therefore sends to just as many followers as it
//! takes, and to the others a few milliseconds later, when one message and one sync cover all entries of that
//! time. A round of five voters then costs three messages and three syncs instead of five.
//!
//! Nothing depends on the choice: an entry is acknowledged when a majority has it, whoever that is. If a
//! follower that gets entries at once stays silent, the others' copies arrive within [`Pace::LATER`] and
//! count; after its first failure another takes its turn.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The choice of one leader.
#[derive(Debug)]
pub(crate) struct Pace {
    me: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    voters: Vec<u64>,
    failed: HashMap<u64, Instant>,
}

impl Pace {
    /// How much later the others get their entries.
    pub const LATER: Duration = Duration::from_millis(10);
    /// A follower that failed is not relied on for this long.
    const DISTRUST: Duration = Duration::from_secs(3);

    pub fn new(me: u64) -> Pace {
        Pace { me, state: Mutex::default() }
    }

    /// The voters of the group at the moment; none while it is changing.
    pub fn set_voters(&self, mut voters: Vec<u64>) {
        voters.sort_unstable();
        self.state.lock().voters = voters;
    }

    /// A message to a peer was not answered.
    pub fn failed(&self, peer: u64) {
        self.state.lock().failed.insert(peer, Instant::now());
    }

    /// How long entries for `peer` may wait for more.
    pub fn wait_for(&self, peer: u64) -> Option<Duration> {
        let mut state = self.state.lock();
        state.failed.retain(|_, at| at.elapsed() < Self::DISTRUST);
        let State { voters, failed } = &*state;
        if !voters.contains(&peer) || !voters.contains(&self.me) {
            return None;
        }
        let needed = voters.len() / 2;
        let trusted = voters.iter().filter(|&&v| v != self.me && !failed.contains_key(&v));
        // With nobody to spare, everybody gets everything at once.
        if trusted.clone().count() <= needed || failed.contains_key(&peer) {
            return None;
        }
        let at_once = trusted.take(needed).any(|&v| v == peer);
        (!at_once).then_some(Self::LATER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_a_majority_needs_get_entries_at_once() {
        let pace = Pace::new(3);
        assert_eq!(pace.wait_for(1), None, "nobody is known to vote");
        pace.set_voters(vec![5, 4, 3, 2, 1]);
        let at_once = |pace: &Pace| {
            [1, 2, 4, 5].into_iter().filter(|&p| pace.wait_for(p).is_none()).collect::<Vec<_>>()
        };
        assert_eq!(at_once(&pace), [1, 2]);
        assert_eq!(pace.wait_for(9), None, "a learner does not wait");
        pace.failed(1);
        assert_eq!(at_once(&pace), [1, 2, 4], "the next one takes the place of one that failed");
        pace.failed(5);
        assert_eq!(at_once(&pace), [1, 2, 4, 5], "with nobody to spare all get all at once");
        pace.set_voters(Vec::new());
        assert_eq!(at_once(&pace), [1, 2, 4, 5]);
    }
}
