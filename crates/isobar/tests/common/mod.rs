//! A whole cluster for a test: node processes of the built binary and real mounts, in a directory of its own.
//!
//! One cluster runs at a time on a machine, across all test processes: a test that starts one waits for the
//! others. Whatever way a test ends, its processes are stopped and its mounts and directory are gone
//! afterwards; what a killed test process left behind, the next one removes.
#![allow(dead_code, reason = "every test file uses its own part of this module")]

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::mount::UnmountFlags;
use rustix::process::{Pid, Signal};

/// How long something of a cluster may take before the test gives up on it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long redundancy may take to be whole again.
const FULL_PATIENCE: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(20);

/// Says why and gives true when a test that needs a mount and these programs cannot run here.
pub fn skip(programs: &[&str]) -> bool {
    let why = if !rustix::process::geteuid().is_root() {
        "needs root".to_owned()
    } else if !Path::new("/dev/fuse").exists() {
        "needs /dev/fuse".to_owned()
    } else if let Some(missing) = programs.iter().find(|p| program(p).is_none()) {
        format!("needs the program {missing}")
    } else {
        return false;
    };
    println!("skipped: {why}");
    true
}

/// Where a program is.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|p| p.is_file())
}

/// A cluster with a mount. Stops when dropped.
pub struct TestCluster {
    dir: PathBuf,
    mount: PathBuf,
    names: Vec<String>,
    mounts: AtomicU32,
    stopped: bool,
    /// Held while the cluster exists.
    _only_one: File,
}

impl TestCluster {
    /// Starts a cluster of `nodes` nodes (named n1, n2, …), each with a target of `target_mib` MiB, and
    /// mounts it.
    pub fn start(nodes: usize, target_mib: u64) -> TestCluster {
        let mut only_one = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(std::env::temp_dir().join("isobar-tests.lock"))
            .expect("the lock file opens");
        only_one.lock().expect("the lock is granted");
        let mut left = String::new();
        only_one.read_to_string(&mut left).expect("the lock file reads");
        if !left.trim().is_empty() {
            remove(Path::new(left.trim()));
        }
        let dir = std::env::temp_dir().join(format!("isobar-test-{}", std::process::id()));
        remove(&dir);
        fs::create_dir_all(&dir).expect("the directory is made");
        let dir = fs::canonicalize(&dir).expect("the directory exists");
        only_one.set_len(0).and_then(|()| only_one.rewind()).expect("the lock file empties");
        only_one.write_all(dir.to_string_lossy().as_bytes()).expect("the lock file is written");

        let cluster = TestCluster {
            mount: dir.join("mnt"),
            dir,
            names: (1..=nodes).map(|n| format!("n{n}")).collect(),
            mounts: AtomicU32::new(1),
            stopped: false,
            _only_one: only_one,
        };
        let (nodes, target_mib) = (nodes.to_string(), target_mib.to_string());
        cluster.dev(&["up", "--nodes", &nodes, "--target-mib", &target_mib]);
        cluster
    }

    /// Where it is mounted.
    pub fn mount(&self) -> &Path {
        &self.mount
    }

    /// Its directory: configurations, logs, targets.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Names of its nodes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Runs the binary, whose default cluster is this one; whether it succeeded is for the caller to see.
    pub fn isobar(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_isobar"))
            .args(arguments)
            .env("ISOBAR_CLUSTER", &self.dir)
            .stdin(Stdio::null())
            .output()
            .expect("the binary runs")
    }

