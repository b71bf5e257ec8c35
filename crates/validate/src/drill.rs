//! The fault drill: a node is stopped while files are read and written, and started again.
//!
//! ```text
//! prepare │ read and write ──────────┬───────────────────┬──────────────► end │ verify │ until whole again
//!         0                     a third: stop       two thirds: start
//! ```
//! However the workload ends, a node that was stopped is started again.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use isobar_bench::{Observer, Rates, Second};
use serde::Serialize;

use crate::error::{Result, ValidateError};
use crate::measure::{Load, mixed_load, rates_in_words};
use crate::quantity::seconds;
use crate::recovery::{Recovery, analyse};
use crate::run::Watcher;

/// How long to wait for full redundancy after the drill.
const WHOLE_WAIT: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(250);
/// Shorter drills have no seconds left between start, fault, return and end.
pub(crate) const SECONDS_MIN: f64 = 9.0;

/// Who can stop and start a node.
pub trait NodeControl: Sync {
    /// Stops a node as a power cut would, and returns when it has stopped.
    ///
    /// # Errors
    /// In words.
    fn stop(&self, node: &str) -> std::result::Result<(), String>;
    /// Starts it again.
    ///
    /// # Errors
    /// In words.
    fn start(&self, node: &str) -> std::result::Result<(), String>;
    /// The commands a person would use, for the report: to stop and to start.
    fn commands(&self, node: &str) -> (String, String);
    /// Whether every node is up and all data has its full redundancy.
    ///
    /// # Errors
    /// In words, when it cannot be known now.
    fn is_whole(&self) -> std::result::Result<bool, String>;
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Drill {
    /// The node that was stopped.
    pub node: String,
    /// Whether it led the metadata group.
    pub led: bool,
    /// When it was stopped, in seconds since reading and writing began.
    pub stopped_seconds: f64,
    /// When it was started again.
    pub started_seconds: f64,
    /// Both directions in each second; a last one that is not whole is left out.
    pub by_second: Vec<Second>,
    /// Whether those rates are what clients counted themselves, or what was seen live because one failed.
    pub live: bool,
    /// Reading.
    pub read: Option<Recovery>,
    /// Writing.
    pub written: Option<Recovery>,
    /// Calls that gave clients an error. A client stops at its first.
    pub client_errors: u64,
    /// The first of them, in words.
    pub error: Option<String>,
    /// Reads that gave wrong bytes, meanwhile or afterwards.
    pub wrong: u64,
    /// Bytes that were compared.
    pub verified_bytes: u64,
    /// From the start of the node until all data had its full redundancy; `None` when it took too long.
    pub whole_again_seconds: Option<f64>,
    /// What was under load.
    pub command: String,
    /// How to stop the node.
    pub stop_command: String,
    /// How to start it.
    pub start_command: String,
}

/// What the thread that stops and starts has done.
#[derive(Default)]
struct Fault {
    stopped: Option<Instant>,
    started: Option<Instant>,
    error: Option<String>,
}

/// Hears when the load begins, and how fast it is.
struct Ears<'a> {
    watcher: &'a dyn Watcher,
    begun: Sender<()>,
    origin: Option<Instant>,
    rates: Vec<Rates>,
}

const PHASE: &str = "read and write";

impl Observer for Ears<'_> {
    fn begins(&mut self, phase: &str) {
        self.watcher.now(&format!("drill: {phase}"));
        if phase == PHASE {
            self.origin = Some(Instant::now());
            self.begun.send(()).ok();
        }
    }

    fn rates(&mut self, phase: &str, rates: &Rates) {
        self.watcher.now(&rates_in_words("drill", phase, rates));
        if phase == PHASE {
            // Workers begin together a moment after they are told: this is their clock.
            if self.rates.is_empty() {
                self.origin = Instant::now().checked_sub(Duration::from_secs_f64(rates.at_seconds));
            }
            self.rates.push(*rates);
        }
    }
}

