//! Which file system is measured, and how it is reached.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::filesystem::Backend;
use super::native::Native;
use super::posix::Posix;
use crate::error::Result;

/// How the file system is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// System calls on paths: any mounted file system.
    Posix,
    /// Isobar's client library, a session for every process; paths begin at the root of the file system.
    Native {
        /// The cluster file, or the directory that holds `cluster.toml`.
        cluster: PathBuf,
    },
}

impl Target {
    /// Connects. `name` is shown to people who look at sessions.
    ///
    /// # Errors
    /// When the cluster cannot be used.
    pub fn connect(&self, name: &str) -> Result<Box<dyn Backend>> {
        match self {
            Target::Posix => Ok(Box::new(Posix)),
            Target::Native { cluster } => {
                Native::connect(cluster, name).map(|n| Box::new(n) as Box<dyn Backend>)
            }
        }
    }

    /// As IOR's `-a` says it.
    pub fn api(&self) -> &'static str {
        match self {
            Target::Posix => "POSIX",
            Target::Native { .. } => "NATIVE",
        }
    }
}
