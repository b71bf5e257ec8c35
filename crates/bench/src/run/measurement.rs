//! A measurement under way: workers, phases one after the other, caches emptied in between.

use std::process::{Command, Stdio};

use super::observer::Observer;
use super::pool::{Outcome, WorkerPool};
use super::setup::Setup;
use crate::backend::{Backend, Target};
use crate::error::{BenchError, Result};
use crate::task::Task;

/// A measurement under way.
pub(crate) struct Run<'a> {
    setup: &'a Setup,
    pool: WorkerPool,
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
        let pool = WorkerPool::start(&setup.launcher, &setup.target, processes, &setup.cancel)?;
        Ok(Run { setup, pool, observer, home })
    }

    /// Ends the workers: after an error they must not write any more while what they wrote is removed.
    pub fn stop_workers(&mut self) {
        self.pool.stop();
    }

    /// Runs a phase: `tasks` name the workers that take part.
    pub fn phase(&mut self, name: &str, tasks: Vec<(u32, Task)>) -> Result<Outcome> {
        let watched = self.setup.watch.find()?;
        let outcome = self.pool.phase(name, tasks, &watched, self.observer)?;
        self.observer.ended(&outcome.phase);
        Ok(outcome)
    }

    /// A phase in which every worker has a task.
    pub fn all(&mut self, name: &str, mut task: impl FnMut(u32) -> Task) -> Result<Outcome> {
        let tasks = (0..self.pool.len()).map(|rank| (rank, task(rank))).collect();
        self.phase(name, tasks)
    }

    /// Empties caches, as far as that was asked for.
    pub fn make_cold(&mut self) -> Result<()> {
        let cold = &self.setup.cold;
        if let Some(command) = &cold.command {
            let status = Command::new("sh").arg("-c").arg(command).stdout(Stdio::null()).status();
            let status = status.map_err(|e| BenchError::Failed(format!("cannot run '{command}': {e}")))?;
            if !status.success() {
                return Err(BenchError::Failed(format!("--cold: '{command}' failed ({status})")));
            }
        }
        if cold.drop_caches {
            drop_kernel_caches(&self.setup.target)?;
        }
        if cold.command.is_some() || cold.drop_caches {
            self.pool.reconnect()?;
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
