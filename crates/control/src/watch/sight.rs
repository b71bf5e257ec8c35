//! What was seen of a cluster last, and what it has done since somebody looked before.
//!
//! A look may take long, and another one begin later and end sooner. What counts is when a look began: what
//! is asked later is never older.

use std::sync::Arc;
use std::time::Duration;

use isobar_arm::Timestamp;
use tokio::time::Instant;

use super::observation::Observation;
use super::rates::Rates;

/// Rates are of at least so long a time.
const RATE_TIME_MIN: Duration = Duration::from_millis(500);

/// What was seen of a cluster at one look.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// What.
    pub observation: Observation,
    /// When.
    pub at: Timestamp,
    /// What each node has done since a look before, in their order.
    pub node_rates: Vec<Rates>,
    /// What all have done.
    pub rates: Rates,
    /// When the look began.
    pub(super) moment: Instant,
}

/// What is known of a cluster.
#[derive(Default)]
pub(super) struct Seen {
    /// When somebody asked for it last.
    pub asked: Option<Instant>,
    /// What was seen last.
    pub sight: Option<Arc<Sight>>,
    /// Since when rates are counted: the last look of which they were.
    base: Option<Arc<Sight>>,
}

impl Seen {
    /// Takes in what was seen at a look that began then, unless what is there already is of a later one.
    pub(super) fn keep(&mut self, begun: Instant, observation: Observation, at: Timestamp) -> Arc<Sight> {
        let base = self.base.as_ref().map(|base| (base, begun.saturating_duration_since(base.moment)));
        let (node_rates, is_base) = match base {
            // Over so short a time a rate says nothing.
            Some((base, time))
                if time < RATE_TIME_MIN && base.node_rates.len() == observation.nodes.len() =>
            {
                (base.node_rates.clone(), false)
            }
            Some((base, time)) => (Rates::of_nodes(&base.observation, &observation, time), true),
            None => (observation.nodes.iter().map(|_| Rates::default()).collect(), true),
        };
        let rates = Rates::sum(&node_rates);
        let sight = Arc::new(Sight { observation, at, node_rates, rates, moment: begun });
        if self.sight.as_ref().is_none_or(|known| known.moment <= begun) {
            self.sight = Some(sight.clone());
            if is_base {
                self.base = Some(sight.clone());
            }
        }
        sight
    }
}

#[cfg(test)]
mod tests {
    use super::super::observation::{NodeObservation, ServedByNode};
    use super::*;

    /// Of one node that has written so many bytes.
    fn observation(written_bytes: u64) -> Observation {
        let served = Some(ServedByNode { process: 1, written_bytes, ..ServedByNode::default() });
        let node = NodeObservation { served, ..NodeObservation::up("n1") };
        Observation { nodes: vec![node], ..Observation::unknown(format!("{written_bytes} bytes")) }
    }

    fn at() -> Timestamp {
        Timestamp::from_millis(0)
    }

    #[test]
    fn an_older_look_that_ends_later_does_not_hide_a_newer_one() {
        let (mut seen, old) = (Seen::default(), Instant::now());
        let new = old + Duration::from_millis(700);
        seen.keep(new, observation(2), at());
        // Whoever has looked is told what it has seen.
        assert_eq!(seen.keep(old, observation(1), at()).observation, observation(1));
        assert_eq!(seen.sight.as_ref().map(|sight| &sight.observation), Some(&observation(2)));
        // Nor are rates counted from it.
        let next = seen.keep(new + Duration::from_secs(1), observation(1002), at());
        assert_eq!(next.rates.document()["writtenBytesPerSecond"], 1000);
        assert_eq!(seen.sight.map(|sight| sight.moment), Some(new + Duration::from_secs(1)));
    }

    #[test]
    fn rates_are_counted_however_often_somebody_looks() {
        let (mut seen, begun) = (Seen::default(), Instant::now());
        let mut rate = |ms: u64, written_bytes| {
            let sight = seen.keep(begun + Duration::from_millis(ms), observation(written_bytes), at());
            sight.rates.document()["writtenBytesPerSecond"].as_u64().expect("a number")
        };
        assert_eq!(rate(0, 0), 0);
        let rates: Vec<u64> = (1..=20).map(|look| rate(100 * look, 100 * look)).collect();
        assert_eq!(rates[..4], [0; 4]);
        assert_eq!(rates[4..], [1000; 16]);
        // It stops, and so does the rate.
        assert_eq!(rate(2400, 2000), 1000);
        assert_eq!(rate(2500, 2000), 0);
    }
}