    /// Runs `isobar dev …` on this cluster; panics when it fails.
    pub fn dev(&self, arguments: &[&str]) -> String {
        let mut all = vec!["dev"];
        all.extend(arguments);
        let dir = self.dir.to_string_lossy();
        all.extend(["--data", &*dir]);
        let output = self.isobar(&all);
        assert!(output.status.success(), "isobar {all:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Process of a node, or of `mount`.
    pub fn pid(&self, name: &str) -> Option<u32> {
        self.dev(&["pids"]).lines().find_map(|line| {
            let (of, pid) = line.split_once(' ')?;
            (of == name).then(|| pid.parse().expect("a process id"))
        })
    }

    /// Kills a node as a power cut would, and returns when it is dead.
    pub fn kill(&self, name: &str) {
        self.dev(&["kill", name]);
        until(PATIENCE, "a killed node ends", || self.pid(name).is_none());
    }

    /// Starts a node that does not run.
    pub fn start_node(&self, name: &str) {
        self.dev(&["start", name]);
    }

    /// Kills the mount process (SIGKILL): what applications had written and not synced is gone with it.
    pub fn kill_mount(&self) {
        kill(self.pid("mount").expect("the mount runs"), Signal::KILL);
        until(PATIENCE, "the killed mount ends", || self.pid("mount").is_none());
    }

    /// Unmounts and mounts again: caches are empty afterwards.
    pub fn remount(&self) {
        self.dev(&["remount"]);
    }

    /// Another mount of the cluster, by a process of its own.
    pub fn second_mount(&self) -> MountGuard {
        self.mount_with(&[])
    }

    /// Another mount, with more arguments.
    pub fn mount_with(&self, arguments: &[&str]) -> MountGuard {
        let number = self.mounts.fetch_add(1, Ordering::Relaxed) + 1;
        let path = self.dir.join(format!("mnt{number}"));
        fs::create_dir_all(&path).expect("the mount point is made");
        MountGuard::start(&self.dir, path, arguments)
    }

    /// Another mount, on a directory that exists: in place of a stale one, say.
    pub fn mount_at(&self, path: &Path) -> MountGuard {
        MountGuard::start(&self.dir, path.to_owned(), &[])
    }

    /// `isobar status` as JSON; null when it says nothing.
    pub fn status(&self) -> serde_json::Value {
        serde_json::from_slice(&self.isobar(&["status", "--output", "json"]).stdout).unwrap_or_default()
    }

    /// Waits until every node is up and all data has its full redundancy.
    pub fn wait_full(&self) {
        let begun = Instant::now();
        loop {
            let status = self.status();
            if status["healthy"] == true {
                return;
            }
            if begun.elapsed() > FULL_PATIENCE {
                panic!("not whole again after {FULL_PATIENCE:?}: {status:#}");
            }
            std::thread::sleep(10 * POLL);
        }
    }

    /// Unmounts and stops every node in order; the data stays and `isobar dev up` brings it back.
    pub fn stop_all(&self) {
        self.dev(&["down"]);
    }

    /// What a process has logged.
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join("log").join(format!("{name}.log"))).unwrap_or_default()
    }

    /// Stops everything and removes all of it. Dropping does the same.
    pub fn end(mut self) {
        self.clean();
    }

    fn clean(&mut self) {
        if !std::mem::replace(&mut self.stopped, true) {
            if std::thread::panicking() {
                self.print_logs();
            }
            if std::env::var_os("ISOBAR_TEST_KEEP").is_some() && std::thread::panicking() {
                let kept = self.dir.with_extension("kept");
                fs::remove_dir_all(&kept).ok();
                fs::create_dir_all(&kept).ok();
                Command::new("cp").arg("-r").arg(self.dir.join("log")).arg(&kept).status().ok();
            }
            remove(&self.dir);
        }
    }

    /// The end of every log, for whoever looks into a failure.
    fn print_logs(&self) {
        let Ok(logs) = fs::read_dir(self.dir.join("log")) else { return };
        for log in logs.flatten() {
            let text = fs::read_to_string(log.path()).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            println!("--- {} ({} lines)", log.path().display(), lines.len());
            for line in &lines[lines.len().saturating_sub(12)..] {
                println!("{line}");
            }
        }
    }
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        self.clean();
    }
}

/// Another mount of a cluster. Unmounted when dropped.
pub struct MountGuard {
    path: PathBuf,
    child: Child,
}

