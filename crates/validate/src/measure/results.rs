//! What the workloads gave.

use isobar_bench::ior::{IorReport, IorSummary};
use isobar_bench::mdtest::{MdtestReport, MdtestStep};
use isobar_bench::mixed::MixedReport;
use isobar_bench::smallfile::SmallfileReport;
use isobar_bench::{Call, Cpu, Latency, Overlap, Phase, Second};
use serde::Serialize;

use super::commands::Commands;
use crate::quantity::Quantity;

/// Percentiles of one kind of call, in seconds.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Percentiles {
    /// The call, in words.
    pub call: String,
    /// The workload it was made in.
    pub workload: &'static str,
    /// How many calls.
    pub count: u64,
    /// Half of the calls took at most so long.
    pub p50_seconds: f64,
    /// 90 of 100.
    pub p90_seconds: f64,
    /// 99 of 100.
    pub p99_seconds: f64,
    /// 999 of 1,000.
    pub p999_seconds: f64,
    /// The longest.
    pub max_seconds: f64,
}

impl Percentiles {
    fn of(call: &str, workload: &'static str, latency: &Latency) -> Option<Percentiles> {
        let at = |percent| latency.percentile_ns(percent) as f64 / 1e9;
        (latency.count() > 0).then(|| Percentiles {
            call: call.to_owned(),
            workload,
            count: latency.count(),
            p50_seconds: at(50.0),
            p90_seconds: at(90.0),
            p99_seconds: at(99.0),
            p999_seconds: at(99.9),
            max_seconds: latency.max_ns() as f64 / 1e9,
        })
    }
}

/// What the workloads gave.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Writing alone, bytes per second, and CPU time.
    pub write_bytes_per_second: f64,
    /// Reading alone.
    pub read_bytes_per_second: f64,
    /// Reading and writing at once: bytes per second over the overlap; none when there was no overlap.
    pub both: Option<Overlap>,
    /// Rates of that phase in each second.
    pub both_by_second: Vec<Second>,
    /// CPU time of that phase.
    pub both_cpu: Cpu,
    /// How long that phase lasted, in seconds.
    pub both_seconds: f64,
    /// How often each reader went through its file: above 1 caches may have helped.
    pub both_passes: Vec<f64>,
    /// Small files made and read at once.
    pub small: Option<Overlap>,
    /// Their mean size in bytes.
    pub small_file_bytes: u64,
    /// Empty files made per second.
    pub creates_per_second: f64,
    /// Attributes read per second.
    pub stats_per_second: f64,
    /// Files removed per second.
    pub removes_per_second: f64,
    /// Latencies.
    pub latency: Vec<Percentiles>,
    /// Bytes compared, byte by byte or by stamps, and reads that were wrong.
    pub verified_bytes: u64,
    /// Reads that gave wrong bytes.
    pub wrong: u64,
    /// The commands that measure the same.
    pub commands: Commands,
}

/// The reports of all workloads.
pub(super) struct Reports {
    /// Large files, each direction alone.
    pub streams: IorReport,
    /// Large files, both directions at once.
    pub both: MixedReport,
    /// Small files.
    pub small: SmallfileReport,
    /// Names and attributes.
    pub names: MdtestReport,
}

impl Reports {
    /// What of them is judged and shown.
    pub fn measured(&self, commands: Commands) -> Measured {
        let Reports { streams, both, small, names } = self;
        Measured {
            write_bytes_per_second: bytes_per_second(streams.write),
            read_bytes_per_second: bytes_per_second(streams.read),
            both: both.overlap,
            both_by_second: both.mixed.by_second.clone(),
            both_cpu: both.mixed.cpu,
            both_seconds: both.mixed.seconds,
            both_passes: both.passes.clone(),
            small: small.overlap,
            small_file_bytes: small.options.mix.mean(),
            creates_per_second: operations_per_second(names, MdtestStep::FileCreation),
            stats_per_second: operations_per_second(names, MdtestStep::FileStat),
            removes_per_second: operations_per_second(names, MdtestStep::FileRemoval),
            latency: self.latency(),
            verified_bytes: self.verified_bytes(),
            wrong: streams.wrong + both.wrong + small.wrong + names.wrong,
            commands,
        }
    }

    fn latency(&self) -> Vec<Percentiles> {
        let mut all = Vec::new();
        let mut keep = |phase: &Phase, workload, calls: &[(Call, &str)]| {
            for (call, name) in calls {
                all.extend(phase.latency.get(call).and_then(|l| Percentiles::of(name, workload, l)));
            }
        };
        let stream_calls = [
            (Call::Read, "read 1 MiB"),
            (Call::Write, "write 1 MiB"),
            (Call::Sync, "fsync"),
            (Call::Close, "close"),
        ];
        keep(&self.both.mixed, "mixed", &stream_calls);
        let file_calls = [(Call::ReadFile, "read a small file"), (Call::WriteFile, "write a small file")];
        keep(&self.small.mixed, "smallfile", &file_calls);
        // mdtest times open and close of an empty new file as one: that is what a create is.
        let name_calls = [(Call::WriteFile, "create"), (Call::Stat, "stat"), (Call::Remove, "remove")];
        for phase in self.names.phases() {
            keep(phase, "mdtest", &name_calls);
        }
        all
    }

    /// Of all phases that read and compare.
    fn verified_bytes(&self) -> u64 {
        let small = [&self.small.prepare, &self.small.mixed, &self.small.verify];
        let streams = self.streams.iterations.iter().flat_map(|i| i.read.iter());
        let phases = self.both.phases().chain(small).chain(streams);
        phases.map(|p| p.verified.bytes + p.verified.stamped_bytes).sum()
    }
}

/// The mean over iterations; 0 when there were none.
pub(super) fn bytes_per_second(summary: Option<IorSummary>) -> f64 {
    summary.map_or(0.0, |s| Quantity::mib_per_second(s.mib_per_second.mean).value())
}

/// The mean of a step over iterations; 0 when it did not run.
pub(super) fn operations_per_second(names: &MdtestReport, step: MdtestStep) -> f64 {
    names.rate(step).unwrap_or(0.0)
}