/// Stops `node`, starts it again, and looks at what clients saw. `share` of the rate before counts as
/// recovered.
pub(crate) fn run(
    load: &Load,
    total_seconds: f64,
    node: &str,
    led: bool,
    control: &dyn NodeControl,
    share: f64,
    watcher: &dyn Watcher,
) -> Result<Drill> {
    let (begun, has_begun) = channel();
    let (ended, has_ended) = channel::<()>();
    let mut ears = Ears { watcher, begun, origin: None, rates: Vec::new() };
    let (command, outcome, fault) = std::thread::scope(|scope| {
        let faults = scope
            .spawn(move || stop_and_start(node, total_seconds, control, &has_begun, &has_ended, watcher));
        let (command, outcome) = mixed_load(load, total_seconds, &mut ears);
        drop(ended);
        // The one who waits for the beginning hears when there will be none.
        drop(std::mem::replace(&mut ears.begun, channel().0));
        let fault = faults.join().unwrap_or_else(|_| Fault {
            error: Some("the thread that stops and starts the node panicked".to_owned()),
            ..Fault::default()
        });
        (command, outcome, fault)
    });
    if let Some(error) = fault.error {
        return Err(ValidateError::Failed(error));
    }
    if let Err(ValidateError::CalledOff | ValidateError::BadInput(_)) = &outcome {
        return Err(outcome.err().unwrap_or(ValidateError::CalledOff));
    }
    let (Some(origin), Some(stopped), Some(started)) = (ears.origin, fault.stopped, fault.started) else {
        let why = outcome.err().map_or("the load ended before the fault".to_owned(), |e| e.to_string());
        return Err(ValidateError::Failed(format!("the drill could not be carried out: {why}")));
    };
    let since = |at: Instant| at.saturating_duration_since(origin).as_secs_f64();
    let (stopped_seconds, started_seconds) = (since(stopped), since(started));

    let (by_second, live, error, wrong, verified_bytes) = match outcome {
        Ok(report) => {
            let whole = report.mixed.by_second.len().min(total_seconds as usize);
            let verified = report.phases().map(|p| p.verified.bytes + p.verified.stamped_bytes).sum();
            (report.mixed.by_second[..whole].to_vec(), false, None, report.wrong, verified)
        }
        Err(error) => (seen_live(&ears.rates), true, Some(error.to_string()), 0, 0),
    };
    let side = |of: fn(&Second) -> u64| {
        let rates: Vec<f64> = by_second.iter().map(|second| of(second) as f64).collect();
        analyse(&rates, stopped_seconds, started_seconds, share)
    };
    let (read, written) = (side(|s| s.read.bytes), side(|s| s.written.bytes));
    let whole_again_seconds = until_whole(control, started, &load.cancel, watcher);
    let (stop_command, start_command) = control.commands(node);
    let recovered =
        [read, written].iter().map(|r| r.and_then(|r| r.recover_seconds)).collect::<Option<Vec<f64>>>();
    watcher.done(&format!(
        "drill: {node} stopped for {}; {}; {}",
        seconds(started_seconds - stopped_seconds),
        match recovered {
            Some(both) => match both.into_iter().fold(0.0, f64::max) {
                0.0 => format!("no direction fell below {:.0} % of its rate", share * 100.0),
                most => format!("both directions recovered after {}", seconds(most)),
            },
            None => "a direction did not recover".to_owned(),
        },
        match whole_again_seconds {
            Some(s) => format!("full redundancy {} after its return", seconds(s)),
            None => "no full redundancy yet".to_owned(),
        }
    ));
    Ok(Drill {
        node: node.to_owned(),
        led,
        stopped_seconds,
        started_seconds,
        by_second,
        live,
        read,
        written,
        client_errors: u64::from(error.is_some()),
        error,
        wrong,
        verified_bytes,
        whole_again_seconds,
        command,
        stop_command,
        start_command,
    })
}

/// Runs beside the load. A node that was stopped is started whatever happens.
fn stop_and_start(
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
        fault.error = Some(format!("cannot stop {node} for the drill: {why}"));
    } else {
        watcher.now(&format!("drill: {node} stopped"));
        // Woken early when the load has ended: then it is started at once.
        ended.recv_timeout(third).ok();
    }
    fault.started = Some(Instant::now());
    if let Err(why) = control.start(node) {
        fault.error = Some(format!("cannot start {node} again after the drill: {why}; start it by hand"));
    }
    fault
}

fn seen_live(rates: &[Rates]) -> Vec<Second> {
    let counts = |bytes: f64, operations: f64| isobar_bench::Counts {
        bytes: bytes as u64,
        operations: operations as u64,
    };
    rates
        .iter()
        .map(|r| Second {
            read: counts(r.read_bytes_per_second, r.reads_per_second),
            written: counts(r.written_bytes_per_second, r.writes_per_second),
        })
        .collect()
}

fn until_whole(
    control: &dyn NodeControl,
    started: Instant,
    cancel: &isobar_bench::Cancel,
    watcher: &dyn Watcher,
) -> Option<f64> {
    watcher.now("drill: until all data has its full redundancy again");
    while started.elapsed() < WHOLE_WAIT && !cancel.is_called_off() {
        if control.is_whole() == Ok(true) {
            return Some(started.elapsed().as_secs_f64());
        }
        std::thread::sleep(POLL);
    }
    None
}
