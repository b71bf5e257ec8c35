//! Options that all workloads share.

use std::path::PathBuf;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::backend::Target;
use crate::error::{BenchError, Result};
use crate::run::{Cancel, Cold, Launcher, Setup, Watch};

/// How the file system is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// System calls on a mounted path.
    #[default]
    #[value(alias = "POSIX")]
    Posix,
    /// Isobar's client library, without a mount.
    #[value(alias = "NATIVE")]
    Native,
}

/// Options of every workload.
#[derive(clap::Args, Clone, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "Options of every workload")]
pub struct CommonOptions {
    /// A directory on the file system to measure: a new directory is made in it and removed at the end.
    #[arg(id = "directory", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Worker processes (also -np). Default: 2.
    #[arg(long = "np", alias = "processes", value_name = "N")]
    pub np: Option<u32>,
    /// How the file system is reached.
    #[arg(short = 'a', long, value_enum, ignore_case = true, default_value = "posix")]
    pub api: Api,
    /// With --api native: a cluster file, or the directory that holds cluster.toml.
    #[arg(long, env = "ISOBAR_CLUSTER", value_name = "PATH")]
    pub cluster: Option<PathBuf>,
    /// Before phases that read: drop the kernel's caches (needs root), or open new sessions.
    #[arg(long)]
    pub drop_caches: bool,
    /// Before phases that read: run this command (a remount, say).
    #[arg(long, value_name = "COMMAND")]
    pub cold: Option<String>,
    /// Processes of the file system, whose CPU time is reported. Default: the mount and the local nodes of
    /// an Isobar cluster.
    #[arg(long, value_delimiter = ',', value_name = "PID")]
    pub pids: Vec<u32>,
    /// A command that prints those processes, a number at the end of each line.
    #[arg(long, value_name = "COMMAND")]
    pub pids_from: Option<String>,
    /// Contents of files follow from this number: readers must be given the one the writer had.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
}

impl CommonOptions {
    /// How to measure with these options.
    ///
    /// # Errors
    /// What contradicts itself.
    pub fn setup(&self, launcher: Launcher, cancel: Cancel) -> Result<Setup> {
        let target = match (self.api, &self.cluster) {
            (Api::Posix, _) => Target::Posix,
            (Api::Native, Some(cluster)) => Target::Native { cluster: cluster.clone() },
            (Api::Native, None) => {
                return Err(BenchError::BadInput("--api native needs --cluster PATH".to_owned()));
            }
        };
        if self.np == Some(0) {
            return Err(BenchError::BadInput("-np 0: at least one process has to do the work".to_owned()));
        }
        let watch = Watch {
            pids: self.pids.clone(),
            command: self.pids_from.clone(),
            path: self.dir.clone().filter(|_| self.api == Api::Posix),
            cluster: self.cluster.clone().filter(|_| self.api == Api::Native),
        };
        let cold = Cold { command: self.cold.clone(), drop_caches: self.drop_caches };
        Ok(Setup { target, launcher, watch, cold, cancel })
    }

    /// Worker processes.
    pub fn processes(&self) -> u32 {
        self.np.unwrap_or(2)
    }

    /// The directory to work in.
    ///
    /// # Errors
    /// When none was named.
    pub fn require_dir(&self) -> Result<PathBuf> {
        match (&self.dir, self.api) {
            (Some(dir), _) => Ok(dir.clone()),
            (None, Api::Native) => Ok(PathBuf::from("/")),
            (None, Api::Posix) => {
                Err(BenchError::BadInput("name a directory on the file system to measure".to_owned()))
            }
        }
    }
}

/// Arguments as clap takes them: `-np`, mpirun's way to say how many processes, becomes `--np`.
pub fn with_np(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    let mut all: Vec<_> = arguments.into_iter().collect();
    if all.iter().skip(1).any(|a| a == "bench") {
        all.iter_mut().filter(|a| *a == "-np").for_each(|a| *a = "--np".into());
    }
    all
}

/// Refuses with one line.
pub(crate) fn refuse<T>(text: impl Into<String>) -> Result<T> {
    Err(BenchError::BadInput(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn np_is_understood_as_mpirun_writes_it() {
        let words = |text: &str| text.split(' ').map(Into::into).collect::<Vec<std::ffi::OsString>>();
        assert_eq!(with_np(words("isobar bench ior -np 4 -n")), words("isobar bench ior --np 4 -n"));
        assert_eq!(with_np(words("isobar demo -np")), words("isobar demo -np"));
    }

    #[test]
    fn the_client_library_needs_a_cluster() {
        let launcher = Launcher { program: "x".into(), arguments: Vec::new() };
        let options = CommonOptions { api: Api::Native, ..CommonOptions::default() };
        let error = options.setup(launcher.clone(), Cancel::default()).expect_err("no cluster");
        assert!(error.to_string().contains("--cluster"));
        let none = CommonOptions { np: Some(0), ..CommonOptions::default() };
        assert!(none.setup(launcher, Cancel::default()).is_err());
    }
}
