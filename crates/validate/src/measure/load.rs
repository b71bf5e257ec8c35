//! Where is measured, and with how much.

use std::path::PathBuf;

use isobar_bench::{Api, Cancel, CommonOptions, Launcher, Setup};

use crate::error::Result;

/// One MiB: what streams move in one call.
pub(crate) const TRANSFER_BYTES: u64 = 1 << 20;

/// Where and how much.
#[derive(Clone, Debug)]
pub struct Load {
    /// A directory on the mount; none for the client library.
    pub dir: Option<PathBuf>,
    /// The cluster, for the client library.
    pub cluster: PathBuf,
    /// Worker processes.
    pub processes: u32,
    /// Seconds of the workloads that read and write at once.
    pub seconds: f64,
    /// Size of each large file.
    pub file_bytes: u64,
    /// Files of each process in the small-file and metadata workloads.
    pub files: u64,
    /// How workers are started.
    pub launcher: Launcher,
    /// Calls everything off.
    pub cancel: Cancel,
}

impl Load {
    pub(super) fn common(&self) -> CommonOptions {
        CommonOptions {
            dir: self.dir.clone(),
            np: Some(self.processes),
            api: if self.dir.is_some() { Api::Posix } else { Api::Native },
            cluster: self.dir.is_none().then(|| self.cluster.clone()),
            ..CommonOptions::default()
        }
    }

    pub(super) fn setup(&self) -> Result<Setup> {
        Ok(self.common().setup(self.launcher.clone(), self.cancel.clone())?)
    }

    /// The end of a command line that measures the same place.
    pub(super) fn place(&self) -> String {
        match &self.dir {
            Some(dir) => dir.display().to_string(),
            None => format!("--api native --cluster {}", self.cluster.display()),
        }
    }

    /// MiB of each large file.
    pub(super) fn mib(&self) -> u64 {
        self.file_bytes >> 20
    }
}
