//! The workloads, and what of their reports is judged and shown.

use std::path::PathBuf;

use isobar_bench::ior::{self, IorOptions};
use isobar_bench::mdtest::{self, MdtestOptions, MdtestStep};
use isobar_bench::mixed::{self, MixedOptions};
use isobar_bench::smallfile::{self, SmallfileOptions};
use isobar_bench::{
    Api, Call, Cancel, CommonOptions, Cpu, Latency, Launcher, Observer, Overlap, Phase, Rates, Second, Setup,
};
use serde::Serialize;

use crate::error::Result;
use crate::quantity::Quantity;
use crate::report::Command;
use crate::run::Watcher;

/// One MiB: what streams move in one call.
pub(crate) const TRANSFER_BYTES: u64 = 1 << 20;

/// Where and how much.
#[derive(Clone, Debug)]
pub struct Load {
    /// A directory on the mount; none for the client library.
    pub dir: Option<PathBuf>,
    /// The cluster, for the client library.
    pub cluster: PathBuf,
    /// Worker processes.
    pub processes: u32,
    /// Seconds of the workloads that read and write at once.
    pub seconds: f64,
    /// Size of each large file.
    pub file_bytes: u64,
    /// Files of each process in the small-file and metadata workloads.
    pub files: u64,
    /// How workers are started.
    pub launcher: Launcher,
    /// Calls everything off.
    pub cancel: Cancel,
}

impl Load {
    fn common(&self) -> CommonOptions {
        CommonOptions {
            dir: self.dir.clone(),
            np: Some(self.processes),
            api: if self.dir.is_some() { Api::Posix } else { Api::Native },
            cluster: self.dir.is_none().then(|| self.cluster.clone()),
            ..CommonOptions::default()
        }
    }

    fn setup(&self) -> Result<Setup> {
        Ok(self.common().setup(self.launcher.clone(), self.cancel.clone())?)
    }

    /// The end of a command line that measures the same place.
    fn place(&self) -> String {
        match &self.dir {
            Some(dir) => dir.display().to_string(),
            None => format!("--api native --cluster {}", self.cluster.display()),
        }
    }

    fn mib(&self) -> u64 {
        self.file_bytes >> 20
    }
}

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

/// Command lines, by what they measure.
#[derive(Clone, Debug, Serialize)]
pub struct Commands {
    /// Each direction alone.
    pub ior: String,
    /// Both at once.
    pub mixed: String,
    /// Small files.
    pub smallfile: String,
    /// Names and attributes.
    pub mdtest: String,
}

impl Commands {
    /// All, with what each is for.
    pub fn all(&self) -> Vec<Command> {
        [
            ("Large files, each direction alone", &self.ior),
            ("Large files, both directions at once; latency of reads, writes and fsync", &self.mixed),
            ("Small files, made and read at once", &self.smallfile),
            ("Metadata rates and latency", &self.mdtest),
        ]
        .map(|(what, command)| Command { what: what.to_owned(), command: command.clone() })
        .to_vec()
    }
}

/// Mean size of the small files that are measured.
pub(crate) fn small_file_bytes() -> u64 {
    SmallfileOptions::default().mix.mean()
}

/// Runs all of them, one after the other.
pub(crate) fn run(load: &Load, watcher: &dyn Watcher) -> Result<Measured> {
    let setup = load.setup()?;
    let mut show = Show { watcher, workload: "streams" };
    let np = load.processes;

    let streams = IorOptions {
        block_bytes: load.file_bytes,
        transfer_bytes: TRANSFER_BYTES,
        file_per_process: true,
        fsync: true,
        reorder: np > 1,
        common: load.common(),
        ..IorOptions::default()
    };
    let streams = ior::run(&streams, &setup, &mut show)?;
    let mib = |summary: Option<ior::IorSummary>| {
        summary.map_or(0.0, |s| s.mib_per_second.mean * f64::from(1 << 20))
    };
    let (write, read) = (mib(streams.write), mib(streams.read));
    watcher.done(&format!(
        "large files, each alone: {} written, {} read",
        Quantity::Rate(write),
        Quantity::Rate(read)
    ));

    show.workload = "both directions";
    let both = mixed::run(&mixed_options(load, load.seconds), &setup, &mut show)?;
    watcher.done(&match &both.overlap {
        Some(o) => format!("large files, both at once: {}", words(o, false)),
        None => "large files, both at once: no time in which all were at work".to_owned(),
    });

    show.workload = "small files";
    let small = SmallfileOptions {
        files: load.files,
        seconds: Some(load.seconds),
        common: load.common(),
        ..SmallfileOptions::default()
    };
    let small_file_bytes = small.mix.mean();
    let small = smallfile::run(&small, &setup, &mut show)?;
    watcher.done(&match &small.overlap {
        Some(o) => format!("small files, both at once: {}", words(o, true)),
        None => "small files: no time in which all were at work".to_owned(),
    });

    show.workload = "metadata";
    let names = MdtestOptions {
        item_count: Some(load.files),
        branch: 1,
        iterations: 1,
        files_only: true,
        unique_dir: true,
        stride: u32::from(np > 1),
        common: load.common(),
        dir: load.dir.is_none().then(|| PathBuf::from("/isobar-validate")),
        ..MdtestOptions::default()
    };
    let names = mdtest::run(&names, &setup, &mut show)?;
    let rate = |step| names.rates.iter().find(|(s, _)| *s == step).map_or(0.0, |(_, stats)| stats.mean);
    let (creates, stats, removes) =
        (rate(MdtestStep::FileCreation), rate(MdtestStep::FileStat), rate(MdtestStep::FileRemoval));
    watcher.done(&format!(
        "metadata: {} creates, {} stats, {} removes",
        Quantity::Operations(creates),
        Quantity::Operations(stats),
        Quantity::Operations(removes)
    ));

    let mut latency = Vec::new();
    let mut keep = |phase: &Phase, workload, calls: &[(Call, &str)]| {
        for (call, name) in calls {
            latency.extend(phase.latency.get(call).and_then(|l| Percentiles::of(name, workload, l)));
        }
    };
    keep(
        &both.mixed,
        "mixed",
        &[
            (Call::Read, "read 1 MiB"),
            (Call::Write, "write 1 MiB"),
            (Call::Sync, "fsync"),
            (Call::Close, "close"),
        ],
    );
    keep(
        &small.mixed,
        "smallfile",
        &[(Call::ReadFile, "read a small file"), (Call::WriteFile, "write a small file")],
    );
    // mdtest times open and close of an empty new file as one: that is what a create is.
    for (_, phase) in names.iterations.iter().flatten() {
        keep(phase, "mdtest", &[(Call::WriteFile, "create"), (Call::Stat, "stat"), (Call::Remove, "remove")]);
    }
    let phases = || {
        let small = [&small.prepare, &small.mixed, &small.verify];
        both.phases().chain(small).chain(streams.iterations.iter().flat_map(|i| i.read.iter()))
    };
    Ok(Measured {
        write_bytes_per_second: write,
        read_bytes_per_second: read,
        both: both.overlap,
        both_by_second: both.mixed.by_second.clone(),
        both_cpu: both.mixed.cpu,
        both_seconds: both.mixed.seconds,
        both_passes: both.passes.clone(),
        small: small.overlap,
        small_file_bytes,
        creates_per_second: creates,
        stats_per_second: stats,
        removes_per_second: removes,
        latency,
        verified_bytes: phases().map(|p| p.verified.bytes + p.verified.stamped_bytes).sum(),
        wrong: streams.wrong + both.wrong + small.wrong + names.wrong,
        commands: commands(load),
    })
}

