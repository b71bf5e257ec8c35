//! A whole cluster on this machine: its directory, its processes. `demo`, `dev` and tests use it.
//!
//! ```text
//! DIR/cluster.toml secret NAME.toml     as `isobar init` makes them
//! DIR/NAME/                             a node's own files and its target
//! DIR/log/NAME.log  DIR/run/NAME.pid    what a process says and who it is
//! DIR/mnt                               the default mount point
//! ```

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use isobar_client::{ClusterSpec, NodeSpec};
use isobar_config::{TARGET_BYTES_MIN, TargetConfig};
use rustix::process::{Pid, Signal};

use crate::init;

/// Log of a local node's metadata group: eight nodes share one disk.
const META_LOG_BYTES: u64 = 128 << 20;
/// How long a mount may take to be there.
const MOUNT_WAIT: Duration = Duration::from_secs(60);
/// How long a process may take to end by itself before it is killed.
const STOP_WAIT: Duration = Duration::from_secs(15);

/// Most nodes of a cluster on one machine.
const NODES_MAX: usize = 64;

/// A cluster in one directory.
#[derive(Clone, Debug)]
pub struct Local {
    pub dir: PathBuf,
    pub spec: ClusterSpec,
}

/// The directory `demo` and `dev` use unless told otherwise.
pub fn default_dir() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".local/state"));
    state.or_else(home).unwrap_or_else(std::env::temp_dir).join("isobar")
}

/// How often, and how long apart, a process without a command line is looked at again.
const EXEC_LOOKS: u32 = 50;
const EXEC_PAUSE: Duration = Duration::from_millis(2);

/// Whether so many nodes can be on one machine; one line if not.
pub fn check_count(nodes: usize) -> Result<(), String> {
    if (3..=NODES_MAX).contains(&nodes) {
        return Ok(());
    }
    Err(format!("--nodes {nodes}: a cluster on this machine has from 3 to {NODES_MAX} nodes"))
}

impl Local {
    /// Makes a new cluster of `count` nodes with a target of `target_bytes` each.
    pub fn create(dir: &Path, count: usize, target_bytes: u64) -> Result<Local, String> {
        if !(3..=NODES_MAX).contains(&count) {
            return Err(format!(
                "--nodes {count}: a cluster on this machine has from 3 to {NODES_MAX} nodes"
            ));
        }
        if target_bytes < TARGET_BYTES_MIN {
            return Err(format!("a target has at least {} MiB", TARGET_BYTES_MIN >> 20));
        }
        // Held together, so that all ports differ.
        let ports: Vec<TcpListener> = (0..count)
            .map(|_| TcpListener::bind("127.0.0.1:0"))
            .collect::<Result<_, _>>()
            .map_err(|e| format!("cannot listen on this machine: {e}"))?;
        let nodes: Vec<NodeSpec> = ports
            .iter()
            .enumerate()
            .map(|(at, port)| {
                let addr = port.local_addr().map_err(|e| e.to_string())?.into();
                Ok(NodeSpec { name: format!("n{}", at + 1), addr, voter: false, domain: String::new() })
            })
            .collect::<Result<_, String>>()?;
        let k = if count >= 5 { 2 } else { 1 };
        let spec = init::cluster("demo", nodes, None, k)?;
        std::fs::create_dir_all(dir).map_err(|e| format!("cannot make {}: {e}", dir.display()))?;
        let dir = &std::fs::canonicalize(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        for sub in ["log", "run", "mnt"] {
            let path = dir.join(sub);
            std::fs::create_dir_all(&path).map_err(|e| format!("cannot make {}: {e}", path.display()))?;
        }
        init::write(dir, &spec, |node| {
            let target =
                TargetConfig { path: PathBuf::from(&node.name).join("target"), size_bytes: target_bytes };
            let mut config = init::node_config(&spec, node, PathBuf::from(&node.name), vec![target])?;
            // All nodes share this machine.
            config.worker_threads = 1;
            config.meta.log_bytes = META_LOG_BYTES;
            config.orphan_scan_seconds = 10;
            config.compaction.interval_seconds = 2;
            Ok(config)
        })?;
        Local::load(dir)
    }

    /// A cluster made before.
    pub fn load(dir: &Path) -> Result<Local, String> {
        let spec = ClusterSpec::load(dir).map_err(|e| e.to_string())?;
        Ok(Local { dir: dir.to_owned(), spec })
    }

    /// Whether the directory holds a local cluster (and so may be removed as one).
    pub fn is_in(dir: &Path) -> bool {
        dir.join("cluster.toml").exists() && dir.join("run").is_dir()
    }

    /// The default mount point.
    pub fn mount_point(&self) -> PathBuf {
        self.dir.join("mnt")
    }

    /// Names of its nodes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.spec.node.iter().map(|n| n.name.as_str())
    }

    /// The node with this name.
    pub fn node(&self, name: &str) -> Result<&NodeSpec, String> {
        let names = || self.names().collect::<Vec<_>>().join(", ");
        self.spec
            .node
            .iter()
            .find(|n| n.name == name)
            .ok_or_else(|| format!("there is no node {name}: choose one of {}", names()))
    }

