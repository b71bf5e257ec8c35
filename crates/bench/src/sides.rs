//! Both sides of a phase that reads and writes at once, each over the time both were at work.

use serde::{Deserialize, Serialize};

use crate::record::RankReport;
use crate::units;
use crate::window::{Counts, Series, Span, overlap};

/// The window in which every reader and every writer was at work, and the rates within it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// When it began, in seconds since the phase did.
    pub begin_seconds: f64,
    /// How long it lasted.
    pub seconds: f64,
    /// Readers.
    pub read: SideRates,
    /// Writers.
    pub written: SideRates,
}

/// One side within a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SideRates {
    /// Bytes.
    pub bytes: u64,
    /// Operations: transfers, or whole small files.
    pub operations: u64,
    /// MiB (2^20 bytes) per second.
    pub mib_per_second: f64,
    /// Operations per second.
    pub operations_per_second: f64,
    /// MiB in the one second of the window that had the fewest bytes; none when it is shorter.
    pub worst_second_mib: Option<f64>,
    /// Operations in the one second that had the fewest.
    pub worst_second_operations: Option<u64>,
}

impl Overlap {
    /// Of what readers and writers counted; none when they never worked at the same time.
    pub(crate) fn of(reports: &[RankReport], is_reader: impl Fn(u32) -> bool) -> Option<Overlap> {
        let span = |r: &RankReport| Span { begin_ns: r.begin_ns, end_ns: r.end_ns };
        let (readers, writers): (Vec<_>, Vec<_>) = reports.iter().partition(|r| is_reader(r.rank));
        let spans = |side: &[&RankReport]| side.iter().map(|r| span(r)).collect::<Vec<_>>();
        let window = overlap(&spans(&readers), &spans(&writers))?;
        let merged = |of: fn(&RankReport) -> &Series| {
            let mut all = Series::default();
            reports.iter().for_each(|r| all.merge(of(r)));
            all
        };
        Some(Overlap {
            begin_seconds: window.begin_ns as f64 / 1e9,
            seconds: window.seconds(),
            read: SideRates::of(&merged(|r| &r.read), window),
            written: SideRates::of(&merged(|r| &r.write), window),
        })
    }
}

impl SideRates {
    /// Of a side within a window.
    pub fn of(series: &Series, window: Span) -> SideRates {
        let Counts { bytes, operations } = series.within(window);
        let seconds = window.seconds().max(1e-9);
        SideRates {
            bytes,
            operations,
            mib_per_second: units::mib(bytes) / seconds,
            operations_per_second: operations as f64 / seconds,
            worst_second_mib: series.worst_second(window, |c| c.bytes).map(units::mib),
            worst_second_operations: series.worst_second(window, |c| c.operations),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn report(rank: u32, seconds: std::ops::Range<u64>, bytes: u64) -> RankReport {
        let mut report = RankReport {
            rank,
            begin_ns: seconds.start * SECOND,
            end_ns: seconds.end * SECOND,
            ..RankReport::default()
        };
        let series = if rank == 0 { &mut report.read } else { &mut report.write };
        seconds.for_each(|s| series.add(s * SECOND + SECOND / 2, bytes));
        report
    }

    #[test]
    fn each_direction_counts_only_while_both_are_at_work() {
        // The reader has six seconds, the writer the last two of them and two more.
        let reports = [report(0, 0..6, 10 << 20), report(1, 4..8, 30 << 20)];
        let both = Overlap::of(&reports, |rank| rank == 0).expect("they overlap");
        assert_eq!((both.begin_seconds, both.seconds), (4.0, 2.0));
        assert_eq!((both.read.mib_per_second, both.written.mib_per_second), (10.0, 30.0));
        assert_eq!(both.read.bytes, 20 << 20);
        assert_eq!(both.written.worst_second_mib, Some(30.0));
        assert_eq!(Overlap::of(&reports, |_| true), None);
    }
}
