//! Tells the watcher what a workload is doing.

use isobar_bench::{Observer, Overlap, Rates, SideRates};

use crate::quantity::Quantity;
use crate::watcher::Watcher;

/// Hears of phases and rates of one workload after the other.
pub(super) struct Progress<'a> {
    watcher: &'a dyn Watcher,
    workload: &'static str,
}

impl<'a> Progress<'a> {
    pub fn new(watcher: &'a dyn Watcher) -> Progress<'a> {
        Progress { watcher, workload: "" }
    }

    /// Another workload begins.
    pub fn begin(&mut self, workload: &'static str) {
        self.workload = workload;
    }

    /// A workload is done.
    pub fn done(&self, text: &str) {
        self.watcher.done(text);
    }
}

impl Observer for Progress<'_> {
    fn begins(&mut self, phase: &str) {
        self.watcher.now(&format!("{}: {phase}", self.workload));
    }

    fn rates(&mut self, phase: &str, rates: &Rates) {
        self.watcher.now(&describe_rates(self.workload, phase, rates));
    }
}

/// Rates of the last second, in words.
pub(crate) fn describe_rates(workload: &str, phase: &str, rates: &Rates) -> String {
    let side = |name: &str, bytes: f64, operations: f64| match (bytes > 0.0, operations > 0.0) {
        (true, _) => format!("  {name} {}", Quantity::Rate(bytes)),
        (false, true) => format!("  {name} {}", Quantity::Operations(operations)),
        (false, false) => String::new(),
    };
    let read = side("read", rates.read_bytes_per_second, rates.reads_per_second);
    let written = side("written", rates.written_bytes_per_second, rates.writes_per_second);
    format!("{workload}: {phase}  {:.0} s{read}{written}", rates.at_seconds)
}

/// Both directions while both were at work; with `files` how many files, too.
pub(super) fn describe_overlap(overlap: &Overlap, files: bool) -> String {
    let side = |side: &SideRates| {
        let rate = Quantity::mib_per_second(side.mib_per_second);
        match files {
            true => format!("{rate} ({:.0} files/s)", side.operations_per_second),
            false => rate.to_string(),
        }
    };
    format!("{} read and {} written", side(&overlap.read), side(&overlap.written))
}
