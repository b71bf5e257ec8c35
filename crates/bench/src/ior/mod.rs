//! IOR's workload: one shared file or a file per process, written and read in transfers of one size.
//!
//! Options, order of offsets, timing and tables are those of IOR (github.com/hpc/ior, 4.0): the time of an
//! access begins with the first open and ends with the last close; `open`, `wr/rd` and `close` are each from
//! the first process to begin to the last one to end; fsync counts as writing.

mod options;

pub use options::IorOptions;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::backend::{How, require_room};
use crate::clock;
use crate::content::{Check, is_ours};
use crate::error::{Result, failed};
use crate::options::refuse;
use crate::phase::Phase;
use crate::place::{self, Where, in_scratch};
use crate::record::Side;
use crate::run::{Observer, Run, Setup};
use crate::stats::Stats;
use crate::task::{Layout, Task, TransferTask, shuffled};

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IorReport {
    /// What was measured, where and when.
    pub place: Where,
    /// With which options.
    pub options: IorOptions,
    /// Every iteration.
    pub iterations: Vec<IorIteration>,
    /// All writes, when there were any.
    pub write: Option<IorSummary>,
    /// All reads, when there were any.
    pub read: Option<IorSummary>,
    /// Reads that gave wrong bytes; anything but 0 is a failure of the file system.
    pub wrong: u64,
}

/// One iteration.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct IorIteration {
    /// Writing.
    pub write: Option<Phase>,
    /// Reading back what was just written, every byte compared (`-W`); not part of any rate.
    pub check_write: Option<Phase>,
    /// Reading.
    pub read: Option<Phase>,
    /// How long removing took, in seconds; none with `-k`.
    pub remove_seconds: Option<f64>,
}

/// Rates over iterations.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct IorSummary {
    /// MiB (2^20 bytes) per second.
    pub mib_per_second: Stats,
    /// Transfers per second.
    pub operations_per_second: Stats,
    /// Mean duration of an access, in seconds.
    pub mean_seconds: f64,
    /// Bytes of the first iteration.
    pub bytes: u64,
}

/// Measures.
///
/// # Errors
/// [`crate::BenchError::BadInput`] before anything is done; otherwise after everything that was written is removed.
pub fn run(options: &IorOptions, setup: &Setup, observer: &mut dyn Observer) -> Result<IorReport> {
    options.validate()?;
    let options = &options.clone().with_stamp();
    let named = options.common.dir.as_deref().map(|dir| place::directory(&setup.target, dir)).transpose()?;
    let parent = match (&options.test_file, &named) {
        (Some(_), Some(_)) => return refuse("-o and a directory: give one of them"),
        (None, None) => {
            return refuse("name a file with -o FILE, or a directory on the file system to measure");
        }
        (None, Some(dir)) => dir.clone(),
        (Some(file), None) => {
            let parent = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            place::directory(&setup.target, parent)?
        }
    };
    let mut setup = setup.clone();
    if setup.watch.path.is_some() || setup.target == crate::Target::Posix {
        setup.watch.path = Some(parent.clone());
    }
    let tasks = options.tasks();
    // Bad input is found before processes are started.
    let home = setup.target.connect("bench")?;
    place::require_dir(home.as_ref(), &parent)?;
    if options.writes() {
        require_room(home.as_ref(), &parent, options.aggregate_bytes())?;
    }
    let file = options.test_file.as_ref().and_then(|f| f.file_name()).map(|name| parent.join(name));
    if let Some(file) = &file {
        check_files(options, home.as_ref(), file, tasks)?;
    }
    let shown = file.clone().unwrap_or_else(|| parent.clone());
    let place = Where::begin(&setup, home.as_ref(), &shown, &parent, tasks);
    home.close();
    drop(home);

    let mut run = Run::start(&setup, tasks, observer)?;
    let mut report = IorReport {
        place,
        options: options.clone(),
        iterations: Vec::new(),
        write: None,
        read: None,
        wrong: 0,
    };
    report.iterations = match &file {
        None => in_scratch(&mut run, &parent, |run, dir| iterations(options, run, &dir.join("ior")))?,
        Some(file) => {
            let outcome = iterations(options, &mut run, file);
            if outcome.is_err() {
                run.stop_workers();
                if options.writes() && !options.existing {
                    paths(options, file, tasks).iter().for_each(|p| drop(run.home.remove(p)));
                }
            }
            outcome?
        }
    };
    report.place.end();
    let summary = |of: fn(&IorIteration) -> Option<&Phase>| {
        let phases: Vec<&Phase> = report.iterations.iter().filter_map(of).collect();
        let each = |value: fn(&Phase) -> f64| phases.iter().map(|p| value(p)).collect::<Vec<f64>>();
        Some(IorSummary {
            bytes: phases.first()?.bytes(),
            mib_per_second: Stats::of(&each(Phase::mib_per_second)),
            operations_per_second: Stats::of(&each(Phase::operations_per_second)),
            mean_seconds: Stats::of(&each(|p| p.seconds)).mean,
        })
    };
    report.write = summary(|i| i.write.as_ref());
    report.read = summary(|i| i.read.as_ref());
    let all = report.iterations.iter().flat_map(|i| [&i.write, &i.check_write, &i.read]).flatten();
    report.wrong = all.map(|phase| phase.verified.wrong).sum();
    Ok(report)
}

/// The files: one, or `FILE.00000000` and so on.
fn paths(options: &IorOptions, file: &Path, tasks: u32) -> Vec<PathBuf> {
    if options.file_per_process {
        (0..tasks).map(|rank| path_of(options, file, rank)).collect()
    } else {
        vec![file.to_owned()]
    }
}

