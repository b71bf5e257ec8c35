//! The fault itself, beside the load. A node that was stopped is started whatever happens.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::control::NodeControl;
use crate::error::ValidateError;
use crate::watcher::Watcher;

/// Shorter drills have no seconds left between start, fault, return and end.
pub(crate) const SECONDS_MIN: f64 = 9.0;

/// What the thread that stops and starts has done.
#[derive(Default)]
pub(super) struct Fault {
    pub stopped: Option<Instant>,
    pub started: Option<Instant>,
    pub error: Option<ValidateError>,
}

/// Waits for the load to begin, stops the node after a third of its time and starts it after another. Returns
/// early when the load ends early.
pub(super) fn stop_and_start(
    node: &str,
    total_seconds: f64,
    control: &dyn NodeControl,
    begun: &Receiver<()>,
    ended: &Receiver<()>,
    watcher: &dyn Watcher,
) -> Fault {
    let mut fault = Fault::default();
    if begun.recv().is_err() {
        return fault;
    }
    let third = Duration::from_secs_f64(total_seconds / 3.0);
    if ended.recv_timeout(third) != Err(RecvTimeoutError::Timeout) {
        return fault;
    }
    fault.stopped = Some(Instant::now());
    if let Err(why) = control.stop(node) {
        fault.error = Some(ValidateError::NodeNotStopped { node: node.to_owned(), why });
    } else {
        watcher.now(&format!("drill: {node} stopped"));
        // Woken early when the load has ended: then it is started at once.
        ended.recv_timeout(third).ok();
    }
    fault.started = Some(Instant::now());
    if let Err(why) = control.start(node) {
        fault.error = Some(ValidateError::NodeNotStarted { node: node.to_owned(), why });
    }
    fault
}
