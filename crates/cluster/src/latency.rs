//! How long each target takes, and which one takes far longer than the others.
//!
//! A target that answers late is worse than one that does not answer: nobody takes it for dead, and whatever
//! waits for all rows waits for it. What counts is the median of its last requests beside the medians of the
//! targets it is used together with. Load makes all of them slow alike, so where everything is slow nothing
//! is an outlier.
//!
//! An outlier that is left out must be tried now and then, or it could never come back. The pause between two
//! trials is a multiple of what the last one took: the slower it is, the less it is asked.
//!
//! No I/O and no clock: whoever asks says what time it is.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use isobar_base::TargetId;

/// Requests that are remembered of a target, ...
const RECENT: usize = 8;
/// ... and how many of them there must be for a judgement.
const RECENT_MIN: usize = 3;
/// An outlier takes this many times as long as the others, ...
const OUTLIER_FACTOR: u32 = 8;
/// ... and longer than this.
const OUTLIER_MIN: Duration = Duration::from_millis(50);
/// The pause between two trials is this many times what the last request took, ...
const TRIAL_FACTOR: u32 = 8;
/// ... within these bounds.
const TRIAL_PAUSE_MIN: Duration = Duration::from_secs(1);
const TRIAL_PAUSE_MAX: Duration = Duration::from_secs(30);

/// How long requests of one kind to each target took.
#[derive(Debug, Default)]
pub struct Latencies(HashMap<TargetId, Recent>);

#[derive(Debug, Default)]
struct Recent {
    /// The last requests, in a ring.
    took: [Duration; RECENT],
    /// Requests so far.
    count: usize,
    median: Duration,
    last: Duration,
    tried: Option<Instant>,
}

impl Latencies {
    /// A request to a target took so long, or did not end within that time.
    pub fn record(&mut self, target: TargetId, took: Duration) {
        let recent = self.0.entry(target).or_default();
        recent.took[recent.count % RECENT] = took;
        recent.count += 1;
        recent.last = took;
        let mut took = recent.took;
        recent.median = median(&mut took[..recent.count.min(RECENT)]);
    }

    /// What a request to a target usually takes, once there were some.
    pub fn usual(&self, target: TargetId) -> Option<Duration> {
        self.0.get(&target).filter(|recent| recent.count >= RECENT_MIN).map(|recent| recent.median)
    }

    /// Whether a target takes far longer than its peers. It may be one of them itself.
    pub fn is_outlier(&self, target: TargetId, peers: impl IntoIterator<Item = TargetId>) -> bool {
        let Some(own) = self.usual(target).filter(|&own| own > OUTLIER_MIN) else { return false };
        let others = peers.into_iter().filter(|&peer| peer != target);
        let mut others: Vec<Duration> = others.filter_map(|peer| self.usual(peer)).collect();
        !others.is_empty() && own > median(&mut others) * OUTLIER_FACTOR
    }

    /// Whether a target that is left out is to be tried now. It counts as tried then.
    pub fn begin_trial(&mut self, target: TargetId, now: Instant) -> bool {
        let recent = self.0.entry(target).or_default();
        let pause = (recent.last * TRIAL_FACTOR).clamp(TRIAL_PAUSE_MIN, TRIAL_PAUSE_MAX);
        let due = recent.tried.is_none_or(|tried| now.saturating_duration_since(tried) >= pause);
        if due {
            recent.tried = Some(now);
        }
        due
    }
}

/// The lower of the middle ones. There must be one.
fn median(durations: &mut [Duration]) -> Duration {
    let middle = (durations.len() - 1) / 2;
    *durations.select_nth_unstable(middle).1
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn targets() -> impl Iterator<Item = TargetId> {
        (0..8).map(TargetId)
    }

    /// Eight targets, each of which took `took` several times.
    fn latencies(took: impl Fn(u64) -> Duration) -> Latencies {
        let mut latencies = Latencies::default();
        (0..RECENT).for_each(|_| targets().for_each(|t| latencies.record(t, took(t.0))));
        latencies
    }

    fn outliers(latencies: &Latencies) -> Vec<u64> {
        targets().filter(|&t| latencies.is_outlier(t, targets())).map(|t| t.0).collect()
    }

    #[test]
    fn an_outlier_takes_far_longer_than_the_others_and_longer_than_disks_may() {
        assert_eq!(outliers(&latencies(|t| MS * if t == 5 { 1000 } else { 4 })), [5]);
        assert_eq!(outliers(&latencies(|t| MS * if t >= 6 { 300 } else { 4 })), [6, 7]);
        assert!(outliers(&latencies(|t| MS * if t == 5 { 40 } else { 1 })).is_empty());
        assert!(outliers(&latencies(|t| MS * if t == 5 { 300 } else { 40 })).is_empty());
    }

    #[test]
    fn where_everything_is_slow_nothing_is_an_outlier() {
        assert!(outliers(&latencies(|_| MS * 5000)).is_empty());
        assert!(outliers(&latencies(|t| MS * if t < 3 { 4 } else { 5000 })).is_empty());
        assert!(outliers(&Latencies::default()).is_empty());
        assert!(!latencies(|_| MS * 5000).is_outlier(TargetId(1), []));
    }

    #[test]
    fn one_slow_request_makes_no_outlier_and_an_outlier_comes_back_when_it_is_well() {
        let mut latencies = latencies(|_| MS * 4);
        (0..3).for_each(|_| latencies.record(TargetId(5), MS * 1000));
        assert!(outliers(&latencies).is_empty());
        (0..2).for_each(|_| latencies.record(TargetId(5), MS * 1000));
        assert_eq!(outliers(&latencies), [5]);
        (0..RECENT).for_each(|_| latencies.record(TargetId(5), MS * 4));
        assert!(outliers(&latencies).is_empty());
    }

    #[test]
    fn a_target_is_judged_only_after_some_requests() {
        let mut latencies = latencies(|_| MS * 4);
        for count in 1..=RECENT_MIN {
            latencies.record(TargetId(9), MS * 1000);
            assert_eq!(latencies.is_outlier(TargetId(9), targets()), count == RECENT_MIN);
        }
    }

    #[test]
    fn the_slower_a_target_is_the_less_it_is_tried() {
        let (mut latencies, begin) = (latencies(|t| MS * if t == 5 { 1000 } else { 4 }), Instant::now());
        let mut trials = |target: u64, took: Duration| {
            let mut count = 0;
            for second in 1..=100 {
                if latencies.begin_trial(TargetId(target), begin + Duration::from_secs(second)) {
                    latencies.record(TargetId(target), took);
                    count += 1;
                }
            }
            count
        };
        assert_eq!(trials(5, MS * 1000), 13);
        assert_eq!(trials(6, MS * 4), 100);
        assert_eq!(trials(7, MS * 60_000), 4);
    }
}
