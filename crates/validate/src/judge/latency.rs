//! How long calls take while all processes are at work: 99 of 100.

use super::table::Table;
use crate::check::{Check, Want};
use crate::measure::{Measured, Percentiles};
use crate::quantity::Quantity;
use crate::targets::LatencyTargets;
use crate::verdict::Group;

/// All of them, in the order they are shown.
pub(super) fn checks(measured: Option<&Measured>, wanted: &LatencyTargets) -> Vec<Check> {
    let table = Table(Group::Latency);
    let calls = [
        ("latency.read_p99_max", "read 1 MiB", "mixed", wanted.read_p99_max),
        ("latency.write_p99_max", "write 1 MiB", "mixed", wanted.write_p99_max),
        ("latency.sync_p99_max", "fsync", "mixed", wanted.sync_p99_max),
        ("latency.create_p99_max", "create", "mdtest", wanted.create_p99_max),
        ("latency.stat_p99_max", "stat", "mdtest", wanted.stat_p99_max),
    ];
    let check = |(id, call, workload, most): (_, &str, &str, Option<_>)| {
        let method = measured.map_or("isobar bench", |m| match workload {
            "mixed" => &m.commands.mixed,
            _ => &m.commands.mdtest,
        });
        let found =
            measured.and_then(|m| m.latency.iter().find(|l| l.call == call && l.workload == workload));
        let why = if measured.is_some() { "no such call was made" } else { "the benchmarks were skipped" };
        let p99 = found.map(|l| Quantity::Seconds(l.p99_seconds)).ok_or(why.into());
        table
            .row(id, call, method, None, p99, Want::at_most(most.map(Quantity::from)))
            .note(found.map_or(String::new(), describe))
    };
    calls.map(check).into()
}

fn describe(found: &Percentiles) -> String {
    format!(
        "half within {}, longest {}, of {} calls",
        Quantity::Seconds(found.p50_seconds),
        Quantity::Seconds(found.max_seconds),
        found.count
    )
}
