//! What an index of many fragments costs: the pause of commits, what a checkpoint writes, memory, opening.
//!
//! `cargo bench -p isobar-store --bench index [-- FRAGMENTS ...]`: default 100,000, 1,000,000 and 10,000,000.
//! The device is a sparse file that is never synced and forgets payloads, so what is measured is the store's
//! own work, not a medium. A commit is of 512 fragments of 4 KiB; the commits are those that fill the store
//! and those that then delete and put fragments all over it, with the checkpoints `made` beside them. `CPU
//! most` is what the dearest of them took of a CPU, which other processes do not make longer. `neighbours`
//! and `scattered` are what one checkpoint writes after a single commit has changed 512 neighbours, or 512
//! fragments all over. Memory is given for each fragment, in a process that has just opened the device.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use isobar_base::{
    AlignedBuf, ClusterId, FragmentHeader, FragmentKey, Geometry, SegmentId, SessionId, TargetId, unit_crcs,
};
use isobar_disk::Disk;
use isobar_store::{Core, Label, Op};
use rustix::time::{ClockId, clock_gettime};

const BLOCK: u64 = 4096;
const OPS_PER_COMMIT: u64 = 512;
/// Fragments that are deleted and put again.
const CHANGES: u64 = 1 << 20;
/// Says to a process of its own that it is to open the device at the path that follows.
const OPEN: &str = "open";

/// A sparse file that keeps what begins with the store's magic.
struct ForgetfulDisk {
    file: File,
    size: u64,
    kept_bytes: AtomicU64,
}

impl ForgetfulDisk {
    fn open(path: &Path) -> ForgetfulDisk {
        let file = File::options().read(true).write(true).open(path).expect("the device");
        let size = file.metadata().expect("its size").len();
        ForgetfulDisk { file, size, kept_bytes: AtomicU64::new(0) }
    }
}

impl Disk for ForgetfulDisk {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }

    fn write_at(&self, mut offset: u64, bufs: &[IoSlice<'_>]) -> io::Result<()> {
        if !bufs.first().is_some_and(|buf| buf.starts_with(b"ISOBAR")) {
            return Ok(());
        }
        for buf in bufs {
            self.file.write_all_at(buf, offset)?;
            offset += buf.len() as u64;
            self.kept_bytes.fetch_add(buf.len() as u64, Ordering::Relaxed);
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn size(&self) -> u64 {
        self.size
    }
}

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [command, path] = &arguments[..]
        && command == OPEN
    {
        return open(Path::new(path));
    }
    let mut counts: Vec<u64> =
        arguments.iter().map(|count| count.parse().expect("a number of fragments")).collect();
    if counts.is_empty() {
        counts = vec![100_000, 1_000_000, 10_000_000];
    }
    println!("           commits                                     checkpoints");
    print!("fragments       p50     p99.9      most  CPU most  made  neighbours   scattered");
    println!("   open  RAM then   most");
    counts.into_iter().for_each(bench);
}

fn bench(count: u64) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("device");
    let size = (count * BLOCK * 2).next_multiple_of(1 << 20) + (256 << 20);
    File::create(&path).and_then(|file| file.set_len(size)).expect("a sparse file");
    let disk = Arc::new(ForgetfulDisk::open(&path));
    let label = Label { cluster: ClusterId(1), node: "bench".into(), target: TargetId(1), incarnation: 1 };
    Core::format(&*disk, &label).expect("format");
    let mut core = Core::open(disk.clone()).expect("open");
    let generation = core.generation();
    let mut times = Vec::new();
    for first in (0..count).step_by(OPS_PER_COMMIT as usize) {
        let counters = first..count.min(first + OPS_PER_COMMIT);
        times.push(commit(&mut core, counters.map(put).collect()));
    }
    // As many changes again as make it write a checkpoint, all over the index.
    for round in 0..2 * CHANGES.div_ceil(OPS_PER_COMMIT) {
        let counters = scattered(round / 2, count);
        let change = |counter| if round % 2 == 0 { Op::delete(vec![key(counter)]) } else { put(counter) };
        times.push(commit(&mut core, counters.map(change).collect()));
    }
    let made = core.generation() - generation;
    core.checkpoint().expect("checkpoint");
    let mut written = |ops: Vec<Op>| {
        commit(&mut core, ops);
        disk.kept_bytes.store(0, Ordering::Relaxed);
        core.checkpoint().expect("checkpoint");
        disk.kept_bytes.load(Ordering::Relaxed) >> 10
    };
    let neighbours = written((0..OPS_PER_COMMIT).map(|counter| put(count + counter)).collect());
    let all_over = written(scattered(0, count).map(|counter| Op::delete(vec![key(counter)])).collect());
    drop(core);
    let cpu_most = times.iter().map(|(_, cpu)| *cpu).fold(0.0, f64::max);
    let mut times: Vec<Duration> = times.into_iter().map(|(time, _)| time).collect();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    print!("{count:>9}  {:>5.1} ms  {:>5.1} ms  {:>5.1} ms", at(0.5), at(0.999), at(1.0));
    print!("  {cpu_most:>5.1} ms  {made:>4}  {neighbours:>6} KiB  {all_over:>6} KiB");
    // A process of its own, whose memory is that of the store.
    let program = std::env::current_exe().expect("this program");
    let opened = Command::new(program).arg(OPEN).arg(&path).output().expect("a process");
    print!("{}", String::from_utf8_lossy(&opened.stdout));
}

/// Opens the device and prints how long that took, and bytes of memory for each fragment: then, and the most.
fn open(path: &Path) {
    let disk = Arc::new(ForgetfulDisk::open(path));
    let (before, began) = (status_bytes("VmRSS:"), Instant::now());
    let core = Core::open(disk).expect("open");
    let seconds = began.elapsed().as_secs_f64();
    let per_fragment = |bytes: u64| bytes.saturating_sub(before) / core.usage().fragments;
    let (now, most) = (per_fragment(status_bytes("VmRSS:")), per_fragment(status_bytes("VmHWM:")));
    println!("  {seconds:>3.1} s  {now:>6} B  {most:>3} B");
}

fn key(counter: u64) -> FragmentKey {
    FragmentKey { segment: SegmentId { session: SessionId(3), counter }, row: 0 }
}

/// A fragment of one unit.
fn put(counter: u64) -> Op {
    let bytes = AlignedBuf::zeroed(BLOCK as usize);
    let geometry = Geometry { data: 1, parity: 2, len: BLOCK as u32 };
    let header =
        FragmentHeader { key: key(counter), geometry, unit_crcs: unit_crcs(&bytes), data_crcs: Vec::new() };
    Op::put(header, bytes).expect("a PUT")
}

/// The fragments of a commit, all over the `count` there are.
fn scattered(round: u64, count: u64) -> impl Iterator<Item = u64> {
    (0..OPS_PER_COMMIT).map(move |at| (round + at * (count / OPS_PER_COMMIT)) % count)
}

/// How long a commit takes, and how many milliseconds of this thread's CPU.
fn commit(core: &mut Core, ops: Vec<Op>) -> (Duration, f64) {
    let cpu_ms = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
    };
    let (began, cpu_began) = (Instant::now(), cpu_ms());
    assert!(core.commit(&ops).iter().all(Result::is_ok));
    (began.elapsed(), cpu_ms() - cpu_began)
}

fn status_bytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a kernel with /proc");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of that name");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}
