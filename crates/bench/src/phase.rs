//! One phase as all processes together saw it: the result type of every workload.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::latency::Latency;
use crate::record::{Call, RankReport, Verified};
use crate::units;
use crate::window::{Counts, Series, Span};

/// One phase of a workload, over all its processes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Phase {
    /// Its name, as the workload calls it.
    pub name: String,
    /// From the moment the first process began to the moment the last one ended.
    pub seconds: f64,
    /// What was read, or asked.
    pub read: Counts,
    /// What was written, or changed.
    pub written: Counts,
    /// CPU time it took.
    pub cpu: Cpu,
    /// Latency of every kind of call that was made.
    pub latency: BTreeMap<Call, Latency>,
    /// What came of checking contents.
    pub verified: Verified,
    /// Both directions in each second since the phase began; the last one may be shorter.
    pub by_second: Vec<Second>,
    /// What each process did.
    pub ranks: Vec<Rank>,
    /// From the first open's begin to the last one's end; streams only.
    pub open_seconds: Option<f64>,
    /// The same of transfers, with their fsync.
    pub transfer_seconds: Option<f64>,
    /// The same of close.
    pub close_seconds: Option<f64>,
}

/// One process in a phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rank {
    /// Number of the process.
    pub rank: u32,
    /// When it began, in seconds since the phase did.
    pub begin_seconds: f64,
    /// When it ended.
    pub end_seconds: f64,
    /// What it read.
    pub read: Counts,
    /// What it wrote.
    pub written: Counts,
    /// Items or transfers it completed.
    pub done: u64,
}

/// Both directions in one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// Read.
    pub read: Counts,
    /// Written.
    pub written: Counts,
}

/// CPU time in user and kernel mode, in seconds.
///
/// Kernel threads that write back a page cache belong to no process and are not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cpu {
    /// Of the processes that made the calls.
    pub callers_seconds: f64,
    /// What of that went into making and checking contents: the benchmark's own share.
    pub content_seconds: f64,
    /// Of the client daemons found or named (a mount), at the resolution of the kernel's clock tick.
    pub mounts_seconds: f64,
    /// Of the servers found or named, at the same resolution.
    pub servers_seconds: f64,
    /// How many daemons and servers were watched; with 0 only the callers are counted.
    pub watched: u32,
}

impl Cpu {
    /// All of it.
    pub fn total_seconds(&self) -> f64 {
        self.callers_seconds + self.mounts_seconds + self.servers_seconds
    }

    /// CPU seconds per GiB.
    pub fn per_gib(&self, bytes: u64) -> Option<f64> {
        (bytes > 0).then(|| self.total_seconds() / units::gib(bytes))
    }

    /// CPU microseconds per operation.
    pub fn micros_per_operation(&self, operations: u64) -> Option<f64> {
        (operations > 0).then(|| self.total_seconds() * 1e6 / operations as f64)
    }
}

impl Phase {
    /// Bytes in both directions.
    pub fn bytes(&self) -> u64 {
        self.read.bytes + self.written.bytes
    }

    /// Operations in both directions.
    pub fn operations(&self) -> u64 {
        self.read.operations + self.written.operations
    }

    /// MiB (2^20 bytes) per second over the whole phase.
    pub fn mib_per_second(&self) -> f64 {
        units::mib(self.bytes()) / self.seconds.max(1e-9)
    }

    /// Operations per second over the whole phase.
    pub fn operations_per_second(&self) -> f64 {
        self.operations() as f64 / self.seconds.max(1e-9)
    }

    pub(crate) fn of(name: &str, reports: &[RankReport], cpu: Cpu) -> Phase {
        let mut phase = Phase { name: name.to_owned(), cpu, ..Phase::default() };
        let (mut read, mut write) = (Series::default(), Series::default());
        for report in reports {
            read.merge(&report.read);
            write.merge(&report.write);
            for (call, latency) in &report.latency {
                phase.latency.entry(*call).or_default().merge(latency);
            }
            phase.verified.merge(&report.verified);
            phase.cpu.callers_seconds += report.cpu_ns as f64 / 1e9;
            phase.cpu.content_seconds += report.content_ns as f64 / 1e9;
            phase.ranks.push(Rank {
                rank: report.rank,
                begin_seconds: report.begin_ns as f64 / 1e9,
                end_seconds: report.end_ns as f64 / 1e9,
                read: report.read.total(),
                written: report.write.total(),
                done: report.done,
            });
        }
        let begin = reports.iter().map(|r| r.begin_ns).min().unwrap_or(0);
        let end = reports.iter().map(|r| r.end_ns).max().unwrap_or(0);
        phase.seconds = Span { begin_ns: begin, end_ns: end }.seconds();
        phase.read = read.total();
        phase.written = write.total();
        let (read, write) = (read.by_second(), write.by_second());
        phase.by_second = (0..read.len().max(write.len()))
            .map(|at| Second {
                read: read.get(at).copied().unwrap_or_default(),
                written: write.get(at).copied().unwrap_or_default(),
            })
            .collect();
        let over = |of: fn(&RankReport) -> Option<Span>| {
            let begin = reports.iter().filter_map(of).map(|s| s.begin_ns).min()?;
            let end = reports.iter().filter_map(of).map(|s| s.end_ns).max()?;
            Some(Span { begin_ns: begin, end_ns: end }.seconds())
        };
        phase.open_seconds = over(|r| r.open);
        phase.transfer_seconds = over(|r| r.transfer);
        phase.close_seconds = over(|r| r.close);
        phase
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rank: u32, begin_ms: u64, end_ms: u64, bytes: u64) -> RankReport {
        let mut report = RankReport {
            rank,
            begin_ns: begin_ms * 1_000_000,
            end_ns: end_ms * 1_000_000,
            ..RankReport::default()
        };
        report.write.add(report.end_ns, bytes);
        report.cpu_ns = 500_000_000;
        report.transfer = Some(Span { begin_ns: report.begin_ns, end_ns: report.end_ns });
        report
    }

    #[test]
    fn a_phase_lasts_from_the_first_to_begin_to_the_last_to_end() {
        let phase = Phase::of(
            "write",
            &[report(0, 0, 1_000, 1 << 30), report(1, 10, 2_000, 1 << 30)],
            Cpu::default(),
        );
        assert_eq!(phase.seconds, 2.0);
        assert_eq!(phase.mib_per_second(), 1024.0);
        assert_eq!(phase.transfer_seconds, Some(2.0));
        assert_eq!(phase.open_seconds, None);
        assert_eq!(phase.cpu.per_gib(phase.bytes()), Some(0.5));
        assert_eq!(phase.by_second.len(), 3);
        assert_eq!(phase.by_second[1].written.bytes, 1 << 30);
    }

    #[test]
    fn cost_of_nothing_is_not_a_number_one_prints() {
        assert_eq!(Cpu::default().per_gib(0), None);
        assert_eq!(Cpu::default().micros_per_operation(0), None);
    }
}
