//! What was measured, where and when: the head of every report.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::backend::{Backend, Space, Target};
use crate::calendar::CivilTime;
use crate::mounts::{self, Mount};
use crate::run::Setup;

/// What was measured, where and when.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Location {
    /// `POSIX` or `NATIVE`.
    pub api: String,
    /// The path, on the mount or in the cluster's file system.
    pub path: PathBuf,
    /// The file system it is on; none for `NATIVE`.
    pub mount: Option<Mount>,
    /// Its space when the measurement began.
    #[serde(rename = "room")]
    pub space: Space,
    /// The command line of the process that measured.
    pub command: String,
    /// Kernel and name of this machine.
    pub machine: String,
    /// When it began, in UTC.
    pub began: String,
    /// When it ended, in UTC.
    pub finished: String,
    /// Worker processes.
    pub processes: u32,
}

impl Location {
    pub(crate) fn begin(
        setup: &Setup,
        home: &dyn Backend,
        path: &Path,
        dir: &Path,
        processes: u32,
    ) -> Location {
        let name = rustix::system::uname();
        Location {
            api: setup.target.api().to_owned(),
            path: path.to_owned(),
            mount: (setup.target == Target::Posix).then(|| mounts::mount_of(dir)).flatten(),
            space: home.space(dir).unwrap_or_default(),
            command: std::env::args().collect::<Vec<_>>().join(" "),
            machine: format!("{} {}", name.sysname().to_string_lossy(), name.nodename().to_string_lossy()),
            began: CivilTime::now().ctime(),
            finished: String::new(),
            processes,
        }
    }

    pub(crate) fn end(&mut self) {
        self.finished = CivilTime::now().ctime();
    }
}
