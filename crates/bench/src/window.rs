//! Rates over time: bytes and operations in buckets of ten milliseconds, the window in which two sides
//! overlap, and the worst second within it. Pure functions of what was counted.
//!
//! An operation counts where it ends: a call that hangs for three seconds leaves three seconds of nothing,
//! which is what an application sees.

use serde::{Deserialize, Serialize};

/// Width of a bucket in nanoseconds.
pub const BUCKET_NS: u64 = 10_000_000;
const BUCKETS_PER_SECOND: usize = (1_000_000_000 / BUCKET_NS) as usize;

/// What was counted, by time since a phase began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// Bytes in each bucket of [`BUCKET_NS`].
    pub bytes: Vec<u64>,
    /// Operations in each bucket.
    pub operations: Vec<u64>,
}

/// A time between two moments, in nanoseconds since a phase began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its first moment.
    pub begin_ns: u64,
    /// Its end.
    pub end_ns: u64,
}

/// Counts within a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Bytes.
    pub bytes: u64,
    /// Operations.
    pub operations: u64,
}

impl Series {
    /// Counts an operation that ended so many nanoseconds after the phase began.
    pub fn add(&mut self, at_ns: u64, bytes: u64) {
        let bucket = (at_ns / BUCKET_NS) as usize;
        if self.bytes.len() <= bucket {
            self.bytes.resize(bucket + 1, 0);
            self.operations.resize(bucket + 1, 0);
        }
        self.bytes[bucket] += bytes;
        self.operations[bucket] += 1;
    }

    /// Adds what another process counted in the same phase.
    pub fn merge(&mut self, other: &Series) {
        let len = self.bytes.len().max(other.bytes.len());
        self.bytes.resize(len, 0);
        self.operations.resize(len, 0);
        self.bytes.iter_mut().zip(&other.bytes).for_each(|(a, b)| *a += b);
        self.operations.iter_mut().zip(&other.operations).for_each(|(a, b)| *a += b);
    }

    /// All that was counted.
    pub fn total(&self) -> Counts {
        Counts { bytes: self.bytes.iter().sum(), operations: self.operations.iter().sum() }
    }

    /// What was counted within a window whose ends are ends of buckets (see [`overlap`]).
    pub fn within(&self, window: Span) -> Counts {
        let range = (window.begin_ns / BUCKET_NS) as usize..(window.end_ns / BUCKET_NS) as usize;
        let sum = |of: &[u64]| range.clone().filter_map(|at| of.get(at)).sum();
        Counts { bytes: sum(&self.bytes), operations: sum(&self.operations) }
    }

    /// The least of something in any one second within the window, at any bucket it may begin at. `None` when
    /// the window is shorter than a second.
    pub fn worst_second(&self, window: Span, of: fn(&Counts) -> u64) -> Option<u64> {
        let begin = (window.begin_ns / BUCKET_NS) as usize;
        let end = (window.end_ns / BUCKET_NS) as usize;
        let last = end.checked_sub(BUCKETS_PER_SECOND).filter(|last| *last >= begin)?;
        (begin..=last)
            .map(|at| {
                let second = Span {
                    begin_ns: at as u64 * BUCKET_NS,
                    end_ns: (at + BUCKETS_PER_SECOND) as u64 * BUCKET_NS,
                };
                of(&self.within(second))
            })
            .min()
    }

    /// Whole seconds since the phase began; the last one may be shorter.
    pub fn by_second(&self) -> Vec<Counts> {
        self.bytes
            .chunks(BUCKETS_PER_SECOND)
            .zip(self.operations.chunks(BUCKETS_PER_SECOND))
            .map(|(bytes, operations)| Counts {
                bytes: bytes.iter().sum(),
                operations: operations.iter().sum(),
            })
            .collect()
    }
}

impl Span {
    /// Its length in seconds.
    pub fn seconds(&self) -> f64 {
        self.end_ns.saturating_sub(self.begin_ns) as f64 / 1e9
    }
}

