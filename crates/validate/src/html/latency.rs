//! How long calls took.

use std::fmt::Write as _;

use super::charts;
use super::text::escape;
use crate::quantity::seconds;
use crate::report::Report;

/// The section.
pub(super) fn section(out: &mut String, report: &Report) {
    let Some(measured) = &report.measured else { return };
    out.push_str("<h2>Latency</h2>");
    let plot = charts::latency(&measured.latency);
    if !plot.is_empty() {
        let _ = write!(
            out,
            "<figure id=\"latency\">{plot}<figcaption><span class=\"key read\"></span><span>half of the calls</span>\
             <span class=\"key write\"></span><span>99 of 100</span> The thin line ends at the longest call. All processes were at work.</figcaption></figure>"
        );
    }
    out.push_str("<div class=\"scroll\"><table><thead><tr><th>Call</th><th>Workload</th><th class=\"n\">Calls</th><th class=\"n\">p50</th><th class=\"n\">p90</th><th class=\"n\">p99</th><th class=\"n\">p99.9</th><th class=\"n\">max</th></tr></thead><tbody>");
    for call in &measured.latency {
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td>",
            escape(&call.call),
            call.workload,
            call.count
        );
        for value in
            [call.p50_seconds, call.p90_seconds, call.p99_seconds, call.p999_seconds, call.max_seconds]
        {
            let _ = write!(out, "<td class=\"n\">{}</td>", seconds(value));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
}
