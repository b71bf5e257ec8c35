//! Rates of a phase while it runs, from the counters that workers send now and then.

use super::observer::Rates;
use crate::clock;
use crate::window::Counts;

/// How often there are new rates.
const RATES_EVERY_NS: u64 = 1_000_000_000;

/// What every worker has counted, now and when rates were last asked for.
pub struct Live {
    begin_ns: u64,
    last_ns: u64,
    last: (Counts, Counts),
    now: Vec<(Counts, Counts)>,
}

impl Live {
    pub fn new(workers: usize, begin_ns: u64) -> Live {
        Live { begin_ns, last_ns: begin_ns, last: Default::default(), now: vec![Default::default(); workers] }
    }

    /// Keeps a worker's counters.
    pub fn update(&mut self, rank: u32, read: Counts, write: Counts) {
        if let Some(of) = self.now.get_mut(rank as usize) {
            *of = (read, write);
        }
    }

    /// Rates since the last time, when that is long enough ago.
    pub fn rates(&mut self, now_ns: u64) -> Option<Rates> {
        let passed = now_ns.saturating_sub(self.last_ns);
        if passed < RATES_EVERY_NS {
            return None;
        }
        let sum = |of: fn(&(Counts, Counts)) -> Counts| {
            self.now.iter().map(of).fold(Counts::default(), |a, b| Counts {
                bytes: a.bytes + b.bytes,
                operations: a.operations + b.operations,
            })
        };
        let (read, written) = (sum(|w| w.0), sum(|w| w.1));
        let seconds = passed as f64 / 1e9;
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        let rates = Rates {
            at_seconds: clock::seconds(self.begin_ns, now_ns),
            interval_seconds: seconds,
            read_bytes_per_second: rate(read.bytes, self.last.0.bytes),
            written_bytes_per_second: rate(written.bytes, self.last.1.bytes),
            reads_per_second: rate(read.operations, self.last.0.operations),
            writes_per_second: rate(written.operations, self.last.1.operations),
        };
        (self.last_ns, self.last) = (now_ns, (read, written));
        Some(rates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_rates_are_differences_over_the_time_that_passed() {
        let mut live = Live::new(2, 0);
        let counts = |bytes| Counts { bytes, operations: bytes / 10 };
        live.update(0, counts(100), counts(0));
        live.update(1, counts(300), counts(500));
        assert_eq!(live.rates(999_999_999), None);
        let rates = live.rates(2_000_000_000).expect("two seconds");
        assert_eq!((rates.read_bytes_per_second, rates.written_bytes_per_second), (200.0, 250.0));
        assert_eq!(rates.writes_per_second, 25.0);
        live.update(0, counts(1_100), counts(0));
        let rates = live.rates(3_000_000_000).expect("one more");
        assert_eq!((rates.read_bytes_per_second, rates.written_bytes_per_second), (1_000.0, 0.0));
        assert_eq!(rates.at_seconds, 3.0);
    }
}
