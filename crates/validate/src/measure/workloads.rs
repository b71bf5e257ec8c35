//! Runs the workloads, one after the other.

use std::path::PathBuf;

use isobar_bench::ior::{self, IorOptions, IorReport};
use isobar_bench::mdtest::{self, MdtestOptions, MdtestReport, MdtestStep};
use isobar_bench::mixed::{self, MixedOptions, MixedReport};
use isobar_bench::smallfile::{self, SmallfileOptions, SmallfileReport};
use isobar_bench::{Observer, Setup};

use super::commands::{self, Commands};
use super::load::{Load, TRANSFER_BYTES};
use super::progress::{Progress, describe_overlap};
use super::results::{Measured, Reports, bytes_per_second, operations_per_second};
use crate::error::Result;
use crate::quantity::Quantity;
use crate::watcher::Watcher;

/// Mean size of the small files that are measured.
pub(crate) fn small_file_bytes() -> u64 {
    SmallfileOptions::default().mix.mean()
}

/// Runs all of them, one after the other.
pub(crate) fn run(load: &Load, watcher: &dyn Watcher) -> Result<Measured> {
    let setup = load.setup()?;
    let mut progress = Progress::new(watcher);
    let reports = Reports {
        streams: streams(load, &setup, &mut progress)?,
        both: both(load, &setup, &mut progress)?,
        small: small_files(load, &setup, &mut progress)?,
        names: names(load, &setup, &mut progress)?,
    };
    Ok(reports.measured(Commands::of(load)))
}

/// Each direction alone; whoever reads reads what another process wrote.
fn streams(load: &Load, setup: &Setup, progress: &mut Progress) -> Result<IorReport> {
    progress.begin("streams");
    let options = IorOptions {
        block_bytes: load.file_bytes,
        transfer_bytes: TRANSFER_BYTES,
        file_per_process: true,
        fsync: true,
        reorder: load.processes > 1,
        common: load.common(),
        ..IorOptions::default()
    };
    let report = ior::run(&options, setup, progress)?;
    progress.done(&format!(
        "large files, each alone: {} written, {} read",
        Quantity::Rate(bytes_per_second(report.write)),
        Quantity::Rate(bytes_per_second(report.read))
    ));
    Ok(report)
}

fn both(load: &Load, setup: &Setup, progress: &mut Progress) -> Result<MixedReport> {
    progress.begin("both directions");
    let report = mixed::run(&mixed_options(load, load.seconds), setup, progress)?;
    progress.done(&match &report.overlap {
        Some(o) => format!("large files, both at once: {}", describe_overlap(o, false)),
        None => "large files, both at once: no time in which all were at work".to_owned(),
    });
    Ok(report)
}

fn small_files(load: &Load, setup: &Setup, progress: &mut Progress) -> Result<SmallfileReport> {
    progress.begin("small files");
    let options = SmallfileOptions {
        files: load.files,
        seconds: Some(load.seconds),
        common: load.common(),
        ..SmallfileOptions::default()
    };
    let report = smallfile::run(&options, setup, progress)?;
    progress.done(&match &report.overlap {
        Some(o) => format!("small files, both at once: {}", describe_overlap(o, true)),
        None => "small files: no time in which all were at work".to_owned(),
    });
    Ok(report)
}

fn names(load: &Load, setup: &Setup, progress: &mut Progress) -> Result<MdtestReport> {
    progress.begin("metadata");
    let options = MdtestOptions {
        item_count: Some(load.files),
        branch: 1,
        iterations: 1,
        files_only: true,
        unique_dir: true,
        stride: u32::from(load.processes > 1),
        common: load.common(),
        dir: load.dir.is_none().then(|| PathBuf::from("/isobar-validate")),
        ..MdtestOptions::default()
    };
    let report = mdtest::run(&options, setup, progress)?;
    let rate = |step| Quantity::Operations(operations_per_second(&report, step));
    progress.done(&format!(
        "metadata: {} creates, {} stats, {} removes",
        rate(MdtestStep::FileCreation),
        rate(MdtestStep::FileStat),
        rate(MdtestStep::FileRemoval)
    ));
    Ok(report)
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

/// The load of the drill: its command line, and what came of it.
pub(crate) fn mixed_load(
    load: &Load,
    seconds: f64,
    observer: &mut dyn Observer,
) -> (String, Result<MixedReport>) {
    let outcome =
        load.setup().and_then(|setup| Ok(mixed::run(&mixed_options(load, seconds), &setup, observer)?));
    (commands::mixed(load, seconds), outcome)
}
