//! Why something is not done with a cluster on this machine.

use std::io;
use std::path::{Path, PathBuf};

use isobar_config::{ConfigError, TARGET_BYTES_MIN};

use crate::new_cluster::NewClusterError;

/// Fewest nodes of a cluster on one machine.
pub(super) const NODES_MIN: usize = 3;
/// Most nodes of a cluster on one machine.
pub(super) const NODES_MAX: usize = 64;

/// Why something is not done with a cluster on this machine: one line, with what to do where something can be
/// done.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// There cannot be so many.
    #[error("nodes {nodes}: a cluster on this machine has from {NODES_MIN} to {NODES_MAX} nodes")]
    Nodes {
        /// So many are asked for.
        nodes: usize,
    },
    /// A target has no room for data.
    #[error("a target has at least {} MiB", TARGET_BYTES_MIN >> 20)]
    SmallTarget,
    /// Nodes, rows and names do not fit together.
    #[error(transparent)]
    New(#[from] NewClusterError),
    /// A file of the cluster cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing, or something else, is in the directory.
    #[error("there is no local cluster in {}", dir.display())]
    NotLocal {
        /// The directory.
        dir: PathBuf,
    },
    /// A cluster is not made beside what is somebody else's.
    #[error("{} is not empty and holds no local cluster: use another directory", dir.display())]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// A cluster is there already, and it is not the one that is asked for.
    #[error(
        "the cluster in {} has {what} {has}, not {wanted}: ask for what it has, use another directory, or \
         remove it",
        dir.display()
    )]
    OtherOptions {
        /// The directory.
        dir: PathBuf,
        /// What differs: `nodes`, `name`, `data rows`, `parity rows`, `target bytes`.
        what: &'static str,
        /// What it has.
        has: String,
        /// What is asked for.
        wanted: String,
    },
    /// The cluster has no such node.
    #[error("there is no node {name}: choose one of {}", names.join(", "))]
    NoSuchNode {
        /// The name asked for.
        name: String,
        /// The names there are.
        names: Vec<String>,
    },
    /// Disks of a node that runs are not taken away.
    #[error("{name} runs: stop it first")]
    NodeRuns {
        /// The node.
        name: String,
    },
    /// Somebody gave a node other files than it was made with.
    #[error("{name} keeps {}, which is not in its own directory: remove its files by hand", path.display())]
    OtherFiles {
        /// The node.
        name: String,
        /// One of its files.
        path: PathBuf,
    },
    /// What should be started is not a program.
    #[error("there is no program {}", path.display())]
    NoProgram {
        /// Its path.
        path: PathBuf,
    },
    /// It is mounted, and there is one mount of a local cluster.
    #[error("the cluster is mounted on {}: stop that mount first", point.display())]
    MountedElsewhere {
        /// Where.
        point: PathBuf,
    },
    /// Another file system is mounted within the directory: its files are not removed with it.
    #[error("{} is a mount of another file system: unmount it first", point.display())]
    OthersMount {
        /// Where.
        point: PathBuf,
    },
    /// A process that should run has ended.
    #[error("{name} ended: {last_words}")]
    Ended {
        /// The node, or `the mount`.
        name: String,
        /// Why, by its log; or where the log is.
        last_words: String,
    },
    /// A mount is not there in time. It may still come: look again.
    #[error("nothing is mounted on {} after {seconds} s: see {}", point.display(), log.display())]
    NotMounted {
        /// Where it should be.
        point: PathBuf,
        /// So long it was waited for.
        seconds: u64,
        /// What it says.
        log: PathBuf,
    },
    /// A process does not end. Its device may hang: look again.
    #[error("{name} still runs {seconds} s after SIGKILL")]
    StillRuns {
        /// The node, or `mount`.
        name: String,
        /// So long it was waited for.
        seconds: u64,
    },
    /// The operating system refuses.
    #[error("cannot {action}: {error}")]
    System {
        /// What was to be done, and to what.
        action: String,
        /// Why not.
        error: io::Error,
    },
}

/// For `map_err`: the operating system does not let us do this to a path.
pub(super) fn cannot(verb: &'static str, path: &Path) -> impl Fn(io::Error) -> LocalError {
    let action = format!("{verb} {}", path.display());
    move |error| LocalError::System { action: action.clone(), error }
}
