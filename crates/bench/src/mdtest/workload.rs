//! mdtest's workload: which phases run in which directory, and who works on whose items.

use std::path::{Path, PathBuf};

use super::options::MdtestOptions;
use super::report::MdtestReport;
use super::step::MdtestStep;
use crate::backend::Target;
use crate::content::Check;
use crate::error::{Result, failed};
use crate::location::Location;
use crate::options::refuse;
use crate::phase::Phase;
use crate::place::{self, in_scratch, remove_all, require_space};
use crate::run::{Observer, Run, Setup};
use crate::task::{ItemsTask, Task};

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
        require_space(home.as_ref(), &base, bytes)?;
    }
    let work_dir = if is_new { base.join(dir.file_name().unwrap_or_default()) } else { base.clone() };
    let mut setup = setup.clone();
    if setup.target == Target::Posix {
        setup.watch.path = Some(base.clone());
    }
    let mut place = Location::begin(&setup, home.as_ref(), &work_dir, &base, tasks);
    home.close();
    drop(home);

    let mut run = Run::start(&setup, tasks, observer)?;
    let iterations = if named {
        in_named(options, &mut run, &work_dir, is_new)?
    } else {
        in_scratch(&mut run, &base, |run, dir| iterations(options, run, dir))?
    };
    place.end();
    Ok(MdtestReport::of(place, options, iterations))
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

fn test_dir(dir: &Path, number: u32) -> PathBuf {
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
        let made = &mut made[usize::from(step.is_of_dirs())];
        let task = |rank: u32| {
            let owner = (rank + step.strides() * options.stride) % tasks;
            (rank, Task::Items(items_task(options, step, root, owner, made[owner as usize])))
        };
        // One tree is made by one process, as mdtest does it.
        let ranks = if step.is_tree() && !options.unique_dir { 0..1 } else { 0..tasks };
        let work: Vec<(u32, Task)> = ranks.map(task).collect();
        let outcome = run.phase(step.title(), work)?;
        if step.is_creation() {
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
        renamed: options.rename_dirs && step == MdtestStep::DirectoryRemoval,
        seconds: (step.is_creation() && options.stonewall_seconds > 0)
            .then_some(options.stonewall_seconds as f64),
        seed: options.common.seed,
    }
}