    /// Starts a node. `with_parent`: it ends when this process does.
    pub fn start_node(&self, name: &str, with_parent: bool) -> Result<Child, String> {
        let config = self.dir.join(format!("{name}.toml"));
        self.start(name, with_parent, |command| {
            command.arg("node").arg("--config").arg(&config);
        })
    }

    /// Starts a mount.
    pub fn start_mount(&self, dir: &Path, with_parent: bool) -> Result<Child, String> {
        self.start("mount", with_parent, |command| {
            command.arg("mount").arg(&self.dir).arg(dir);
        })
    }

    fn start(
        &self,
        name: &str,
        with_parent: bool,
        arguments: impl FnOnce(&mut Command),
    ) -> Result<Child, String> {
        let failed = |e: std::io::Error| format!("cannot start {name}: {e}");
        let log_path = self.log(name);
        let log = File::options().create(true).append(true).open(&log_path).map_err(failed)?;
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        arguments(&mut command);
        if with_parent {
            command.arg("--with-parent");
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().map_err(failed)?).stderr(log);
        // Ctrl-C in the terminal is for whoever started the cluster: that one stops its processes in order.
        command.process_group(0);
        let child = command.spawn().map_err(failed)?;
        std::fs::write(self.pid_file(name), child.id().to_string()).map_err(failed)?;
        Ok(child)
    }

    /// Waits until something is mounted on `point`, or the process that should do it has ended.
    pub fn await_mount(&self, point: &Path, child: &mut Child) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < MOUNT_WAIT {
            if is_mounted(point) {
                return Ok(());
            }
            if let Ok(Some(status)) = child.try_wait() {
                return Err(format!("the mount ended ({status}): {}", self.last_words("mount")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!(
            "nothing is mounted on {} after a minute: see {}",
            point.display(),
            self.log("mount").display()
        ))
    }

    /// Where a process writes its log.
    pub fn log(&self, name: &str) -> PathBuf {
        self.dir.join("log").join(format!("{name}.log"))
    }

    /// Why a process ended, by the last line of its log that says so.
    pub fn last_words(&self, name: &str) -> String {
        let log = std::fs::read(self.log(name)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let line = log.lines().rev().find_map(|line| Some(line.split_once("isobar: ")?.1.to_owned()));
        line.unwrap_or_else(|| format!("see {}", self.log(name).display()))
    }

    fn pid_file(&self, name: &str) -> PathBuf {
        self.dir.join("run").join(format!("{name}.pid"))
    }

    /// The process of a node (or `mount`), if it runs.
    pub fn pid(&self, name: &str) -> Option<u32> {
        let pid: u32 = std::fs::read_to_string(self.pid_file(name)).ok()?.trim().parse().ok()?;
        // Process ids are reused: it must be ours, and not one that has ended.
        let ours = self.dir.to_string_lossy();
        String::from_utf8_lossy(&command_of(pid)?).contains(&*ours).then_some(pid)
    }

    /// Kills a node as a power cut would: SIGKILL.
    pub fn kill_node(&self, name: &str) -> Result<(), String> {
        let pid = self.pid(name).ok_or(format!("{name} does not run"))?;
        send(pid, Signal::KILL)
    }

    /// Asks a process to stop, and insists.
    pub fn stop(&self, name: &str) {
        let Some(pid) = self.pid(name) else { return };
        if send(pid, Signal::TERM).is_err() {
            return;
        }
        let begun = Instant::now();
        while self.pid(name).is_some() {
            if begun.elapsed() > STOP_WAIT {
                send(pid, Signal::KILL).ok();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops everything, mounts first.
    pub fn stop_all(&self) {
        self.stop("mount");
        let names: Vec<_> = self.names().filter_map(|name| Some((name, self.pid(name)?))).collect();
        for (_, pid) in &names {
            send(*pid, Signal::TERM).ok();
        }
        for (name, _) in names {
            self.stop(name);
        }
    }
}

/// Whether a file system is mounted exactly there.
fn is_mounted(point: &Path) -> bool {
    let above = point.parent().and_then(|p| std::fs::metadata(p).ok()).map(|m| m.dev());
    std::fs::metadata(point).is_ok_and(|m| Some(m.dev()) != above)
}

fn send(pid: u32, signal: Signal) -> Result<(), String> {
    let pid = Pid::from_raw(pid as i32).ok_or("no such process")?;
    rustix::process::kill_process(pid, signal)
        .map_err(|e| format!("cannot signal process {}: {e}", pid.as_raw_nonzero()))
}

/// The command line of a process that has not ended.
fn command_of(pid: u32) -> Option<Vec<u8>> {
    for _ in 0..EXEC_LOOKS {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        if !command.is_empty() || matches!(state, Some('Z' | 'X')) {
            return Some(command);
        }
        // It has none for a moment while it begins to be another program.
        std::thread::sleep(EXEC_PAUSE);
    }
    None
}
