//! How far a node's clock is from this machine's: the midpoint of the shortest round trip of some.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use isobar_wire::Address;
use isobar_wire::message::probe::{ProbeReply, ProbeRequest};
use serde::Serialize;

use super::probe::Prober;

const READINGS: usize = 9;

/// A node's clock against this machine's.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Clock {
    /// Ahead of this machine's clock by so many seconds; behind when negative.
    pub offset_seconds: f64,
    /// The offset is right to this many seconds: half of the round trip.
    pub error_seconds: f64,
}

impl Clock {
    /// From the two moments of asking and the one in between, all in nanoseconds since 1970.
    fn of(asked_ns: u64, told_ns: u64, heard_ns: u64) -> Clock {
        let middle = asked_ns as f64 / 2.0 + heard_ns as f64 / 2.0;
        Clock {
            offset_seconds: (told_ns as f64 - middle) / 1e9,
            error_seconds: heard_ns.saturating_sub(asked_ns) as f64 / 2e9,
        }
    }
}

/// Reads a node's clock some times; the reading with the shortest round trip counts.
pub(super) async fn read(prober: &Prober, addr: &Address) -> Option<Clock> {
    let mut best: Option<Clock> = None;
    for _ in 0..READINGS {
        let asked_ns = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_nanos() as u64;
        let begun = Instant::now();
        let Ok(ProbeReply::Clock { unix_ns }) = prober.ask(addr, &ProbeRequest::Clock).await else {
            continue;
        };
        let heard_ns = asked_ns + begun.elapsed().as_nanos() as u64;
        let clock = Clock::of(asked_ns, unix_ns, heard_ns);
        if best.is_none_or(|best| clock.error_seconds < best.error_seconds) {
            best = Some(clock);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_compared_with_the_middle_of_the_round_trip() {
        let second = 1_000_000_000u64;
        let clock = Clock::of(100 * second, 100 * second + second / 2 + 250_000_000, 101 * second);
        assert!((clock.offset_seconds - 0.25).abs() < 1e-6 && (clock.error_seconds - 0.5).abs() < 1e-9);
        let behind = Clock::of(100 * second, 99 * second, 100 * second);
        assert!((behind.offset_seconds + 1.0).abs() < 1e-6);
    }
}