fn path_of(options: &IorOptions, file: &Path, slot: u32) -> PathBuf {
    if !options.file_per_process {
        return file.to_owned();
    }
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{slot:08}"));
    PathBuf::from(name)
}

/// Nobody's data is overwritten, and what is to be read is there.
fn check_files(options: &IorOptions, home: &dyn crate::Backend, file: &Path, tasks: u32) -> Result<()> {
    let wanted = options.aggregate_bytes() / if options.file_per_process { u64::from(tasks) } else { 1 };
    for path in paths(options, file, tasks) {
        let name = path.display();
        let stat = match home.stat(&path) {
            Ok(stat) => stat,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if options.writes() {
                    continue;
                }
                return refuse(format!("-r reads {name}, which is not there: write it first with -w -k"));
            }
            Err(error) => return Err(failed("look at", &path, error)),
        };
        if stat.is_dir {
            return refuse(format!("-o {name} is a directory: name a file in it"));
        }
        if !options.writes() {
            if stat.bytes < wanted {
                return refuse(format!(
                    "{name} has {} bytes and -b, -s and -N ask for {wanted}: give the options it was written with",
                    stat.bytes
                ));
            }
            continue;
        }
        let mut first = [0; 8];
        let mut opened = home.open(&path, How::default()).map_err(|e| failed("open", &path, e))?;
        let got = opened.read_at(0, &mut first).map_err(|e| failed("read", &path, e))?;
        opened.close().map_err(|e| failed("close", &path, e))?;
        if stat.bytes > 0 && !is_ours(&first[..got]) {
            return refuse(format!("{name} exists and was not written by bench: choose another name for -o"));
        }
    }
    Ok(())
}

fn iterations(options: &IorOptions, run: &mut Run, file: &Path) -> Result<Vec<IorIteration>> {
    (0..options.iterations)
        .map(|number| {
            if number > 0 && options.delay_seconds > 0 {
                std::thread::sleep(std::time::Duration::from_secs(options.delay_seconds));
            }
            iteration(options, run, file, number)
        })
        .collect()
}

fn iteration(options: &IorOptions, run: &mut Run, file: &Path, number: u32) -> Result<IorIteration> {
    let tasks = options.tasks();
    let mut iteration = IorIteration::default();
    // How far each part was written; of files that were there before all of it.
    let mut done = vec![u64::MAX; tasks as usize];
    if options.writes() {
        if !options.existing {
            for path in paths(options, file, tasks) {
                match run.home.remove(&path) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                        return Err(failed("remove", &path, e));
                    }
                    _ => {}
                }
            }
        }
        let outcome = run.all("write", |rank| Task::Transfer(transfer(options, file, rank, Side::Write)))?;
        for report in &outcome.reports {
            done[report.rank as usize] = report.done;
        }
        iteration.write = Some(outcome.phase);
    }
    let reader = |slot: u32, check: Check, done: &[u64]| {
        let mut task = transfer(options, file, slot, Side::Read);
        task.check = check;
        task.transfers_max = done[slot as usize];
        Task::Transfer(task)
    };
    let other = |rank: u32| (rank + options.task_offset) % tasks;
    if options.check_write {
        let slot = |rank: u32| if options.reorder { other(rank) } else { rank };
        let phase = run.all("check write", |rank| {
            let mut task = reader(slot(rank), Check::Bytes, &done);
            if let Task::Transfer(task) = &mut task {
                task.seconds = None;
            }
            task
        })?;
        iteration.check_write = Some(phase.phase);
    }
    if options.reads() {
        if options.writes() {
            run.make_cold()?;
        }
        let random = shuffled(u64::from(tasks), options.reorder_seed + u64::from(number));
        let slot = |rank: u32| match (options.reorder_random, options.reorder) {
            (true, _) => random[rank as usize] as u32,
            (false, true) => other(rank),
            (false, false) => rank,
        };
        let check = if options.check_read { Check::Bytes } else { Check::Stamps };
        iteration.read = Some(run.all("read", |rank| reader(slot(rank), check, &done))?.phase);
    }
    if !options.keep && (options.writes() || options.test_file.is_none()) {
        let begun = clock::now_ns();
        for path in paths(options, file, tasks) {
            run.home.remove(&path).map_err(|e| failed("remove", &path, e))?;
        }
        iteration.remove_seconds = Some(clock::seconds(begun, clock::now_ns()));
    }
    Ok(iteration)
}

fn transfer(options: &IorOptions, file: &Path, slot: u32, side: Side) -> TransferTask {
    let path = path_of(options, file, slot);
    TransferTask {
        content: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        path,
        seed: options.common.seed,
        side,
        layout: Layout {
            transfer_bytes: options.transfer_bytes,
            block_bytes: options.block_bytes,
            segments: options.segments,
            sharers: if options.file_per_process { 1 } else { u64::from(options.tasks()) },
        },
        slot: if options.file_per_process { 0 } else { u64::from(slot) },
        random: options.random.then(|| options.common.seed ^ u64::from(slot)),
        sync_at_end: options.fsync,
        sync_each: options.fsync_per_write,
        direct: options.direct,
        seconds: (options.deadline_seconds > 0).then_some(options.deadline_seconds as f64),
        transfers_max: u64::MAX,
        check: Check::Stamps,
    }
}

impl IorReport {
    /// Whether every byte that was checked was right.
    pub fn is_right(&self) -> bool {
        self.wrong == 0
    }

    /// The first phase of each kind, for what IOR's tables do not show.
    pub fn phases(&self) -> impl Iterator<Item = &Phase> {
        self.iterations.iter().flat_map(|i| [&i.write, &i.check_write, &i.read]).flatten()
    }
}
