//! The suite's table.

use crate::suite::SuiteReport;

/// A table for people: rate and CPU cost of every workload.
pub fn suite(report: &SuiteReport) -> String {
    let place = &report.streams.place;
    let mount = place.mount.as_ref().map_or(String::new(), |m| format!(" ({}, {})", m.kind, m.source));
    let mut out = format!(
        "{}{mount}, {}, {} processes, {}\n{:<32} {:>10} {:<8} {:>8} {:<8}\n",
        place.path.display(),
        place.api,
        place.processes,
        place.began,
        "workload",
        "rate",
        "",
        "CPU",
        ""
    );
    for row in &report.rows {
        out += &format!(
            "{:<32} {:>10.0} {:<8} {:>8.2} {:<8}\n",
            row.workload, row.rate, row.unit, row.cost, row.cost_unit
        );
    }
    out + &super::verdict(&super::total(report.phases())) + "\n"
}
