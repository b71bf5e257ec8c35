//! Reading and writing at once.
//!
//! First every reader's file is written. Then, from one moment on, readers read those files and writers
//! write new ones. Each direction is reported **over the overlap window only**: the time in which every
//! reader and every writer was at work. Every byte that is read is compared while it is read, every byte
//! that was written is read and compared afterwards.

use isobar_base::quantity::binary_bytes;
use serde::{Deserialize, Serialize};

use crate::content::Check;
use crate::error::Result;
use crate::location::Location;
use crate::options::{CommonOptions, refuse};
use crate::phase::Phase;
use crate::place::{self, in_scratch};
use crate::readers_writers::{self, ReadersWriters};
use crate::record::WrittenFile;
use crate::run::{Observer, Run, Setup};
use crate::sides::Overlap;
use crate::task::{StreamRead, StreamWrite, Task};
use crate::units::parse_bytes;

/// What reads and writes, and for how long.
#[derive(clap::Args, Clone, Debug, Serialize, Deserialize)]
pub struct MixedOptions {
    /// Size of each file.
    #[arg(short = 'b', long = "block", default_value = "256m", value_parser = parse_bytes, value_name = "BYTES")]
    pub file_bytes: u64,
    /// Bytes of one transfer.
    #[arg(short = 't', long = "transfer", default_value = "1m", value_parser = parse_bytes, value_name = "BYTES")]
    pub transfer_bytes: u64,
    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub sides: ReadersWriters,
    /// Go on for so long: readers begin again, writers write more files. Default: every reader reads its
    /// file once, every writer writes one.
    #[arg(short = 'D', long, value_name = "SECONDS")]
    pub seconds: Option<f64>,
    /// With -D: writers remove all but their last so many files. Default: all stay until they are verified.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub files_kept: u32,
    /// fsync every file before it is closed.
    #[arg(short = 'e', long)]
    pub fsync: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: CommonOptions,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MixedReport {
    /// What was measured, where and when.
    pub place: Location,
    /// With which options.
    pub options: MixedOptions,
    /// Writing what is read later.
    pub prepare: Phase,
    /// Reading and writing, from the first to begin to the last to end. Rates are in `overlap`.
    pub mixed: Phase,
    /// Both rates over the time in which all were at work. None when there was no such time.
    pub overlap: Option<Overlap>,
    /// How often each reader went through its file: above 1 caches may have helped.
    pub passes: Vec<f64>,
    /// Comparing every byte that was written meanwhile.
    pub verify: Phase,
    /// Reads that gave wrong bytes, in all phases; anything but 0 is a failure of the file system.
    pub wrong: u64,
}

impl Default for MixedOptions {
    fn default() -> Self {
        MixedOptions {
            file_bytes: 256 << 20,
            transfer_bytes: 1 << 20,
            sides: ReadersWriters::default(),
            seconds: None,
            files_kept: 0,
            fsync: false,
            common: CommonOptions::default(),
        }
    }
}

impl MixedOptions {
    /// Readers and writers.
    pub fn sides(&self) -> (u32, u32) {
        self.sides.sides(&self.common)
    }

    /// Refuses options that contradict each other.
    ///
    /// # Errors
    /// What to change.
    pub fn validate(&self) -> Result<()> {
        self.sides.validate(&self.common, "mixed", "ior")?;
        if self.file_bytes == 0 || self.transfer_bytes == 0 || self.transfer_bytes > 1 << 30 {
            return refuse("-b must not be 0, and -t is between 1 and 1g");
        }
        if self.transfer_bytes > self.file_bytes {
            return refuse(format!(
                "-t {} is more than -b {}",
                binary_bytes(self.transfer_bytes),
                binary_bytes(self.file_bytes)
            ));
        }
        if self.seconds.is_some_and(|s| !(s > 0.0 && s.is_finite())) {
            return refuse("-D must be more than 0 seconds");
        }
        if self.files_kept > 0 && self.seconds.is_none() {
            return refuse("--files-kept is about -D: without it every writer writes one file");
        }
        Ok(())
    }
}

/// Measures. While the mixed phase runs the observer hears both rates about once a second.
///
/// # Errors
/// [`crate::BenchError::BadInput`] before anything is done; otherwise after everything that was written is
/// removed.
pub fn run(options: &MixedOptions, setup: &Setup, observer: &mut dyn Observer) -> Result<MixedReport> {
    options.validate()?;
    let parent = place::directory(&setup.target, &options.common.require_dir()?)?;
    let (readers, writers) = options.sides();
    let bytes = options.file_bytes.saturating_mul(u64::from(readers + writers));
    let mut place = place::survey(setup, &parent, bytes, readers + writers)?;
    let mut run = Run::start(setup, readers + writers, observer)?;
    let mut report = in_scratch(&mut run, &parent, |run, dir| measure(options, run, dir, readers))?;
    place.end();
    report.place = place;
    let phases = [&report.prepare, &report.mixed, &report.verify];
    report.wrong = phases.iter().map(|p| p.verified.wrong).sum();
    Ok(report)
}

fn measure(
    options: &MixedOptions,
    run: &mut Run,
    dir: &std::path::Path,
    readers: u32,
) -> Result<MixedReport> {
    let write = |stem: String, seconds: Option<f64>| StreamWrite {
        dir: dir.to_owned(),
        stem,
        file_bytes: options.file_bytes,
        transfer_bytes: options.transfer_bytes,
        seconds,
        files_kept: options.files_kept,
        sync: options.fsync,
        seed: options.common.seed,
    };
    let prepared = run.phase(
        "prepare",
        (0..readers).map(|rank| (rank, Task::StreamWrite(write(format!("old.{rank}"), None)))).collect(),
    )?;
    let old: Vec<WrittenFile> = prepared.reports.iter().flat_map(|r| r.written.clone()).collect();
    run.make_cold()?;

    let task = |rank: u32| match old.get(rank as usize) {
        Some(file) => Task::StreamRead(StreamRead {
            file: file.clone(),
            transfer_bytes: options.transfer_bytes,
            seconds: options.seconds,
            check: Check::Bytes,
            seed: options.common.seed,
        }),
        None => Task::StreamWrite(write(format!("new.{rank}"), options.seconds)),
    };
    let mixed = run.all("read and write", task)?;
    let overlap = Overlap::of(&mixed.reports, |rank| rank < readers);
    let passes = mixed.reports.iter().filter(|r| r.rank < readers).map(|r| r.passes).collect();

    run.make_cold()?;
    let new: Vec<Vec<WrittenFile>> =
        mixed.reports.iter().filter(|r| r.rank >= readers).map(|r| r.written.clone()).collect();
    let verify = readers_writers::verify(run, &new, options.common.seed, 1 << 20)?;
    Ok(MixedReport {
        place: Location::default(),
        options: options.clone(),
        prepare: prepared.phase,
        mixed: mixed.phase,
        overlap,
        passes,
        verify,
        wrong: 0,
    })
}

impl MixedReport {
    /// Whether every byte that was checked was right.
    pub fn is_right(&self) -> bool {
        self.wrong == 0
    }

    /// All phases.
    pub fn phases(&self) -> impl Iterator<Item = &Phase> {
        [&self.prepare, &self.mixed, &self.verify].into_iter()
    }
}
