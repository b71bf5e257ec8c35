//! What is validated, and how.

use std::path::PathBuf;

use isobar_bench::{Cancel, Launcher};
use isobar_client::ClusterSpec;

use crate::drill::{Control, SECONDS_MIN};
use crate::error::{Result, ValidateError};
use crate::measure::{Load, TRANSFER_BYTES};
use crate::targets::Targets;

/// What is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Skip {
    /// Throughput and MTU of pairs.
    pub network: bool,
    /// Rates of devices.
    pub devices: bool,
    /// The workloads.
    pub benchmarks: bool,
    /// The fault drill.
    pub drill: bool,
}

/// What is validated, and how.
pub struct Options<'a> {
    /// The cluster.
    pub spec: ClusterSpec,
    /// Its file or directory, as commands name it.
    pub cluster_path: PathBuf,
    /// A directory on a mount of it; none for the client library.
    pub dir: Option<PathBuf>,
    /// What it has to reach.
    pub targets: Targets,
    /// Where the targets come from, in words.
    pub targets_from: String,
    /// Worker processes.
    pub processes: u32,
    /// Seconds of each workload that reads and writes at once.
    pub seconds: f64,
    /// Seconds of load in the drill.
    pub drill_seconds: f64,
    /// Size of large files.
    pub file_bytes: u64,
    /// Files of each process in the small-file and metadata workloads.
    pub files: u64,
    /// What is left out.
    pub skip: Skip,
    /// The node the drill stops; none for a storage node that does not lead the metadata.
    pub drill_node: Option<String>,
    /// Who stops and starts it.
    pub control: Control<'a>,
    /// How worker processes are started.
    pub launcher: Launcher,
    /// Calls everything off.
    pub cancel: Cancel,
    /// The command line that this is, for the report.
    pub command: String,
}

impl Options<'_> {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// [`ValidateError::Option`] with what to change, [`ValidateError::NothingToDo`].
    pub(crate) fn check(&self) -> Result<()> {
        let refuse =
            |option: &str, problem: String| Err(ValidateError::Option { option: option.to_owned(), problem });
        if !(1.0..f64::INFINITY).contains(&self.seconds) {
            return refuse("--seconds", "at least 1, or nothing is measured".to_owned());
        }
        if !self.skip.drill && !(SECONDS_MIN..f64::INFINITY).contains(&self.drill_seconds) {
            let problem =
                format!("at least {SECONDS_MIN}, a third each before, during and after; or --skip drill");
            return refuse("--drill-seconds", problem);
        }
        if self.processes < 1 || self.files < 1 {
            return refuse("--processes and --files", "at least 1".to_owned());
        }
        if self.file_bytes < TRANSFER_BYTES {
            return refuse("--file-size", "at least 1MiB, the size of one transfer".to_owned());
        }
        if let Some(node) = &self.drill_node
            && !self.spec.node.iter().any(|n| n.name == *node)
        {
            let names: Vec<&str> = self.spec.node.iter().map(|n| n.name.as_str()).collect();
            let problem = format!("there is no such node: choose one of {}", names.join(", "));
            return refuse(&format!("--drill-node {node}"), problem);
        }
        if self.skip.benchmarks && self.skip.drill && self.skip.network && self.skip.devices {
            return Err(ValidateError::NothingToDo);
        }
        Ok(())
    }

    /// An error once it was called off.
    pub(crate) fn go_on(&self) -> Result<()> {
        if self.cancel.is_called_off() { Err(ValidateError::CalledOff) } else { Ok(()) }
    }

    /// Where the workloads run, and how much they do.
    pub(crate) fn load(&self) -> Load {
        Load {
            dir: self.dir.clone(),
            cluster: self.cluster_path.clone(),
            processes: self.processes,
            seconds: self.seconds,
            file_bytes: self.file_bytes,
            files: self.files,
            launcher: self.launcher.clone(),
            cancel: self.cancel.clone(),
        }
    }
}
