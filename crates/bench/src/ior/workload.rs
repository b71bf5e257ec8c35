//! IOR's workload: which files, which phases, and who reads what another process wrote.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::options::IorOptions;
use super::report::{IorIteration, IorReport};
use crate::backend::{Backend, OpenFlags, Target};
use crate::clock;
use crate::content::{Check, is_ours};
use crate::error::{Result, failed};
use crate::location::Location;
use crate::options::refuse;
use crate::place::{self, in_scratch, require_space};
use crate::record::Side;
use crate::run::{Observer, Run, Setup};
use crate::task::{Layout, Task, TransferTask, shuffled};

/// Measures.
///
/// # Errors
/// [`crate::BenchError::BadInput`] before anything is done; otherwise after everything that was written is
/// removed.
pub fn run(options: &IorOptions, setup: &Setup, observer: &mut dyn Observer) -> Result<IorReport> {
    options.validate()?;
    let options = &options.clone().with_stamp();
    let parent = parent_dir(options, &setup.target)?;
    let mut setup = setup.clone();
    if setup.watch.path.is_some() || setup.target == Target::Posix {
        setup.watch.path = Some(parent.clone());
    }
    let file = options.test_file.as_ref().and_then(|f| f.file_name()).map(|name| parent.join(name));
    let mut place = survey(options, &setup, &parent, file.as_deref())?;

    let mut run = Run::start(&setup, options.tasks(), observer)?;
    let iterations = match &file {
        None => in_scratch(&mut run, &parent, |run, dir| iterations(options, run, &dir.join("ior")))?,
        Some(file) => {
            let outcome = iterations(options, &mut run, file);
            if outcome.is_err() {
                run.stop_workers();
                if options.writes() && !options.existing {
                    paths(options, file).iter().for_each(|p| drop(run.home.remove(p)));
                }
            }
            outcome?
        }
    };
    place.end();
    Ok(IorReport::of(place, options, iterations))
}

/// The directory that was named, or the one of the file that was.
fn parent_dir(options: &IorOptions, target: &Target) -> Result<PathBuf> {
    let named = options.common.dir.as_deref().map(|dir| place::directory(target, dir)).transpose()?;
    match (&options.test_file, named) {
        (Some(_), Some(_)) => refuse("-o and a directory: give one of them"),
        (None, None) if matches!(target, Target::Native { .. }) => options.common.require_dir(),
        (None, None) => refuse("name a file with -o FILE, or a directory on the file system to measure"),
        (None, Some(dir)) => Ok(dir),
        (Some(file), None) => {
            let parent = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            place::directory(target, parent)
        }
    }
}

/// Finds bad input before processes are started, and says what will be measured.
fn survey(options: &IorOptions, setup: &Setup, parent: &Path, file: Option<&Path>) -> Result<Location> {
    let home = setup.target.connect("bench")?;
    place::require_dir(home.as_ref(), parent)?;
    if options.writes() {
        require_space(home.as_ref(), parent, options.aggregate_bytes())?;
    }
    if let Some(file) = file {
        check_files(options, home.as_ref(), file)?;
    }
    let place = Location::begin(setup, home.as_ref(), file.unwrap_or(parent), parent, options.tasks());
    home.close();
    Ok(place)
}

/// The files: one, or `FILE.00000000` and so on.
fn paths(options: &IorOptions, file: &Path) -> Vec<PathBuf> {
    if options.file_per_process {
        (0..options.tasks()).map(|rank| path_of(options, file, rank)).collect()
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
fn check_files(options: &IorOptions, home: &dyn Backend, file: &Path) -> Result<()> {
    let files = if options.file_per_process { u64::from(options.tasks()) } else { 1 };
    let wanted = options.aggregate_bytes() / files;
    for path in paths(options, file) {
        let name = path.display();
        let stat = match home.stat(&path) {
            Ok(stat) => stat,
            Err(error) if error.kind() == ErrorKind::NotFound => {
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
        let mut opened = home.open(&path, OpenFlags::default()).map_err(|e| failed("open", &path, e))?;
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
            remove_older(options, run, file)?;
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
        for path in paths(options, file) {
            run.home.remove(&path).map_err(|e| failed("remove", &path, e))?;
        }
        iteration.remove_seconds = Some(clock::seconds(begun, clock::now_ns()));
    }
    Ok(iteration)
}

/// Removes files of earlier iterations and runs.
fn remove_older(options: &IorOptions, run: &mut Run, file: &Path) -> Result<()> {
    for path in paths(options, file) {
        match run.home.remove(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(failed("remove", &path, e)),
            _ => {}
        }
    }
    Ok(())
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
