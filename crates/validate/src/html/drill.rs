//! What happened when a node died.

use std::fmt::Write as _;

use super::charts;
use super::text::escape;
use crate::quantity::seconds;
use crate::report::Report;

/// The section.
pub(super) fn section(out: &mut String, report: &Report) {
    out.push_str("<h2>A node dies while files are read and written</h2>");
    let Some(drill) = &report.drill else {
        let why = report.no_drill.as_deref().unwrap_or("no drill");
        let _ = write!(out, "<p>Not measured: {}.</p>", escape(why));
        return;
    };
    let errors = match (drill.client_errors, drill.wrong) {
        (0, 0) => "No call failed and every byte that was read was right.".to_owned(),
        (errors, wrong) => format!("{errors} calls failed, {wrong} reads gave wrong bytes."),
    };
    let back = match [drill.read, drill.written].map(|r| r.map(|r| r.recover_seconds)) {
        [Some(Some(a)), Some(Some(b))] => match a.max(b) {
            0.0 => "No direction fell below the share that counts as recovered.".to_owned(),
            most => format!("Both directions had recovered after {}.", seconds(most)),
        },
        [Some(None), _] | [_, Some(None)] => "A direction did not recover before the load ended.".to_owned(),
        _ => "The load was too uneven to say when it recovered.".to_owned(),
    };
    let whole = match drill.whole_again_seconds {
        Some(s) => format!("All data had its full redundancy {} after the node's return.", seconds(s)),
        None => "All data did not have its full redundancy within three minutes.".to_owned(),
    };
    let _ = write!(
        out,
        "<p>{} was stopped with <code>{}</code> after {:.0} s of load{}, and started again {} later. {errors} {back} {whole}</p>",
        escape(&drill.node),
        escape(&drill.stop_command),
        drill.stopped_seconds,
        if drill.led { "; it led the metadata group" } else { "" },
        seconds(drill.started_seconds - drill.stopped_seconds)
    );
    let plot = charts::throughput(drill);
    if plot.is_empty() {
        out.push_str("<p>Too little went through to draw it.</p>");
        return;
    }
    let _ = write!(
        out,
        "<figure id=\"throughput\">{plot}<figcaption><span class=\"key read\"></span><span>read</span>\
         <span class=\"key write\"></span><span>written, with fsync</span>\
         <span class=\"key band\"></span><span>the node is away</span><br>Bytes of files that clients {} in each second: <code>{}</code></figcaption></figure>",
        if drill.live { "were seen to move, up to the call that failed," } else { "counted" },
        escape(&drill.command)
    );
}
