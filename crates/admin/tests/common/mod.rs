//! A cluster of stand-ins: real processes of a shell script, started and stopped as nodes are.
#![allow(dead_code, reason = "every test file uses its own part of this module")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use isobar_admin::{Local, LocalOptions, Waits};

/// Short: a stand-in ends at once, or not at all.
pub const WAITS: Waits = Waits { mount: Duration::from_secs(5), stop: Duration::from_secs(2) };

/// The program that is started instead of the binary.
pub fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/stand_in.sh")
}

pub fn options() -> LocalOptions {
    LocalOptions {
        nodes: 3,
        target_bytes: 64 << 20,
        name: "fs".to_owned(),
        data_rows: None,
        parity_rows: None,
    }
}

/// A cluster in a directory of its own; whatever way the test ends, its processes are killed.
pub struct Stage {
    /// Where the cluster's directory is.
    pub root: tempfile::TempDir,
}

impl Stage {
    pub fn new() -> Stage {
        Stage { root: tempfile::tempdir().unwrap() }
    }

    pub fn dir(&self) -> PathBuf {
        self.root.path().join("cluster")
    }

    pub fn create(&self) -> Local {
        let mut local = Local::create(&self.dir(), &options(), &program()).unwrap();
        local.waits = WAITS;
        local
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for pid in processes_with(self.root.path()) {
            kill(pid);
        }
    }
}

/// Waits until something is true.
pub fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a node that was started says that it serves.
pub fn serves(local: &Local, name: &str) {
    let said = local.log(name).with_extension("serves");
    until("the stand-in serves", || said.exists());
}

/// How often a node was started.
pub fn starts(local: &Local, name: &str) -> usize {
    let log = std::fs::read_to_string(local.log(name).with_extension("starts"));
    log.unwrap_or_default().lines().count()
}

/// Processes with a path below this one in their command line.
pub fn processes_with(path: &Path) -> Vec<u32> {
    let path = path.to_string_lossy();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let names_it = |pid: &u32| {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&*path)
    };
    pids.filter(|pid| *pid != std::process::id()).filter(names_it).collect()
}

pub fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
}

/// Where a copy of this test program is told to do something.
pub const HERE: &str = "ISOBAR_TEST_HERE";

/// Runs one test of this very program in a process of its own, told `here`, and kills it after a while.
pub fn cut_off(test: &str, here: &Path, after: Duration) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(HERE, here)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What such a copy was told.
pub fn here() -> Option<PathBuf> {
    std::env::var_os(HERE).map(PathBuf::from)
}
