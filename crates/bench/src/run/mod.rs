//! Runs phases: worker processes, barriers, live rates, CPU time of servers.

mod crew;
mod launch;
mod message;
mod watch;
mod worker;

pub use launch::Launcher;
pub use watch::{Watch, Watched};
pub use worker::serve;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::backend::{Backend, Target};
use crate::error::{BenchError, Result};
use crate::phase::Phase;
use crate::task::Task;
use crew::Crew;

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

/// Rates of about the last second of a phase that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Seconds since the phase began, at the end of the interval.
    pub at_seconds: f64,
    /// Length of the interval in seconds.
    pub interval_seconds: f64,
    /// Bytes read in each second.
    pub read_bytes_per_second: f64,
    /// Bytes written in each second.
    pub written_bytes_per_second: f64,
    /// Reads (files read, stats) in each second.
    pub reads_per_second: f64,
    /// Writes (files written, names changed) in each second.
    pub writes_per_second: f64,
}

/// Hears what happens while it happens, on the thread that runs the workload.
pub trait Observer {
    /// A phase begins: all processes are ready.
    fn begins(&mut self, _phase: &str) {}
    /// Rates, about once a second while a phase runs.
    fn rates(&mut self, _phase: &str, _rates: &Rates) {}
    /// A phase has ended.
    fn ended(&mut self, _phase: &Phase) {}
}

/// Hears nothing.
pub struct Quiet;

impl Observer for Quiet {}

/// A measurement under way.
pub(crate) struct Run<'a> {
    setup: &'a Setup,
    crew: Crew,
    observer: &'a mut dyn Observer,
    /// For what is not measured: looking, preparing, cleaning up.
    pub home: Box<dyn Backend>,
}

impl<'a> Run<'a> {
    /// Connects and starts so many workers.
    pub fn start(setup: &'a Setup, processes: u32, observer: &'a mut dyn Observer) -> Result<Run<'a>> {
        // Bad input is found before a process is started.
        setup.watch.find()?;
        let home = setup.target.connect("bench")?;
        let crew = Crew::start(&setup.launcher, &setup.target, processes, &setup.cancel)?;
        Ok(Run { setup, crew, observer, home })
    }

    /// Ends the workers: after an error they must not write any more while what they wrote is removed.
    pub fn stop_workers(&mut self) {
        self.crew.stop();
    }

    /// Runs a phase: `tasks` name the workers that take part.
    pub fn phase(&mut self, name: &str, tasks: Vec<(u32, Task)>) -> Result<Outcome> {
        let watched = self.setup.watch.find()?;
        let outcome = self.crew.phase(name, tasks, &watched, self.observer)?;
        self.observer.ended(&outcome.phase);
        Ok(outcome)
    }

    /// A phase in which every worker has a task.
    pub fn all(&mut self, name: &str, mut task: impl FnMut(u32) -> Task) -> Result<Outcome> {
        let tasks = (0..self.crew.len()).map(|rank| (rank, task(rank))).collect();
        self.phase(name, tasks)
    }

    /// Empties caches, as far as that was asked for.
    pub fn make_cold(&mut self) -> Result<()> {
        let cold = &self.setup.cold;
        if let Some(command) = &cold.command {
            let status =
                Command::new("sh").arg("-c").arg(command).stdout(std::process::Stdio::null()).status();
            let status = status.map_err(|e| BenchError::Failed(format!("cannot run '{command}': {e}")))?;
            if !status.success() {
                return Err(BenchError::Failed(format!("--cold: '{command}' failed ({status})")));
            }
        }
        if cold.drop_caches {
            drop_kernel_caches(&self.setup.target)?;
        }
        if cold.command.is_some() || cold.drop_caches {
            self.crew.reconnect()?;
            if self.setup.target != Target::Posix {
                self.home.close();
                self.home = self.setup.target.connect("bench")?;
            }
        }
        Ok(())
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.home.close();
    }
}

fn drop_kernel_caches(target: &Target) -> Result<()> {
    match std::fs::write("/proc/sys/vm/drop_caches", "3") {
        Ok(()) => Ok(()),
        // A session of its own has no part in the kernel's caches.
        Err(_) if *target != Target::Posix => Ok(()),
        Err(error) => Err(BenchError::BadInput(format!(
            "--drop-caches: {error}: run as root, or use --cold with a command that remounts"
        ))),
    }
}

/// A phase and what single workers said that is not in it.
pub(crate) struct Outcome {
    pub phase: Phase,
    pub reports: Vec<crate::record::RankReport>,
}
