//! mdtest's workload: many files and directories are made, looked at, read and removed.
//!
//! Options, names, phases and tables are those of mdtest (github.com/hpc/ior, 4.0). A rate is all items of
//! all processes over the time from the first process to begin to the last one to end.

mod options;
mod tree;

pub use options::MdtestOptions;
pub use tree::Tree;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::backend::{remove_all, require_room};
use crate::content::Check;
use crate::error::{Result, failed};
use crate::options::refuse;
use crate::phase::Phase;
use crate::place::{self, Where, in_scratch};
use crate::run::{Observer, Run, Setup};
use crate::stats::Stats;
use crate::task::{ItemStep, ItemsTask, Task};

/// A row of mdtest's table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MdtestStep {
    /// mkdir.
    DirectoryCreation,
    /// stat of directories.
    DirectoryStat,
    /// rename of directories.
    DirectoryRename,
    /// rmdir.
    DirectoryRemoval,
    /// create, write with `-w`, close.
    FileCreation,
    /// stat of files.
    FileStat,
    /// open, read with `-e`, close.
    FileRead,
    /// unlink.
    FileRemoval,
    /// mkdir of the tree that holds the items.
    TreeCreation,
    /// rmdir of that tree.
    TreeRemoval,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MdtestReport {
    /// What was measured, where and when.
    pub place: Where,
    /// With which options.
    pub options: MdtestOptions,
    /// Items of each process.
    pub items: u64,
    /// Every iteration's phases, in the order they ran.
    pub iterations: Vec<Vec<(MdtestStep, Phase)>>,
    /// Items per second over iterations, for the phases that ran.
    pub rates: Vec<(MdtestStep, Stats)>,
    /// Seconds over iterations.
    pub times: Vec<(MdtestStep, Stats)>,
    /// Reads that gave wrong bytes; anything but 0 is a failure of the file system.
    pub wrong: u64,
}

impl MdtestStep {
    /// All, in the order of mdtest's table.
    pub const ALL: [MdtestStep; 10] = [
        MdtestStep::DirectoryCreation,
        MdtestStep::DirectoryStat,
        MdtestStep::DirectoryRename,
        MdtestStep::DirectoryRemoval,
        MdtestStep::FileCreation,
        MdtestStep::FileStat,
        MdtestStep::FileRead,
        MdtestStep::FileRemoval,
        MdtestStep::TreeCreation,
        MdtestStep::TreeRemoval,
    ];

    /// As mdtest's table calls it.
    pub fn title(self) -> &'static str {
        match self {
            MdtestStep::DirectoryCreation => "Directory creation",
            MdtestStep::DirectoryStat => "Directory stat",
            MdtestStep::DirectoryRename => "Directory rename",
            MdtestStep::DirectoryRemoval => "Directory removal",
            MdtestStep::FileCreation => "File creation",
            MdtestStep::FileStat => "File stat",
            MdtestStep::FileRead => "File read",
            MdtestStep::FileRemoval => "File removal",
            MdtestStep::TreeCreation => "Tree creation",
            MdtestStep::TreeRemoval => "Tree removal",
        }
    }

    fn item_step(self) -> ItemStep {
        match self {
            MdtestStep::DirectoryCreation => ItemStep::DirCreate,
            MdtestStep::DirectoryStat => ItemStep::DirStat,
            MdtestStep::DirectoryRename => ItemStep::DirRename,
            MdtestStep::DirectoryRemoval => ItemStep::DirRemove,
            MdtestStep::FileCreation => ItemStep::FileCreate,
            MdtestStep::FileStat => ItemStep::FileStat,
            MdtestStep::FileRead => ItemStep::FileRead,
            MdtestStep::FileRemoval => ItemStep::FileRemove,
            MdtestStep::TreeCreation => ItemStep::TreeCreate,
            MdtestStep::TreeRemoval => ItemStep::TreeRemove,
        }
    }

    /// By how many strides (`-N`) a process is away from the one whose items it works on.
    fn strides(self) -> u32 {
        match self {
            MdtestStep::DirectoryStat | MdtestStep::DirectoryRename | MdtestStep::FileStat => 1,
            MdtestStep::FileRead => 2,
            MdtestStep::DirectoryRemoval | MdtestStep::FileRemoval => 3,
            _ => 0,
        }
    }

    fn is_tree(self) -> bool {
        matches!(self, MdtestStep::TreeCreation | MdtestStep::TreeRemoval)
    }
}

