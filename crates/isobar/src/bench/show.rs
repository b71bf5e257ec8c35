//! What a measurement shows while it runs: rates on a terminal, a line for each phase.

use isobar_bench::{Observer, Phase, Rates};

use crate::progress::Progress;

/// Shows phases and rates on standard error.
pub struct Show(Progress);

impl Show {
    /// `quiet` shows nothing.
    pub fn new(quiet: bool) -> Show {
        Show(Progress::new(quiet))
    }

    /// No more phases.
    pub fn finish(&self) {
        self.0.finish();
    }
}

impl Observer for Show {
    fn begins(&mut self, phase: &str) {
        self.0.now(phase);
    }

    fn rates(&mut self, phase: &str, rates: &Rates) {
        let side = |name: &str, bytes: f64, operations: f64| match (bytes > 0.0, operations > 0.0) {
            (true, _) => format!("  {name} {:.0} MiB/s, {operations:.0}/s", bytes / f64::from(1 << 20)),
            (false, true) => format!("  {name} {operations:.0}/s"),
            (false, false) => String::new(),
        };
        let read = side("read", rates.read_bytes_per_second, rates.reads_per_second);
        let written = side("write", rates.written_bytes_per_second, rates.writes_per_second);
        self.0.now(format!("{phase}  {:.0} s{read}{written}", rates.at_seconds));
    }

    fn ended(&mut self, phase: &Phase) {
        let rate = match phase.bytes() {
            0 => format!("{:.0}/s", phase.operations_per_second()),
            _ => format!("{:.0} MiB/s, {:.0}/s", phase.mib_per_second(), phase.operations_per_second()),
        };
        self.0.done(format!("{:<20} {:>8.2} s  {rate}", phase.name, phase.seconds));
    }
}
