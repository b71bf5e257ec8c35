//! Small files of mixed sizes, made and read at once.
//!
//! First the readers' files are made. Then, from one moment on, writers make new files while readers read
//! the first ones in random order; rates are over the time in which all were at work. Every byte that is
//! read is compared; every new file is read and compared afterwards. Removing is measured last.

use serde::{Deserialize, Serialize};

use crate::content::Check;
use crate::error::{Result, failed};
use crate::location::Location;
use crate::options::{CommonOptions, refuse};
use crate::phase::Phase;
use crate::place::{self, in_scratch};
use crate::readers_writers::{self, ReadersWriters};
use crate::record::WrittenFile;
use crate::run::{Observer, Run, Setup};
use crate::sides::Overlap;
use crate::size_mix::Mix;
use crate::task::{SmallRead, SmallRemove, SmallWrite, Task};

/// What is made and read.
#[derive(clap::Args, Clone, Debug, Serialize, Deserialize)]
pub struct SmallfileOptions {
    /// Files of every process.
    #[arg(short = 'n', long = "files", default_value_t = 1000, value_name = "N")]
    pub files: u64,
    /// Sizes and their weights.
    #[arg(long, default_value = "4k:40,16k:20,64k:20,256k:15,1m:5", value_name = "BYTES:WEIGHT,…")]
    pub mix: Mix,
    #[command(flatten)]
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub sides: ReadersWriters,
    /// Readers begin again and writers stop after so many seconds (writers make -n files at most).
    #[arg(short = 'D', long, value_name = "SECONDS")]
    pub seconds: Option<f64>,
    /// fsync every file before it is closed.
    #[arg(short = 'y', long)]
    pub fsync: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: CommonOptions,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SmallfileReport {
    /// What was measured, where and when.
    pub place: Location,
    /// With which options.
    pub options: SmallfileOptions,
    /// Making the files that are read later.
    pub prepare: Phase,
    /// Making and reading, from the first to begin to the last to end. Rates are in `overlap`.
    pub mixed: Phase,
    /// Both rates over the time in which all were at work; operations are whole files.
    pub overlap: Option<Overlap>,
    /// How often each reader went through its files: above 1 caches may have helped.
    pub passes: Vec<f64>,
    /// Comparing every byte of the new files.
    pub verify: Phase,
    /// Removing all files.
    pub remove: Phase,
    /// Reads that gave wrong bytes; anything but 0 is a failure of the file system.
    pub wrong: u64,
}

impl Default for SmallfileOptions {
    fn default() -> Self {
        SmallfileOptions {
            files: 1000,
            mix: Mix::default(),
            sides: ReadersWriters::default(),
            seconds: None,
            fsync: false,
            common: CommonOptions::default(),
        }
    }
}

impl SmallfileOptions {
    /// Readers and writers.
    pub fn sides(&self) -> (u32, u32) {
        self.sides.sides(&self.common)
    }

    /// Refuses options that contradict each other.
    ///
    /// # Errors
    /// What to change.
    pub fn validate(&self) -> Result<()> {
        self.sides.validate(&self.common, "smallfile", "mdtest")?;
        if self.files == 0 {
            return refuse("-n must not be 0");
        }
        if self.seconds.is_some_and(|s| !(s > 0.0 && s.is_finite())) {
            return refuse("-D must be more than 0 seconds");
        }
        Ok(())
    }
}

/// Measures.
///
/// # Errors
/// [`crate::BenchError::BadInput`] before anything is done; otherwise after everything that was written is
/// removed.
pub fn run(
    options: &SmallfileOptions,
    setup: &Setup,
    observer: &mut dyn Observer,
) -> Result<SmallfileReport> {
    options.validate()?;
    let parent = place::directory(&setup.target, &options.common.require_dir()?)?;
    let (readers, writers) = options.sides();
    let bytes = options.mix.mean().saturating_mul(options.files).saturating_mul(u64::from(readers + writers));
    let mut place = place::survey(setup, &parent, bytes, readers + writers)?;
    let mut run = Run::start(setup, readers + writers, observer)?;
    let mut report = in_scratch(&mut run, &parent, |run, dir| measure(options, run, dir, readers, writers))?;
    place.end();
    report.place = place;
    let phases = [&report.prepare, &report.mixed, &report.verify];
    report.wrong = phases.iter().map(|p| p.verified.wrong).sum();
    Ok(report)
}

fn measure(
    options: &SmallfileOptions,
    run: &mut Run,
    dir: &std::path::Path,
    readers: u32,
    writers: u32,
) -> Result<SmallfileReport> {
    for rank in 0..readers + writers {
        let dir = dir.join(rank.to_string());
        run.home.make_dir(&dir).map_err(|e| failed("make directory", &dir, e))?;
    }
    let write = |rank: u32, seconds: Option<f64>| {
        Task::SmallWrite(SmallWrite {
            dir: dir.join(rank.to_string()),
            count: options.files,
            mix: options.mix.clone(),
            seconds,
            sync: options.fsync,
            seed: options.common.seed,
        })
    };
    let prepared = run.phase("prepare", (0..readers).map(|rank| (rank, write(rank, None))).collect())?;
    let mut files: Vec<Vec<WrittenFile>> = prepared.reports.iter().map(|r| r.written.clone()).collect();
    run.make_cold()?;

    let mixed = run.all("create and read", |rank| match files.get(rank as usize) {
        Some(files) => Task::SmallRead(SmallRead {
            files: files.clone(),
            seconds: options.seconds,
            check: Check::Bytes,
            seed: options.common.seed,
        }),
        None => write(rank, options.seconds),
    })?;
    let overlap = Overlap::of(&mixed.reports, |rank| rank < readers);
    let passes = mixed.reports.iter().filter(|r| r.rank < readers).map(|r| r.passes).collect();
    let new: Vec<Vec<WrittenFile>> =
        mixed.reports.iter().filter(|r| r.rank >= readers).map(|r| r.written.clone()).collect();

    run.make_cold()?;
    let verify = readers_writers::verify(run, &new, options.common.seed, options.mix.largest())?;
    files.extend(new);
    let remove = run.phase(
        "remove",
        (0..).zip(files).map(|(rank, files)| (rank, Task::SmallRemove(SmallRemove { files }))).collect(),
    )?;
    Ok(SmallfileReport {
        place: Location::default(),
        options: options.clone(),
        prepare: prepared.phase,
        mixed: mixed.phase,
        overlap,
        passes,
        verify,
        remove: remove.phase,
        wrong: 0,
    })
}

impl SmallfileReport {
    /// Whether every byte that was checked was right.
    pub fn is_right(&self) -> bool {
        self.wrong == 0
    }

    /// All phases.
    pub fn phases(&self) -> impl Iterator<Item = &Phase> {
        [&self.prepare, &self.mixed, &self.verify, &self.remove].into_iter()
    }
}
