//! How long calls take: a high dynamic range histogram that merges across processes.

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest call that is told apart, in nanoseconds: an hour.
const MAX_NS: u64 = 3_600_000_000_000;
/// Decimal digits that are kept of every value.
const DIGITS: u8 = 3;

/// Latencies of one kind of call, in nanoseconds, each kept to three digits.
///
/// As JSON an object of `count`, `min_ns`, `mean_ns`, `max_ns`, `p50_ns`, `p90_ns`, `p95_ns`, `p99_ns`,
/// `p999_ns` and `buckets` (pairs of a value in nanoseconds and how often it occurred), from which all is
/// restored.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency(Histogram<u64>);

impl Default for Latency {
    fn default() -> Self {
        // The bounds are constants the library accepts.
        Latency(
            Histogram::new_with_bounds(1, MAX_NS, DIGITS).unwrap_or_else(|_| unreachable!("valid bounds")),
        )
    }
}

impl Latency {
    /// Counts a call of so many nanoseconds.
    pub fn record_ns(&mut self, nanoseconds: u64) {
        self.0.saturating_record(nanoseconds.clamp(1, MAX_NS));
    }

    /// Adds the calls of another histogram.
    pub fn merge(&mut self, other: &Latency) {
        for value in other.0.iter_recorded() {
            self.0.saturating_record_n(value.value_iterated_to(), value.count_at_value());
        }
    }

    /// How many calls.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency in nanoseconds that so many percent of calls did not exceed; 0 without calls.
    pub fn percentile_ns(&self, percent: f64) -> u64 {
        self.0.value_at_percentile(percent)
    }

    /// Mean, in nanoseconds.
    pub fn mean_ns(&self) -> f64 {
        self.0.mean()
    }

    /// Longest, in nanoseconds.
    pub fn max_ns(&self) -> u64 {
        self.0.max()
    }

    /// Shortest, in nanoseconds.
    pub fn min_ns(&self) -> u64 {
        if self.0.is_empty() { 0 } else { self.0.min() }
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    count: u64,
    min_ns: u64,
    mean_ns: f64,
    max_ns: u64,
    p50_ns: u64,
    p90_ns: u64,
    p95_ns: u64,
    p99_ns: u64,
    p999_ns: u64,
    buckets: Vec<(u64, u64)>,
}

impl Serialize for Latency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written {
            count: self.count(),
            min_ns: self.min_ns(),
            mean_ns: self.mean_ns(),
            max_ns: self.max_ns(),
            p50_ns: self.percentile_ns(50.0),
            p90_ns: self.percentile_ns(90.0),
            p95_ns: self.percentile_ns(95.0),
            p99_ns: self.percentile_ns(99.0),
            p999_ns: self.percentile_ns(99.9),
            buckets: self.0.iter_recorded().map(|v| (v.value_iterated_to(), v.count_at_value())).collect(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let mut latency = Latency::default();
        for (value, count) in written.buckets {
            latency.0.saturating_record_n(value.clamp(1, MAX_NS), count);
        }
        Ok(latency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Latency {
        let mut latency = Latency::default();
        values.into_iter().for_each(|ns| latency.record_ns(ns));
        latency
    }

    fn near(value: u64, expected: u64) -> bool {
        value.abs_diff(expected) * 500 <= expected
    }

    #[test]
    fn merged_histograms_have_the_percentiles_of_all_calls() {
        let mut merged = of((1..=500).map(|n| n * 1_000));
        merged.merge(&of((501..=1_000).map(|n| n * 1_000)));
        assert_eq!(merged.count(), 1_000);
        assert!(near(merged.percentile_ns(50.0), 500_000), "{}", merged.percentile_ns(50.0));
        assert!(near(merged.percentile_ns(99.0), 990_000), "{}", merged.percentile_ns(99.0));
        assert!(near(merged.max_ns(), 1_000_000));
    }

    #[test]
    fn a_histogram_survives_the_way_between_processes() {
        let latency = of([1, 17, 900, 123_456, 98_765_432, 3_000_000_000]);
        let text = serde_json::to_string(&latency).expect("it is written");
        let back: Latency = serde_json::from_str(&text).expect("it is read");
        assert_eq!(back.count(), latency.count());
        for percent in [0.0, 25.0, 50.0, 90.0, 100.0] {
            assert_eq!(back.percentile_ns(percent), latency.percentile_ns(percent));
        }
    }

    #[test]
    fn no_calls_give_zeros() {
        let none = Latency::default();
        assert_eq!((none.count(), none.percentile_ns(99.0), none.min_ns(), none.max_ns()), (0, 0, 0, 0));
    }
}