/// Measures.
///
/// # Errors
/// [`crate::BenchError::BadInput`] before anything is done; otherwise after everything that was written is
/// removed.
pub fn run(options: &MdtestOptions, setup: &Setup, observer: &mut dyn Observer) -> Result<MdtestReport> {
    options.validate()?;
    let (named, dir) = match (&options.dir, &options.common.dir) {
        (Some(_), Some(_)) => return refuse("-d and a directory: give one of them"),
        (None, None) => return refuse("name a directory on the file system to measure: -d DIR"),
        (Some(dir), None) => (true, dir),
        (None, Some(dir)) => (false, dir),
    };
    // mdtest makes the directory it is given when it is not there.
    let home = setup.target.connect("bench")?;
    let parent = dir.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_new = named && home.stat(dir).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound);
    let base = place::directory(&setup.target, if is_new { parent } else { dir })?;
    place::require_dir(home.as_ref(), &base)?;
    let tasks = options.common.processes();
    if options.creates() {
        let bytes = options.items() * u64::from(tasks) * options.write_bytes;
        require_room(home.as_ref(), &base, bytes)?;
    }
    let work_dir = if is_new { base.join(dir.file_name().unwrap_or_default()) } else { base.clone() };
    let mut setup = setup.clone();
    if setup.target == crate::Target::Posix {
        setup.watch.path = Some(base.clone());
    }
    let place = Where::begin(&setup, home.as_ref(), &work_dir, &base, tasks);
    home.close();
    drop(home);

    let mut run = Run::start(&setup, tasks, observer)?;
    let iterations = if named {
        in_named(options, &mut run, &work_dir, is_new)?
    } else {
        in_scratch(&mut run, &base, |run, dir| iterations(options, run, dir))?
    };
    let stats = |value: fn(&Phase) -> f64| {
        MdtestStep::ALL
            .into_iter()
            .filter_map(|step| {
                let of_step = |all: &Vec<(MdtestStep, Phase)>| {
                    all.iter().find(|(s, _)| *s == step).map(|(_, phase)| value(phase))
                };
                let values: Vec<f64> = iterations.iter().filter_map(of_step).collect();
                (!values.is_empty()).then(|| (step, Stats::of(&values)))
            })
            .collect()
    };
    let mut report = MdtestReport {
        place,
        options: options.clone(),
        items: options.items(),
        rates: stats(Phase::operations_per_second),
        times: stats(|phase| phase.seconds),
        wrong: iterations.iter().flatten().map(|(_, phase)| phase.verified.wrong).sum(),
        iterations,
    };
    report.place.end();
    Ok(report)
}

/// In the directory that was named: what earlier runs left there is not ours to remove.
fn in_named(
    options: &MdtestOptions,
    run: &mut Run,
    dir: &Path,
    is_new: bool,
) -> Result<Vec<Vec<(MdtestStep, Phase)>>> {
    let tests = (0..options.iterations).map(|number| test_dir(dir, number));
    let new: Vec<_> = tests.filter(|test| run.home.stat(test).is_err()).collect();
    if is_new {
        run.home.make_dir(dir).map_err(|e| failed("make directory", dir, e))?;
    }
    let outcome = iterations(options, run, dir);
    if outcome.is_err() {
        run.stop_workers();
        new.iter().for_each(|test| drop(remove_all(run.home.as_ref(), test)));
    }
    if is_new && (outcome.is_err() || options.removes()) {
        run.home.remove_dir(dir).ok();
    }
    outcome
}