/// The window in which **every** reader and every writer was at work: from the last to begin to the first
/// to end, narrowed to whole buckets. `None` when there is no such time, or nobody on a side.
pub fn overlap(readers: &[Span], writers: &[Span]) -> Option<Span> {
    if readers.is_empty() || writers.is_empty() {
        return None;
    }
    let all = || readers.iter().chain(writers);
    let begin = all().map(|s| s.begin_ns).max()?.next_multiple_of(BUCKET_NS);
    let end = all().map(|s| s.end_ns).min()? / BUCKET_NS * BUCKET_NS;
    (begin < end).then_some(Span { begin_ns: begin, end_ns: end })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn span(begin: u64, end: u64) -> Span {
        Span { begin_ns: begin, end_ns: end }
    }

    /// So many bytes at the end of every 100 ms of each second.
    fn steady(rates: &[u64]) -> Series {
        let mut series = Series::default();
        for (second, rate) in rates.iter().enumerate() {
            for tenth in 0..10 {
                series.add(second as u64 * SECOND + tenth * SECOND / 10 + 5_000_000, rate / 10);
            }
        }
        series
    }

    #[test]
    fn the_window_is_the_time_all_of_both_sides_work() {
        let readers = [span(0, 10 * SECOND), span(SECOND / 2, 8 * SECOND)];
        let writers = [span(SECOND, 9 * SECOND)];
        assert_eq!(overlap(&readers, &writers), Some(span(SECOND, 8 * SECOND)));
        assert_eq!(overlap(&readers, &[]), None);
        assert_eq!(overlap(&[span(0, SECOND)], &[span(SECOND, 2 * SECOND)]), None);
    }

    #[test]
    fn a_window_never_reaches_beyond_those_who_made_it() {
        let window = overlap(&[span(3, 25_000_001)], &[span(0, 99_999_999)]).expect("they overlap");
        assert_eq!(window, span(10_000_000, 20_000_000));
    }

    #[test]
    fn bytes_outside_the_window_do_not_count() {
        let series = steady(&[500, 1_000, 1_000, 90_000]);
        let window = span(SECOND, 3 * SECOND);
        assert_eq!(series.within(window), Counts { bytes: 2_000, operations: 20 });
        assert_eq!(series.total().bytes, 92_500);
    }

    #[test]
    fn the_worst_second_may_begin_anywhere() {
        // Nothing between 1.5 s and 2.5 s: every whole second has half, one that is not has nothing.
        let mut series = Series::default();
        for tenth in (0..15).chain(25..40) {
            series.add(tenth * SECOND / 10, 100);
        }
        assert_eq!(series.worst_second(span(0, 4 * SECOND), |c| c.bytes), Some(0));
        assert_eq!(series.by_second().iter().map(|c| c.bytes).collect::<Vec<_>>(), [1000, 500, 500, 1000]);
    }

    #[test]
    fn a_stall_outside_the_window_is_not_the_worst_second() {
        let series = steady(&[0, 800, 700, 900, 0]);
        assert_eq!(series.worst_second(span(SECOND, 4 * SECOND), |c| c.bytes), Some(700));
    }

    #[test]
    fn a_side_that_stopped_counting_has_a_worst_second_of_nothing() {
        let series = steady(&[800]);
        assert_eq!(series.worst_second(span(0, 3 * SECOND), |c| c.operations), Some(0));
    }

    #[test]
    fn less_than_a_second_has_no_worst_second() {
        assert_eq!(steady(&[800, 800]).worst_second(span(0, SECOND - BUCKET_NS), |c| c.bytes), None);
    }

    #[test]
    fn merging_adds_bucket_by_bucket() {
        let mut all = steady(&[100]);
        all.merge(&steady(&[200, 300]));
        assert_eq!(all.by_second().iter().map(|c| c.bytes).collect::<Vec<_>>(), [300, 300]);
        assert_eq!(all.total().operations, 30);
    }
}
