//! Runs the load and the fault beside each other, and looks at what clients saw.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use isobar_bench::mixed::MixedReport;
use isobar_bench::{Cancel, Second};

use super::choose::Chosen;
use super::control::NodeControl;
use super::events::EventSink;
use super::fault::{Fault, stop_and_start};
use super::outcome::Drill;
use crate::error::{Result, ValidateError};
use crate::measure::{Load, mixed_load};
use crate::quantity::seconds;
use crate::recovery::{Recovery, analyse};
use crate::watcher::Watcher;

/// How long to wait for full redundancy after the drill.
const WHOLE_WAIT: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(250);

/// Stops the node, starts it again, and looks at what clients saw during `total_seconds` of load. `share` of
/// the rate before counts as recovered.
pub(crate) fn conduct(
    chosen: &Chosen,
    load: &Load,
    total_seconds: f64,
    share: f64,
    watcher: &dyn Watcher,
) -> Result<Drill> {
    let node = chosen.node.as_str();
    let (begun, has_begun) = channel();
    let mut sink = EventSink::new(watcher, begun);
    let (ended, has_ended) = channel::<()>();
    let (command, outcome, fault) = std::thread::scope(|scope| {
        let faults = scope.spawn(move || {
            stop_and_start(node, total_seconds, chosen.control, &has_begun, &has_ended, watcher)
        });
        let (command, outcome) = mixed_load(load, total_seconds, &mut sink);
        drop(ended);
        sink.end();
        (command, outcome, faults.join())
    });
    let fault = fault.map_err(|_| {
        ValidateError::Process("the thread that stops and starts the node panicked".to_owned())
    })?;
    let (Moments { begun, stopped, started }, outcome) = moments(fault, sink.origin, outcome)?;
    let since = |at: Instant| at.saturating_duration_since(begun).as_secs_f64();
    let (stopped_seconds, started_seconds) = (since(stopped), since(started));

    let seen = Seen::of(outcome, &sink, total_seconds);
    let side = |of: fn(&Second) -> u64| {
        let rates: Vec<f64> = seen.by_second.iter().map(|second| of(second) as f64).collect();
        analyse(&rates, stopped_seconds, started_seconds, share)
    };
    let (read, written) = (side(|s| s.read.bytes), side(|s| s.written.bytes));
    let whole_again_seconds = until_whole(chosen.control, started, &load.cancel, watcher);
    watcher.done(&format!(
        "drill: {node} stopped for {}; {}; {}",
        seconds(started_seconds - stopped_seconds),
        describe_recovery([read, written], share),
        match whole_again_seconds {
            Some(s) => format!("full redundancy {} after its return", seconds(s)),
            None => "no full redundancy yet".to_owned(),
        }
    ));
    let (stop_command, start_command) = chosen.control.commands(node);
    Ok(Drill {
        node: node.to_owned(),
        led: chosen.led,
        stopped_seconds,
        started_seconds,
        by_second: seen.by_second,
        live: seen.live,
        read,
        written,
        client_errors: u64::from(seen.error.is_some()),
        error: seen.error,
        wrong: seen.wrong,
        verified_bytes: seen.verified_bytes,
        whole_again_seconds,
        command,
        stop_command,
        start_command,
    })
}

/// What a workload gives: its report, or that a client met an error.
type LoadOutcome = Result<MixedReport>;

/// When the load began, and when the node was stopped and started.
struct Moments {
    begun: Instant,
    stopped: Instant,
    started: Instant,
}

/// The moments of a drill that happened; an error when there was none to speak of.
fn moments(fault: Fault, begun: Option<Instant>, outcome: LoadOutcome) -> Result<(Moments, LoadOutcome)> {
    if let Some(error) = fault.error {
        return Err(error);
    }
    match outcome {
        Err(error) if error.is_refusal() || matches!(error, ValidateError::CalledOff) => Err(error),
        outcome => match (begun, fault.stopped, fault.started) {
            (Some(begun), Some(stopped), Some(started)) => Ok((Moments { begun, stopped, started }, outcome)),
            _ => Err(ValidateError::Drill(match outcome {
                Ok(_) => "the load ended before the fault".to_owned(),
                Err(error) => error.to_string(),
            })),
        },
    }
}

/// What clients saw.
struct Seen {
    by_second: Vec<Second>,
    /// Whether that was seen while it happened, since a client failed and did not say what it counted.
    live: bool,
    error: Option<String>,
    wrong: u64,
    verified_bytes: u64,
}

impl Seen {
    fn of(outcome: LoadOutcome, sink: &EventSink, total_seconds: f64) -> Seen {
        match outcome {
            Ok(report) => {
                let whole = report.mixed.by_second.len().min(total_seconds as usize);
                Seen {
                    by_second: report.mixed.by_second[..whole].to_vec(),
                    live: false,
                    error: None,
                    wrong: report.wrong,
                    verified_bytes: report
                        .phases()
                        .map(|p| p.verified.bytes + p.verified.stamped_bytes)
                        .sum(),
                }
            }
            Err(error) => Seen {
                by_second: sink.by_second(),
                live: true,
                error: Some(error.to_string()),
                wrong: 0,
                verified_bytes: 0,
            },
        }
    }
}

fn describe_recovery(directions: [Option<Recovery>; 2], share: f64) -> String {
    let recovered: Option<Vec<f64>> = directions.iter().map(|r| (*r)?.recover_seconds).collect();
    match recovered {
        Some(both) => match both.into_iter().fold(0.0, f64::max) {
            0.0 => format!("no direction fell below {:.0} % of its rate", share * 100.0),
            most => format!("both directions recovered after {}", seconds(most)),
        },
        None => "a direction did not recover".to_owned(),
    }
}

fn until_whole(
    control: &dyn NodeControl,
    started: Instant,
    cancel: &Cancel,
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
