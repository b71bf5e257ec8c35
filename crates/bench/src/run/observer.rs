//! Who hears of phases and rates while they happen.

use serde::{Deserialize, Serialize};

use crate::phase::Phase;

/// Rates of about the last second of a phase that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Seconds since the phase began, at the end of the interval.
    pub at_seconds: f64,
    /// Length of the interval in seconds.
    pub interval_seconds: f64,
    /// Bytes read in each second.
    pub read_bytes_per_second: f64,
    /// Bytes written in each second.
    pub written_bytes_per_second: f64,
    /// Reads (files read, stats) in each second.
    pub reads_per_second: f64,
    /// Writes (files written, names changed) in each second.
    pub writes_per_second: f64,
}

/// Hears what happens while it happens, on the thread that runs the workload.
pub trait Observer {
    /// A phase begins: all processes are ready.
    fn begins(&mut self, _phase: &str) {}
    /// Rates, about once a second while a phase runs.
    fn rates(&mut self, _phase: &str, _rates: &Rates) {}
    /// A phase has ended.
    fn ended(&mut self, _phase: &Phase) {}
}

/// Hears nothing.
pub struct Quiet;

impl Observer for Quiet {}

/// Hands the phase's name and its rates to a function.
pub struct OnRates<F: FnMut(&str, &Rates)>(pub F);

impl<F: FnMut(&str, &Rates)> Observer for OnRates<F> {
    fn rates(&mut self, phase: &str, rates: &Rates) {
        self.0(phase, rates);
    }
}