fn test_dir(dir: &Path, number: u32) -> std::path::PathBuf {
    dir.join(format!("test-dir.{number}-0"))
}

fn iterations(options: &MdtestOptions, run: &mut Run, dir: &Path) -> Result<Vec<Vec<(MdtestStep, Phase)>>> {
    (0..options.iterations)
        .map(|number| {
            std::thread::sleep(std::time::Duration::from_secs(options.delay_seconds));
            iteration(options, run, &test_dir(dir, number))
        })
        .collect()
}

fn iteration(options: &MdtestOptions, run: &mut Run, root: &Path) -> Result<Vec<(MdtestStep, Phase)>> {
    if options.creates() && run.home.stat(root).is_err() {
        run.home.make_dir(root).map_err(|e| failed("make directory", root, e))?;
    }
    place::require_dir(run.home.as_ref(), root)?;
    let tasks = options.common.processes();
    // With -W: how many items each process came to make.
    let mut made = [vec![u64::MAX; tasks as usize], vec![u64::MAX; tasks as usize]];
    let mut phases = Vec::new();
    for step in options.steps() {
        if matches!(step, MdtestStep::FileRead) {
            run.make_cold()?;
        }
        let of_files = !matches!(
            step,
            MdtestStep::DirectoryCreation
                | MdtestStep::DirectoryStat
                | MdtestStep::DirectoryRename
                | MdtestStep::DirectoryRemoval
        );
        let made = &mut made[usize::from(of_files)];
        let creating = matches!(step, MdtestStep::DirectoryCreation | MdtestStep::FileCreation);
        let task = |rank: u32| {
            let owner = (rank + step.strides() * options.stride) % tasks;
            (rank, Task::Items(items_task(options, step, root, owner, made[owner as usize])))
        };
        // One tree is made by one process, as mdtest does it.
        let ranks = if step.is_tree() && !options.unique_dir { 0..1 } else { 0..tasks };
        let work: Vec<(u32, Task)> = ranks.map(task).collect();
        let outcome = run.phase(step.title(), work)?;
        if creating {
            outcome.reports.iter().for_each(|report| made[report.rank as usize] = report.done);
        }
        phases.push((step, outcome.phase));
    }
    if options.removes() {
        run.home.remove_dir(root).map_err(|e| failed("remove directory", root, e))?;
    }
    Ok(phases)
}

fn items_task(options: &MdtestOptions, step: MdtestStep, root: &Path, owner: u32, made: u64) -> ItemsTask {
    let creating = matches!(step, MdtestStep::DirectoryCreation | MdtestStep::FileCreation);
    ItemsTask {
        step: step.item_step(),
        root: root.to_owned(),
        tree: options.tree(owner),
        owner,
        first: 0,
        last: options.items().min(made),
        write_bytes: options.write_bytes,
        read_bytes: options.read_bytes,
        sync: options.sync_file,
        sync_all: options.sync_all,
        check: Check::Bytes,
        random: (options.random_stat && step.strides() == 1)
            .then(|| options.random_seed.wrapping_add(u64::from(owner))),
        seconds: (creating && options.stonewall_seconds > 0).then_some(options.stonewall_seconds as f64),
        seed: options.common.seed,
    }
}

impl MdtestReport {
    /// Whether every byte that was checked was right.
    pub fn is_right(&self) -> bool {
        self.wrong == 0
    }

    /// All phases.
    pub fn phases(&self) -> impl Iterator<Item = &Phase> {
        self.iterations.iter().flatten().map(|(_, phase)| phase)
    }

    /// Mean items per second of a step, when it ran.
    pub fn rate(&self, step: MdtestStep) -> Option<f64> {
        self.rates.iter().find(|(s, _)| *s == step).map(|(_, stats)| stats.mean)
    }
}
