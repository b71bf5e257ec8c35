//! A few plain workloads one after the other, for a table to compare file systems by: streams, empty
//! files, files of 3,901 bytes and of 32 KiB, each with its CPU cost.

use serde::{Deserialize, Serialize};

use crate::error::{BenchError, Result};
use crate::ior::{self, IorOptions, IorReport};
use crate::mdtest::{self, MdtestOptions, MdtestReport, MdtestStep};
use crate::options::CommonOptions;
use crate::phase::Phase;
use crate::run::{Observer, Setup};

/// How much of each.
#[derive(clap::Args, Clone, Debug, Serialize, Deserialize)]
pub struct SuiteOptions {
    /// Streams: MiB of every process.
    #[arg(long, default_value_t = 512, value_name = "MIB")]
    pub stream_mib: u64,
    /// Files of every process.
    #[arg(long, default_value_t = 2000, value_name = "N")]
    pub files: u64,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: CommonOptions,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SuiteReport {
    /// The table.
    pub rows: Vec<SuiteRow>,
    /// Streams: a file per process in 1 MiB calls, fsync at the end, read back.
    pub streams: IorReport,
    /// Empty files: create, stat, remove.
    pub empty: MdtestReport,
    /// Files of 3,901 bytes: write, read, remove.
    pub small: MdtestReport,
    /// Files of 32 KiB: write, read, remove.
    pub medium: MdtestReport,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuiteRow {
    /// What was done, for programs: `stream-write`, `stream-read`, `create`, `stat`, `remove`, and writes and
    /// reads of `small` (3,901 bytes) and `medium` files (32 KiB).
    pub what: String,
    /// What was done.
    pub workload: String,
    /// How fast, in `unit`.
    pub rate: f64,
    /// `MiB/s` or `files/s`.
    pub unit: String,
    /// CPU time of all processes that were watched, in `cost_unit`.
    pub cost: f64,
    /// `s/GiB` or `ms/file`.
    pub cost_unit: String,
    /// How many servers were watched; with 0 they are not in the cost.
    pub watched_servers: u32,
}

/// Measures.
///
/// # Errors
/// Those of [`ior::run`] and [`mdtest::run`].
pub fn run(options: &SuiteOptions, setup: &Setup, observer: &mut dyn Observer) -> Result<SuiteReport> {
    for (option, value) in [("--files", options.files), ("--stream-mib", options.stream_mib)] {
        if value == 0 {
            return Err(BenchError::BadInput(format!("{option} 0: at least 1, or nothing is measured")));
        }
    }
    let common = options.common.clone();
    let streams = IorOptions {
        file_per_process: true,
        fsync: true,
        write: true,
        check_read: true,
        block_bytes: options.stream_mib << 20,
        transfer_bytes: 1 << 20,
        common: common.clone(),
        ..IorOptions::default()
    };
    let files = |bytes: u64| MdtestOptions {
        item_count: Some(options.files),
        iterations: 1,
        branch: 1,
        files_only: true,
        unique_dir: true,
        write_bytes: bytes,
        read_bytes: bytes,
        common: common.clone(),
        ..MdtestOptions::default()
    };
    streams.validate()?;
    files(0).validate()?;
    let streams = ior::run(&streams, setup, observer)?;
    let empty = mdtest::run(&files(0), setup, observer)?;
    let small = mdtest::run(&files(3_901), setup, observer)?;
    let medium = mdtest::run(&files(32 << 10), setup, observer)?;

    let mut rows = Vec::new();
    for iteration in &streams.iterations {
        let phases = [
            ("stream-write", "1 MiB writes, fsync at the end", &iteration.write),
            ("stream-read", "the same read", &iteration.read),
        ];
        let row =
            |(what, name, phase): (&str, &str, &Option<Phase>)| Some(stream_row(what, name, phase.as_ref()?));
        rows.extend(phases.into_iter().filter_map(row));
    }
    let step = |report: &MdtestReport, step: MdtestStep| {
        report.iterations.iter().flatten().find(|(s, _)| *s == step).map(|(_, phase)| phase.clone())
    };
    for (what, name, report, which) in [
        ("create", "empty files: create", &empty, MdtestStep::FileCreation),
        ("stat", "stat", &empty, MdtestStep::FileStat),
        ("remove", "remove", &empty, MdtestStep::FileRemoval),
        ("small-write", "3,901-byte files: write", &small, MdtestStep::FileCreation),
        ("small-read", "read", &small, MdtestStep::FileRead),
        ("medium-write", "32 KiB files: write", &medium, MdtestStep::FileCreation),
        ("medium-read", "read", &medium, MdtestStep::FileRead),
    ] {
        rows.extend(step(report, which).map(|phase| file_row(what, name, &phase)));
    }
    Ok(SuiteReport { rows, streams, empty, small, medium })
}

fn stream_row(what: &str, name: &str, phase: &Phase) -> SuiteRow {
    SuiteRow {
        what: what.to_owned(),
        workload: name.to_owned(),
        rate: phase.mib_per_second(),
        unit: "MiB/s".to_owned(),
        cost: phase.cpu.per_gib(phase.bytes()).unwrap_or(0.0),
        cost_unit: "s/GiB".to_owned(),
        watched_servers: phase.cpu.watched_servers,
    }
}

fn file_row(what: &str, name: &str, phase: &Phase) -> SuiteRow {
    SuiteRow {
        what: what.to_owned(),
        workload: name.to_owned(),
        rate: phase.operations_per_second(),
        unit: "files/s".to_owned(),
        cost: phase.cpu.micros_per_operation(phase.operations()).unwrap_or(0.0) / 1e3,
        cost_unit: "ms/file".to_owned(),
        watched_servers: phase.cpu.watched_servers,
    }
}

impl SuiteReport {
    /// Reads that gave wrong bytes; anything but 0 is a failure of the file system.
    pub fn wrong(&self) -> u64 {
        self.streams.wrong + self.empty.wrong + self.small.wrong + self.medium.wrong
    }

    /// All phases.
    pub fn phases(&self) -> impl Iterator<Item = &Phase> {
        let files = [&self.empty, &self.small, &self.medium];
        self.streams.phases().chain(files.into_iter().flat_map(MdtestReport::phases))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Counts;

    #[test]
    fn rows_say_what_a_byte_and_what_a_file_cost() {
        let mut phase = Phase { seconds: 2.0, ..Phase::default() };
        phase.written = Counts { bytes: 1 << 30, operations: 1000 };
        phase.cpu.servers_seconds = 3.0;
        let row = stream_row("x", "w", &phase);
        assert_eq!((row.rate, row.cost), (512.0, 3.0));
        let row = file_row("x", "f", &phase);
        assert_eq!((row.rate, row.cost), (500.0, 3.0));
    }
}
