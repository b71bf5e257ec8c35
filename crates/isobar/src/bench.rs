//! `isobar bench`: a few plain workloads on any mounted path, with real system calls from real
//! processes, and the CPU time they cost.
//!
//! Phases are synchronised: all processes begin a phase together, its time ends with the last one.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::Instant;

use clap::ValueEnum;
use serde::Serialize;

use crate::args::{BenchArgs, Format, Outcome};
use crate::demo::noise;
use crate::output;

/// What to measure.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Workload {
    /// One file per process in 1 MiB calls, fsync at the end, read back.
    Stream,
    /// Empty files: create, stat, remove.
    Empty,
    /// Files of 3,901 bytes: write, read, remove.
    Small,
    /// Files of 32 KiB: write, read, remove.
    Medium,
}

/// One phase's result.
#[derive(Serialize)]
struct Measured {
    phase: String,
    operations: u64,
    bytes: u64,
    seconds: f64,
    /// CPU seconds of the processes named by --pids.
    servers_cpu_seconds: f64,
    /// CPU seconds of the processes that made the calls.
    callers_cpu_seconds: f64,
}

/// The phases of a workload, in order; reading ones are preceded by `--cold`.
fn phases(workload: Workload) -> &'static [&'static str] {
    match workload {
        Workload::Stream => &["stream-write", "stream-read", "stream-remove"],
        Workload::Empty => &["empty-create", "empty-stat", "empty-remove"],
        Workload::Small => &["small-write", "small-read", "small-remove"],
        Workload::Medium => &["medium-write", "medium-read", "medium-remove"],
    }
}

