//! The fault drill: errors of clients, how deep rates fell, when they were back, when the data was whole
//! again.

use crate::check::{Check, Outcome, Unmeasured, Want};
use crate::drill::Drill;
use crate::quantity::Quantity;
use crate::recovery::Recovery;
use crate::report::Report;
use crate::targets::Time;
use crate::verdict::Group;

/// All of them, in the order they are shown.
pub(super) fn checks(report: &Report) -> Vec<Check> {
    let wanted = &report.targets.recovery;
    let drill = report.drill.as_ref().ok_or_else(|| match &report.no_drill {
        Some(why) => Unmeasured::from(why.as_str()),
        None => Unmeasured::from("no drill"),
    });
    let method = match &drill {
        Ok(d) => format!("{} while {} runs, then {}", d.stop_command, d.command, d.start_command),
        Err(_) => "fault drill".to_owned(),
    };
    let check = |id, title: &str| Check::new(id, Group::Recovery, title, &method);
    vec![
        errors(
            check("recovery.client_errors_max", "Calls that failed"),
            drill.clone(),
            wanted.client_errors_max,
        ),
        deepest_drop(
            check("recovery.drop_max", "Deepest drop of a direction in a second"),
            drill.clone(),
            wanted.drop_max,
        ),
        recover(
            check("recovery.recover_max", "Until both directions have recovered"),
            drill.clone(),
            wanted.recover_max,
        ),
        whole_again(
            check("recovery.whole_again_max", "Until full redundancy, from the node's return"),
            drill,
            wanted.whole_again_max,
        ),
    ]
}

/// Both directions around the fault, reading first.
fn directions(drill: &Drill) -> Outcome<(Recovery, Recovery)> {
    let both = drill.read.zip(drill.written);
    both.ok_or("the load was too uneven or too short to tell".into())
}

fn seconds_at_most(wanted: Option<Time>) -> Want {
    Want::at_most(wanted.map(Quantity::from))
}

fn errors(check: Check, drill: Outcome<&Drill>, wanted: Option<u64>) -> Check {
    let first = drill.as_ref().ok().and_then(|d| d.error.as_deref()).unwrap_or_default();
    let count = |n: u64| Quantity::Count(n as f64);
    check
        .measured(drill.clone().map(|d| count(d.client_errors)), Want::at_most(wanted.map(count)))
        .note(first)
}

fn deepest_drop(check: Check, drill: Outcome<&Drill>, wanted: Option<f64>) -> Check {
    let rates = |(name, side): (&str, Option<Recovery>)| {
        let side = side?;
        Some(format!(
            "{name}: {} before, {} in the worst second",
            Quantity::Rate(side.before_bytes_per_second),
            Quantity::Rate(side.least_bytes_per_second)
        ))
    };
    let note: Vec<String> = match &drill {
        Ok(d) => [("reading", d.read), ("writing", d.written)].into_iter().filter_map(rates).collect(),
        Err(_) => Vec::new(),
    };
    let deepest = drill.and_then(directions).map(|(read, written)| read.drop.max(written.drop));
    check
        .measured(deepest.map(Quantity::Share), Want::at_most(wanted.map(Quantity::Share)))
        .note(note.join("; "))
}

fn recover(check: Check, drill: Outcome<&Drill>, wanted: Option<Time>) -> Check {
    let (read, written) = match drill.and_then(directions) {
        Ok((read, written)) => (read.recover_seconds, written.recover_seconds),
        Err(why) => return check.measured(Err(why), seconds_at_most(wanted)),
    };
    match (read, written) {
        (Some(a), Some(b)) => check.measured(Ok(Quantity::Seconds(a.max(b))), seconds_at_most(wanted)),
        (read, _) => {
            let side = if read.is_none() { "reading" } else { "writing" };
            missed(check, wanted, format!("{side} did not recover before the load ended"))
        }
    }
}

fn whole_again(check: Check, drill: Outcome<&Drill>, wanted: Option<Time>) -> Check {
    match drill.map(|d| d.whole_again_seconds) {
        Ok(None) => missed(check, wanted, "not within three minutes: isobar status says more".to_owned()),
        Ok(Some(seconds)) => check.measured(Ok(Quantity::Seconds(seconds)), seconds_at_most(wanted)),
        Err(why) => check.measured(Err(why), seconds_at_most(wanted)),
    }
}

/// What did not happen at all has no time, and has missed any.
fn missed(check: Check, wanted: Option<Time>, reason: String) -> Check {
    let target = wanted.map(|most| format!("≤ {}", Quantity::from(most)));
    check.holds(target.as_deref(), Ok(false), reason)
}