impl MountGuard {
    /// Mounts the cluster in a directory.
    pub fn start(cluster: &Path, path: PathBuf, arguments: &[&str]) -> MountGuard {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let log_path = cluster.join("log").join(format!("{name}.log"));
        let log = File::options().create(true).append(true).open(log_path).expect("the log opens");
        let child = Command::new(env!("CARGO_BIN_EXE_isobar"))
            .arg("mount")
            .arg(cluster)
            .arg(&path)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log opens twice"))
            .stderr(log)
            .spawn()
            .expect("the binary runs");
        let mut guard = MountGuard { path, child };
        until(PATIENCE, "a second mount appears", || {
            assert!(
                guard.child.try_wait().expect("the mount is asked").is_none(),
                "the mount ended: see its log"
            );
            is_mounted(&guard.path)
        });
        guard
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process (SIGKILL) and leaves the stale mount behind.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().expect("the mount ends");
    }

    /// Asks the process to stop (SIGTERM) and waits; gives whether it ended with success.
    pub fn stop(&mut self) -> bool {
        kill(self.child.id(), Signal::TERM);
        let mut status = None;
        until(PATIENCE, "the mount ends", || {
            status = self.child.try_wait().expect("the mount is asked");
            status.is_some()
        });
        status.is_some_and(|s| s.success())
    }
}

impl Drop for MountGuard {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            kill(self.child.id(), Signal::TERM);
            let begun = Instant::now();
            while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(POLL);
            }
            self.child.kill().ok();
            self.child.wait().ok();
        }
        rustix::mount::unmount(&self.path, UnmountFlags::DETACH).ok();
    }
}

/// Whether a file system is mounted exactly there and somebody serves it.
pub fn is_mounted(path: &Path) -> bool {
    let above = path.parent().and_then(|p| fs::metadata(p).ok()).map(|m| m.dev());
    // The kernel answers stat from its cache for a while after the process has died, but not statfs.
    rustix::fs::statfs(path).is_ok() && fs::metadata(path).is_ok_and(|here| Some(here.dev()) != above)
}

/// Whether the kernel still has a mount there.
pub fn is_mount_point(path: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts.lines().any(|line| line.split(' ').nth(1).map(Path::new) == Some(path))
}

/// Waits until something is true; panics when it takes too long.
pub fn until(patience: Duration, what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < patience, "waited {patience:?} in vain until {what}");
        std::thread::sleep(POLL);
    }
}

/// Runs a shell script that stops at the first command that fails; panics with what it said when one did.
pub fn shell(script: &str) -> String {
    let output = sh(script);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// Runs a shell script; gives all it said.
pub fn sh(script: &str) -> Output {
    Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .stdin(Stdio::null())
        .output()
        .expect("bash runs")
}

/// Bytes that look random and are the same for the same seed.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

fn kill(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid as i32) {
        rustix::process::kill_process(pid, signal).ok();
    }
}

/// Ends every process of the binary that works on this directory, takes its mounts away, removes it.
fn remove(dir: &Path) {
    if !dir.exists() {
        return;
    }
    for pid in processes_of(dir) {
        kill(pid, Signal::KILL);
    }
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    for line in mounts.lines() {
        let Some(point) = line.split(' ').nth(1).map(Path::new) else { continue };
        if point.starts_with(dir) {
            rustix::mount::unmount(point, UnmountFlags::DETACH).ok();
        }
    }
    let begun = Instant::now();
    while !processes_of(dir).is_empty() && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(POLL);
    }
    fs::remove_dir_all(dir).ok();
}

/// Processes of the binary that name this directory in their arguments.
fn processes_of(dir: &Path) -> Vec<u32> {
    let dir = dir.to_string_lossy();
    let Ok(all) = fs::read_dir("/proc") else { return Vec::new() };
    all.flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut arguments = arguments.split(|b| *b == 0).map(String::from_utf8_lossy);
            let ours = arguments.next().is_some_and(|program| program.ends_with("/isobar"));
            ours && arguments.any(|a| Path::new(&*a).starts_with(&*dir))
        })
        .collect()
}
