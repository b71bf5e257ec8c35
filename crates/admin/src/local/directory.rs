//! The directory of a cluster on this machine: what is where in it.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use isobar_config::{ClusterSpec, NodeSpec};

use super::error::{LocalError, cannot};

/// The name of the process that mounts, beside those of the nodes.
pub const MOUNT: &str = "mount";

/// How long something may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waits {
    /// Until a mount is there.
    pub mount: Duration,
    /// Until a process ends that was asked to, before it is killed; and then until it is dead.
    pub stop: Duration,
}

impl Default for Waits {
    fn default() -> Waits {
        Waits { mount: Duration::from_secs(60), stop: Duration::from_secs(15) }
    }
}

/// A cluster in one directory.
#[derive(Clone, Debug)]
pub struct Local {
    /// Where it is, without links.
    pub dir: PathBuf,
    /// What it is.
    pub spec: ClusterSpec,
    /// How long its processes may take.
    pub waits: Waits,
    /// What is started.
    pub(super) program: PathBuf,
}

impl Local {
    /// A cluster made before. `program` is the binary that its processes are to be started with.
    ///
    /// # Errors
    /// [`LocalError::NotLocal`] when there is none, or not all of its nodes are on this machine.
    pub fn load(dir: &Path, program: &Path) -> Result<Local, LocalError> {
        if !Local::is_in(dir) {
            return Err(LocalError::NotLocal { dir: dir.to_owned() });
        }
        Local::of_file(dir, "cluster.toml", program)
    }

    /// Whether the directory holds a local cluster (and so may be removed as one).
    pub fn is_in(dir: &Path) -> bool {
        dir.join("cluster.toml").exists() && dir.join("run").is_dir()
    }

    /// Whether [`Local::create`] or [`Local::remove`] was cut off in this directory: either of them finishes.
    pub fn is_unfinished(dir: &Path) -> bool {
        unfinished(dir).exists()
    }

    /// The cluster whose processes and files are, or may be, in the directory: one that is whole, or one that
    /// is unfinished.
    pub(super) fn found(dir: &Path) -> Result<Local, LocalError> {
        // It starts nothing.
        let program = Path::new("");
        match !Local::is_in(dir) && Local::is_unfinished(dir) {
            true => Local::of_file(dir, UNFINISHED, program),
            false => Local::load(dir, program),
        }
    }

    fn of_file(dir: &Path, file: &str, program: &Path) -> Result<Local, LocalError> {
        let dir = std::fs::canonicalize(dir).map_err(cannot("find", dir))?;
        let spec = ClusterSpec::load(&dir.join(file))?;
        if !spec.node.iter().all(|node| node.addr.is_loopback()) {
            return Err(LocalError::NotLocal { dir });
        }
        let program = std::path::absolute(program).unwrap_or_else(|_| program.to_owned());
        Ok(Local { dir, spec, waits: Waits::default(), program })
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
    ///
    /// # Errors
    /// [`LocalError::NoSuchNode`].
    pub fn node(&self, name: &str) -> Result<&NodeSpec, LocalError> {
        let names = || self.names().map(str::to_owned).collect();
        let node = self.spec.node.iter().find(|n| n.name == name);
        node.ok_or_else(|| LocalError::NoSuchNode { name: name.to_owned(), names: names() })
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

    /// The configuration of a node.
    pub(super) fn config(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.toml"))
    }

    /// A file in `run`.
    pub(super) fn run(&self, file: &str) -> PathBuf {
        self.dir.join("run").join(file)
    }
}

/// Name of the cluster file while the cluster is being made or removed.
const UNFINISHED: &str = "cluster.toml.unfinished";

/// The cluster file while the cluster is being made or removed.
pub(super) fn unfinished(dir: &Path) -> PathBuf {
    dir.join(UNFINISHED)
}

/// Holds a directory, so that one at a time makes or removes a cluster there; `None` when there is none.
pub(super) fn hold(dir: &Path) -> Result<Option<File>, LocalError> {
    let held = match File::open(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        held => held.map_err(cannot("open", dir))?,
    };
    held.lock().map_err(cannot("lock", dir))?;
    // Whoever held it before may have removed it.
    let inode = held.metadata().map_err(cannot("look at", dir))?.ino();
    Ok(std::fs::metadata(dir).is_ok_and(|there| there.ino() == inode).then_some(held))
}