fn words(overlap: &Overlap, files: bool) -> String {
    let rate = |side: &isobar_bench::SideRates| Quantity::Rate(side.mib_per_second * f64::from(1 << 20));
    let count = |side: &isobar_bench::SideRates| match files {
        true => format!(" ({:.0} files/s)", side.operations_per_second),
        false => String::new(),
    };
    format!(
        "{}{} read and {}{} written",
        rate(&overlap.read),
        count(&overlap.read),
        rate(&overlap.written),
        count(&overlap.written)
    )
}

/// Reading and writing at once for a while, with fsync; writers keep their last two files.
fn mixed_options(load: &Load, seconds: f64) -> MixedOptions {
    MixedOptions {
        file_bytes: load.file_bytes,
        transfer_bytes: TRANSFER_BYTES,
        seconds: Some(seconds),
        files_kept: 2,
        fsync: true,
        common: load.common(),
        ..MixedOptions::default()
    }
}

fn commands(load: &Load) -> Commands {
    let (np, mib, files, place) = (load.processes, load.mib(), load.files, load.place());
    let stride = if np > 1 { " -N 1" } else { "" };
    let reorder = if np > 1 { " -C" } else { "" };
    let mdtest_place = match &load.dir {
        Some(_) => place.clone(),
        None => format!("-d /isobar-validate {place}"),
    };
    Commands {
        ior: format!("isobar bench ior -np {np} -F -t 1m -b {mib}m -e{reorder} {place}"),
        mixed: mixed_command(load, load.seconds),
        smallfile: format!("isobar bench smallfile -np {np} -n {files} -D {} {place}", load.seconds),
        mdtest: format!("isobar bench mdtest -np {np} -F -u -n {files}{stride} {mdtest_place}"),
    }
}

fn mixed_command(load: &Load, seconds: f64) -> String {
    let np = load.processes.max(2);
    format!(
        "isobar bench mixed -np {np} -t 1m -b {}m -D {seconds} --files-kept 2 -e {}",
        load.mib(),
        load.place()
    )
}

/// The load of the drill.
pub(crate) fn mixed_load(
    load: &Load,
    seconds: f64,
    observer: &mut dyn Observer,
) -> (String, Result<mixed::MixedReport>) {
    let outcome =
        load.setup().and_then(|setup| Ok(mixed::run(&mixed_options(load, seconds), &setup, observer)?));
    (mixed_command(load, seconds), outcome)
}

/// Tells the watcher what a workload is doing.
struct Show<'a> {
    watcher: &'a dyn Watcher,
    workload: &'static str,
}

impl Observer for Show<'_> {
    fn begins(&mut self, phase: &str) {
        self.watcher.now(&format!("{}: {phase}", self.workload));
    }

    fn rates(&mut self, phase: &str, rates: &Rates) {
        self.watcher.now(&rates_in_words(self.workload, phase, rates));
    }
}

/// Rates of the last second, in words.
pub(crate) fn rates_in_words(workload: &str, phase: &str, rates: &Rates) -> String {
    let side = |name: &str, bytes: f64, operations: f64| match (bytes > 0.0, operations > 0.0) {
        (true, _) => format!("  {name} {}", Quantity::Rate(bytes)),
        (false, true) => format!("  {name} {}", Quantity::Operations(operations)),
        (false, false) => String::new(),
    };
    let read = side("read", rates.read_bytes_per_second, rates.reads_per_second);
    let written = side("written", rates.written_bytes_per_second, rates.writes_per_second);
    format!("{workload}: {phase}  {:.0} s{read}{written}", rates.at_seconds)
}
