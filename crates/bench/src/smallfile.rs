//! Small files of mixed sizes, made and read at once.
//!
//! First the readers' files are made. Then, from one moment on, writers make new files while readers read
//! the first ones in random order; rates are over the time in which all were at work. Every byte that is
//! read is compared; every new file is read and compared afterwards. Removing is measured last.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::backend::require_room;
use crate::content::Check;
use crate::error::{BenchError, Result, failed};
use crate::options::{CommonOptions, refuse};
use crate::phase::Phase;
use crate::place::{self, Where, in_scratch};
use crate::record::WrittenFile;
use crate::run::{Observer, Run, Setup};
use crate::sides::Overlap;
use crate::task::{SmallRead, SmallRemove, SmallWrite, Task, VerifyTask};
use crate::units::parse_bytes;

/// Sizes and how often each occurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mix {
    /// Bytes and weight.
    pub sizes: Vec<(u64, u32)>,
}

/// What is made and read.
#[derive(clap::Args, Clone, Debug, Serialize, Deserialize)]
pub struct SmallfileOptions {
    /// Files of every process.
    #[arg(short = 'n', long = "files", default_value_t = 1000, value_name = "N")]
    pub files: u64,
    /// Sizes and their weights.
    #[arg(long, default_value = "4k:40,16k:20,64k:20,256k:15,1m:5", value_name = "BYTES:WEIGHT,…")]
    pub mix: Mix,
    /// Processes that read. Default: half of -np.
    #[arg(long, value_name = "N")]
    pub readers: Option<u32>,
    /// Processes that make files. Default: the other half.
    #[arg(long, value_name = "N")]
    pub writers: Option<u32>,
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
    pub place: Where,
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

impl Default for Mix {
    /// 4 KiB to 1 MiB, 105 KiB on average.
    fn default() -> Self {
        Mix { sizes: vec![(4 << 10, 40), (16 << 10, 20), (64 << 10, 20), (256 << 10, 15), (1 << 20, 5)] }
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Mix, String> {
        let sizes = text
            .split(',')
            .map(|part| {
                let (bytes, weight) = part.split_once(':').unwrap_or((part, "1"));
                let weight: u32 = weight.parse().map_err(|_| format!("'{weight}' is not a weight"))?;
                let bytes = parse_bytes(bytes)?;
                if bytes == 0 || bytes > 64 << 20 {
                    return Err(format!("{bytes} bytes: small files have 1 byte to 64m"));
                }
                Ok((bytes, weight))
            })
            .collect::<std::result::Result<Vec<_>, String>>()?;
        if sizes.iter().all(|(_, weight)| *weight == 0) {
            return Err("some weight must be more than 0".to_owned());
        }
        Ok(Mix { sizes })
    }
}

impl Mix {
    fn weight(&self) -> u64 {
        self.sizes.iter().map(|(_, weight)| u64::from(*weight)).sum()
    }

    /// A size by a random number.
    pub fn pick(&self, random: u64) -> u64 {
        let mut at = random % self.weight().max(1);
        for (bytes, weight) in &self.sizes {
            match at.checked_sub(u64::from(*weight)) {
                Some(rest) => at = rest,
                None => return *bytes,
            }
        }
        self.largest()
    }

    /// The largest size.
    pub fn largest(&self) -> u64 {
        self.sizes.iter().map(|(bytes, _)| *bytes).max().unwrap_or(0)
    }

    /// The mean size.
    pub fn mean(&self) -> u64 {
        let all: u64 = self.sizes.iter().map(|(bytes, weight)| bytes * u64::from(*weight)).sum();
        all / self.weight().max(1)
    }
}

impl Default for SmallfileOptions {
    fn default() -> Self {
        SmallfileOptions {
            files: 1000,
            mix: Mix::default(),
            readers: None,
            writers: None,
            seconds: None,
            fsync: false,
            common: CommonOptions::default(),
        }
    }
}

impl SmallfileOptions {
    /// Readers and writers.
    pub fn sides(&self) -> (u32, u32) {
        let np = self.common.processes();
        (self.readers.unwrap_or((np / 2).max(1)), self.writers.unwrap_or((np - np / 2).max(1)))
    }

    /// Refuses options that contradict each other.
    ///
    /// # Errors
    /// What to change.
    pub fn validate(&self) -> Result<()> {
        let (readers, writers) = self.sides();
        if readers == 0 || writers == 0 {
            return refuse(
                "smallfile needs at least one reader and one writer: mdtest measures one of them alone",
            );
        }
        if let Some(np) = self.common.np
            && (self.readers.is_some() || self.writers.is_some())
            && np != readers + writers
        {
            return refuse(format!("-np {np} is not --readers {readers} and --writers {writers}: drop -np"));
        }
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
/// [`BenchError::BadInput`] before anything is done; otherwise after everything that was written is removed.
pub fn run(
    options: &SmallfileOptions,
    setup: &Setup,
    observer: &mut dyn Observer,
) -> Result<SmallfileReport> {
    options.validate()?;
    let parent = place::directory(&setup.target, &options.common.require_dir()?)?;
    let (readers, writers) = options.sides();
    let home = setup.target.connect("bench")?;
    place::require_dir(home.as_ref(), &parent)?;
    let bytes = options.mix.mean().saturating_mul(options.files).saturating_mul(u64::from(readers + writers));
    require_room(home.as_ref(), &parent, bytes)?;
    let mut place = Where::begin(setup, home.as_ref(), &parent, &parent, readers + writers);
    home.close();
    drop(home);
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
    // Rank 0 has written none of the new files.
    let verify = run.phase(
        "verify",
        (0u32..)
            .zip(&new)
            .map(|(rank, files)| {
                let rank = rank % (readers + writers);
                let task = VerifyTask {
                    files: files.clone(),
                    seed: options.common.seed,
                    transfer_bytes: options.mix.largest(),
                };
                (rank, Task::Verify(task))
            })
            .collect(),
    )?;
    if verify.phase.read.bytes == 0 {
        return Err(BenchError::Failed("nothing was written that could be verified".to_owned()));
    }
    files.extend(new);
    let remove = run.phase(
        "remove",
        (0..).zip(files).map(|(rank, files)| (rank, Task::SmallRemove(SmallRemove { files }))).collect(),
    )?;
    Ok(SmallfileReport {
        place: Where::default(),
        options: options.clone(),
        prepare: prepared.phase,
        mixed: mixed.phase,
        overlap,
        passes,
        verify: verify.phase,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_read_and_kept_to() {
        let mix: Mix = "4k:40,16k:20,64k:20,256k:15,1m:5".parse().expect("a mix");
        assert_eq!(mix, Mix::default());
        let picked: Vec<u64> = (0..100).map(|n| mix.pick(n)).collect();
        assert_eq!(picked.iter().filter(|b| **b == 4096).count(), 40);
        assert_eq!(picked.iter().filter(|b| **b == 1 << 20).count(), 5);
        assert_eq!(mix.mean(), picked.iter().sum::<u64>() / 100);
        for wrong in ["", "4k:x", "0:1", "4k:0", "1g:1"] {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong}");
        }
    }
}
