//! How a measurement is made, whatever it measures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::launch::Launcher;
use super::watch::Watch;
use crate::backend::Target;

/// How a measurement is made, whatever it measures.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How the file system is reached.
    pub target: Target,
    /// How worker processes are started.
    pub launcher: Launcher,
    /// Processes whose CPU time counts besides the workers' own.
    pub watch: Watch,
    /// How caches are emptied before phases that read.
    pub cold: Cold,
    /// Set by whoever wants the measurement to stop; what was written is removed.
    pub cancel: Cancel,
}

/// How caches are emptied between writing and reading. Nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cold {
    /// A command for the shell: a remount, say.
    pub command: Option<String>,
    /// Drop this machine's page cache, dentries and inodes (needs root), and open new sessions when the
    /// client library is measured.
    pub drop_caches: bool,
}

/// Calls a measurement off from another thread.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Calls it off.
    pub fn call_off(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was called off.
    pub fn is_called_off(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
