//! Every target beside its measurement and the model's figure: a file for each subject.
//!
//! A subject takes what was found and what is wanted of it, and gives its checks in the order they are shown.
//! Rates, latencies and efficiency are tables (`table`); what is told by words as much as by numbers is
//! made check by check.

mod contents;
mod efficiency;
mod latency;
mod network;
mod nodes;
mod rates;
mod recovery;
mod survival;
mod table;

use isobar_client::ClusterSpec;

use crate::check::Check;
use crate::report::Report;

/// All of them, in the order they are shown.
pub(crate) fn checks(report: &Report, spec: &ClusterSpec) -> Vec<Check> {
    let (preflight, measured, targets) = (&report.preflight, report.measured.as_ref(), &report.targets);
    let subjects = [
        nodes::checks(preflight, &targets.nodes),
        network::checks(preflight, &targets.network),
        survival::checks(spec, &targets.survives),
        rates::checks(report),
        latency::checks(measured, &targets.latency),
        efficiency::checks(report, spec),
        recovery::checks(report),
        contents::checks(measured, report.drill.as_ref()),
    ];
    subjects.into_iter().flatten().collect()
}
