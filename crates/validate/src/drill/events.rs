//! What the load says while it runs.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use isobar_bench::{Counts, Observer, Rates, Second};

use crate::measure::describe_rates;
use crate::watcher::Watcher;

/// The phase in which the fault happens.
const PHASE: &str = "read and write";

/// Hears when the load begins, and how fast it is.
pub(super) struct EventSink<'a> {
    watcher: &'a dyn Watcher,
    /// Told when reading and writing begin; dropped when they never will.
    begun: Option<Sender<()>>,
    /// When that was.
    pub origin: Option<Instant>,
    rates: Vec<Rates>,
}

impl<'a> EventSink<'a> {
    pub fn new(watcher: &'a dyn Watcher, begun: Sender<()>) -> EventSink<'a> {
        EventSink { watcher, begun: Some(begun), origin: None, rates: Vec::new() }
    }

    /// The load has ended: whoever waits for its beginning hears when there will be none.
    pub fn end(&mut self) {
        self.begun = None;
    }

    /// Both directions in each second, as they were seen while the load ran.
    pub fn by_second(&self) -> Vec<Second> {
        let counts =
            |bytes: f64, operations: f64| Counts { bytes: bytes as u64, operations: operations as u64 };
        let second = |r: &Rates| Second {
            read: counts(r.read_bytes_per_second, r.reads_per_second),
            written: counts(r.written_bytes_per_second, r.writes_per_second),
        };
        self.rates.iter().map(second).collect()
    }
}

impl Observer for EventSink<'_> {
    fn begins(&mut self, phase: &str) {
        self.watcher.now(&format!("drill: {phase}"));
        if phase == PHASE {
            self.origin = Some(Instant::now());
            if let Some(begun) = &self.begun {
                begun.send(()).ok();
            }
        }
    }

    fn rates(&mut self, phase: &str, rates: &Rates) {
        self.watcher.now(&describe_rates("drill", phase, rates));
        if phase == PHASE {
            // Workers begin together a moment after they are told: this is their clock.
            if self.rates.is_empty() {
                self.origin = Instant::now().checked_sub(Duration::from_secs_f64(rates.at_seconds));
            }
            self.rates.push(*rates);
        }
    }
}
