//! Stopping processes, and killing them.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::directory::{Local, MOUNT};
use super::error::{LocalError, cannot};
use super::mounts;
use crate::durable;

/// How often a process that should end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Local {
    /// Kills a node as a power cut would (SIGKILL); whether it ran. It may take a moment until it is dead.
    ///
    /// # Errors
    /// When there is no such node, or it may not be killed.
    pub fn kill_node(&self, name: &str) -> Result<bool, LocalError> {
        self.node(name)?;
        let Some(pid) = self.settled(name)? else { return Ok(false) };
        send(name, pid, Signal::KILL).map(|()| true)
    }

    /// Asks a node (or [`MOUNT`]) to stop, and insists (SIGKILL) after [`Waits::stop`](super::Waits::stop);
    /// returns when it is dead. A mount that its process leaves behind is taken away.
    ///
    /// # Errors
    /// [`LocalError::StillRuns`] when it hangs in the kernel; asking again is harmless.
    pub fn stop(&self, name: &str) -> Result<(), LocalError> {
        if name != MOUNT {
            self.node(name)?;
        }
        if let Some(pid) = self.settled(name)? {
            send(name, pid, Signal::TERM)?;
            if !self.ends(name, pid) {
                send(name, pid, Signal::KILL)?;
                if !self.ends(name, pid) {
                    let seconds = self.waits.stop.as_secs();
                    return Err(LocalError::StillRuns { name: name.to_owned(), seconds });
                }
            }
        }
        if name == MOUNT {
            mounts::detach(&self.mount_point())?;
            if let Some(point) = self.mounted_on() {
                mounts::detach(&point)?;
                // What somebody mounts there from now on is not ours.
                let note = self.point_file();
                durable::remove(&note).map_err(cannot("remove", &note))?;
            }
        }
        Ok(())
    }

    /// Stops everything, mounts first, nodes all at once.
    ///
    /// # Errors
    /// The first of those of [`Local::stop`]; the others are stopped all the same.
    pub fn stop_all(&self) -> Result<(), LocalError> {
        let unmounted = self.stop(MOUNT);
        for name in self.names() {
            if let Some(pid) = self.pid(name) {
                send(name, pid, Signal::TERM).ok();
            }
        }
        let stopped: Vec<_> = self.names().map(|name| self.stop(name)).collect();
        stopped.into_iter().fold(unmounted, Result::and)
    }

    /// The process, when nobody is about to start it.
    fn settled(&self, name: &str) -> Result<Option<u32>, LocalError> {
        let _lock = self.lock(name)?;
        Ok(self.pid(name))
    }

    /// Whether a process ends in time.
    fn ends(&self, name: &str, pid: u32) -> bool {
        let begun = Instant::now();
        while self.pid(name) == Some(pid) {
            if begun.elapsed() > self.waits.stop {
                return false;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        true
    }
}

fn send(name: &str, pid: u32, signal: Signal) -> Result<(), LocalError> {
    let Some(process) = Pid::from_raw(pid as i32) else { return Ok(()) };
    match rustix::process::kill_process(process, signal) {
        // It has just ended.
        Err(rustix::io::Errno::SRCH) => Ok(()),
        sent => sent.map_err(|e| LocalError::System {
            action: format!("signal {name}, process {pid}"),
            error: e.into(),
        }),
    }
}