/// Measures, or is one of the processes that do.
pub fn run(args: BenchArgs, format: Format) -> Outcome {
    if let Some(worker) = &args.worker {
        return work(&args, worker);
    }
    if !args.path.is_dir() {
        return Err(format!(
            "{} is not a directory: name one on the file system to measure",
            args.path.display()
        ));
    }
    let dir = args.path.join(format!("isobar-bench-{}", std::process::id()));
    std::fs::create_dir(&dir).map_err(|e| format!("cannot make {}: {e}", dir.display()))?;
    let measured = measure(&args, &dir);
    std::fs::remove_dir_all(&dir).ok();
    let measured = measured?;
    if output::is_json(format) {
        output::json(&measured);
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = vec![["phase", "rate", "", "CPU", "", "of which callers"].map(String::from).to_vec()];
    for m in &measured {
        let cpu = m.servers_cpu_seconds + m.callers_cpu_seconds;
        let gib = m.bytes as f64 / (1u64 << 30) as f64;
        let streaming = m.phase.starts_with("stream-") && m.bytes > 0;
        let (rate, unit) = if streaming {
            (gib * 1024.0 / m.seconds, "MiB/s")
        } else {
            (m.operations as f64 / m.seconds, "files/s")
        };
        let (cost, cost_unit) =
            if streaming { (cpu / gib, "s/GiB") } else { (cpu * 1e6 / m.operations as f64, "us/file") };
        rows.push(vec![
            m.phase.clone(),
            format!("{rate:.0}"),
            unit.to_owned(),
            format!("{cost:.2}"),
            cost_unit.to_owned(),
            format!("{:.0} %", 100.0 * m.callers_cpu_seconds / cpu.max(1e-9)),
        ]);
    }
    output::table(&rows);
    Ok(ExitCode::SUCCESS)
}

struct Worker {
    child: Child,
    orders: ChildStdin,
    replies: BufReader<ChildStdout>,
}

fn measure(args: &BenchArgs, dir: &Path) -> Result<Vec<Measured>, String> {
    let workloads =
        if args.only.is_empty() { Workload::value_variants().to_vec() } else { args.only.clone() };
    let mut measured = Vec::new();
    for workload in workloads {
        for phase in phases(workload) {
            if phase.ends_with("-read") || phase.ends_with("-stat") {
                make_cold(args, phase)?;
            }
            let result = run_phase(args, dir, phase)?;
            eprintln!("{:14} {:.2} s", result.phase, result.seconds);
            measured.push(result);
        }
    }
    Ok(measured)
}

/// Runs the command that makes reads cold, and drops the kernel's caches where that is allowed.
fn make_cold(args: &BenchArgs, phase: &str) -> Result<(), String> {
    if phase.ends_with("-stat") {
        return Ok(());
    }
    if let Some(command) = &args.cold {
        let status = Command::new("sh").arg("-c").arg(command).status().map_err(|e| e.to_string())?;
        if !status.success() {
            return Err(format!("'{command}' failed ({status})"));
        }
    }
    std::fs::write("/proc/sys/vm/drop_caches", "3").ok();
    Ok(())
}

fn run_phase(args: &BenchArgs, dir: &Path, phase: &str) -> Result<Measured, String> {
    let failed = |e: std::io::Error| format!("cannot start a measuring process: {e}");
    let exe = std::env::current_exe().map_err(failed)?;
    let mut workers = Vec::new();
    for number in 0..args.processes {
        let mut child = Command::new(&exe)
            .arg("bench")
            .arg(dir)
            .args(["--worker", &format!("{number}:{phase}")])
            .args(["--stream-mib", &args.stream_mib.to_string(), "--files", &args.files.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (Some(orders), Some(replies)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("cannot talk to a measuring process".to_owned());
        };
        workers.push(Worker { child, orders, replies: BufReader::new(replies) });
    }
    for worker in &mut workers {
        worker.expect("ready")?;
    }
    let pids = pids(args)?;
    let servers_before = cpu_of(&pids);
    let begun = Instant::now();
    for worker in &mut workers {
        writeln!(worker.orders, "go").map_err(|e| e.to_string())?;
    }
    let (mut operations, mut bytes, mut callers) = (0, 0, 0.0);
    for worker in &mut workers {
        let line = worker.expect("done")?;
        let mut numbers = line.split_whitespace().skip(1);
        let mut next = || numbers.next().and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
        operations += next() as u64;
        bytes += next() as u64;
        callers += next();
    }
    let seconds = begun.elapsed().as_secs_f64();
    let servers = cpu_of(&pids) - servers_before;
    for mut worker in workers {
        drop(worker.orders);
        worker.child.wait().map_err(|e| e.to_string())?;
    }
    Ok(Measured {
        phase: phase.to_owned(),
        operations,
        bytes,
        seconds,
        servers_cpu_seconds: servers,
        callers_cpu_seconds: callers,
    })
}

impl Worker {
    fn expect(&mut self, word: &str) -> Result<String, String> {
        let mut line = String::new();
        self.replies.read_line(&mut line).map_err(|e| e.to_string())?;
        if line.starts_with(word) {
            Ok(line)
        } else {
            Err(format!("a measuring process failed: {}", line.trim()))
        }
    }
}

/// Processes of the file system: as given, or as a command prints them, a number in each line.
fn pids(args: &BenchArgs) -> Result<Vec<u32>, String> {
    let Some(command) = &args.pids_from else { return Ok(args.pids.clone()) };
    let output = Command::new("sh").arg("-c").arg(command).output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| line.split_whitespace().last()?.parse().ok()).collect())
}

/// CPU seconds used so far by processes, in user and kernel mode.
fn cpu_of(pids: &[u32]) -> f64 {
    let ticks: u64 = pids
        .iter()
        .filter_map(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
            Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
        })
        .sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// One of the processes: says it is ready, waits for the word, works, reports.
fn work(args: &BenchArgs, worker: &str) -> Outcome {
    let (number, phase) = worker.split_once(':').ok_or("no phase")?;
    let dir = args.path.join(number);
    std::fs::create_dir_all(&dir).map_err(|e| format!("cannot make {}: {e}", dir.display()))?;
    let (kind, verb) = phase.split_once('-').ok_or("no verb")?;
    let size = match kind {
        "small" => 3_901,
        "medium" => 32 << 10,
        "empty" => 0,
        _ => 1 << 20,
    };
    let seed = number.parse::<u64>().unwrap_or(0) + 1;
    let data = noise(seed, size);
    println!("ready");
    let mut word = String::new();
    std::io::stdin().read_line(&mut word).map_err(|e| e.to_string())?;
    let cpu_before = cpu_of(&[std::process::id()]);
    let result = match kind {
        "stream" => stream(&dir, verb, args.stream_mib, &data),
        _ => many(&dir, verb, kind, args.files, &data),
    };
    match result {
        Ok((operations, bytes)) => {
            println!("done {operations} {bytes} {}", cpu_of(&[std::process::id()]) - cpu_before);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(format!("{phase} in {}: {error}", dir.display())),
    }
}

fn stream(dir: &Path, verb: &str, mib: u64, data: &[u8]) -> std::io::Result<(u64, u64)> {
    let path = dir.join("stream");
    match verb {
        "write" => {
            let mut file = std::fs::File::create(&path)?;
            let mut block = data.to_vec();
            for number in 0..mib {
                block[..8].copy_from_slice(&number.to_le_bytes());
                file.write_all(&block)?;
            }
            file.sync_all()?;
        }
        "read" => {
            let mut file = std::fs::File::open(&path)?;
            let mut block = vec![0; data.len()];
            for number in 0..mib {
                file.read_exact(&mut block)?;
                check(block[..8] == number.to_le_bytes() && block[8..] == data[8..])?;
            }
        }
        _ => {
            std::fs::remove_file(&path)?;
            return Ok((1, 0));
        }
    }
    Ok((mib, mib * data.len() as u64))
}

fn many(dir: &Path, verb: &str, kind: &str, files: u64, data: &[u8]) -> std::io::Result<(u64, u64)> {
    let path = |number: u64| -> PathBuf { dir.join(format!("{kind}.{number}")) };
    let mut block = data.to_vec();
    for number in 0..files {
        match verb {
            "create" => drop(std::fs::File::create_new(path(number))?),
            "stat" => {
                std::fs::metadata(path(number))?;
            }
            "write" => {
                block[..8].copy_from_slice(&number.to_le_bytes());
                std::fs::File::create_new(path(number))?.write_all(&block)?;
            }
            "read" => {
                let mut file = std::fs::File::open(path(number))?;
                file.read_exact(&mut block)?;
                check(block[..8] == number.to_le_bytes() && block[8..] == data[8..])?;
            }
            _ => std::fs::remove_file(path(number))?,
        }
    }
    Ok((files, if verb == "write" || verb == "read" { files * data.len() as u64 } else { 0 }))
}

fn check(right: bool) -> std::io::Result<()> {
    if right {
        Ok(())
    } else {
        Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "wrong bytes came back"))
    }
}
