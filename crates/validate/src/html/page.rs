//! The page: verdict, the few numbers a reader takes away, then a section for each subject.

use std::fmt::Write as _;

use super::text::escape;
use super::{drill, latency, network, nodes, targets};
use crate::check::Check;
use crate::quantity::seconds;
use crate::report::Report;
use crate::verdict::Verdict;

const STYLE: &str = include_str!("style.css");

/// The page.
pub fn page(report: &Report) -> String {
    let mut body = String::new();
    head(&mut body, report);
    drill::section(&mut body, report);
    targets::section(&mut body, report);
    latency::section(&mut body, report);
    network::section(&mut body, &report.preflight);
    nodes::section(&mut body, report);
    targets::methods(&mut body, report);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <link rel=\"icon\" href=\"data:,\">\
         <title>{}: {}</title><style>{STYLE}</style></head><body><main>\n{body}</main></body></html>\n",
        escape(&report.cluster.name),
        escape(report.verdict)
    )
}

fn head(out: &mut String, report: &Report) {
    let cluster = &report.cluster;
    let _ = write!(
        out,
        "<h1>Is the cluster ready? File system {}</h1>\
         <p class=\"sub\">{} nodes, {} erasure code, measured {} in {}, with Isobar {}</p>",
        escape(&cluster.name),
        cluster.nodes,
        escape(&cluster.code),
        escape(&report.began),
        seconds(report.seconds),
        report.version
    );
    let class = match (report.overall.failed, report.overall.not_measurable, report.overall.passed) {
        (0, 0, 1..) => "pass",
        (0, _, _) => "gap",
        _ => "fail",
    };
    let _ = write!(
        out,
        "<div class=\"verdict {class}\"><strong>{}</strong>{} of {} targets</div>",
        escape(report.verdict),
        escape(&report.overall.counts()),
        report.overall.passed + report.overall.failed + report.overall.not_measurable
    );
    cards(out, report);
    let failed: Vec<&Check> = report.checks.iter().filter(|c| c.verdict == Verdict::Fail).collect();
    if !failed.is_empty() {
        out.push_str("<h3>What failed</h3><ul class=\"notes\">");
        for check in failed {
            let _ = write!(out, "<li><b>{}</b>: {}</li>", escape(&check.title), escape(&check.reason));
        }
        out.push_str("</ul>");
    }
    if !report.caveats.is_empty() {
        out.push_str("<h3>Before you compare these numbers</h3><ul class=\"notes\">");
        for caveat in &report.caveats {
            let _ = write!(out, "<li>{}</li>", escape(caveat));
        }
        out.push_str("</ul>");
    }
}

/// The few numbers a reader takes away.
fn cards(out: &mut String, report: &Report) {
    const SHOWN: [(&str, &str); 6] = [
        ("streams.each_way_min", "read and written at once, each"),
        ("small_files.files_each_way_per_second_min", "small files read and written, each"),
        ("metadata.creates_per_second_min", "files created"),
        ("recovery.recover_max", "to recover from a killed node"),
        ("survives.nodes_min", "nodes may be lost at once"),
        ("contents.wrong", "reads with wrong bytes"),
    ];
    out.push_str("<div class=\"cards\">");
    for (id, label) in SHOWN {
        let Some(check) = report.checks.iter().find(|c| c.id == id) else { continue };
        let value = match check.measured {
            Some(value) => escape(&value.to_string()),
            None => "–".to_owned(),
        };
        let model = check.predicted.map_or(String::new(), |p| format!("model {}", escape(&p.to_string())));
        let _ =
            write!(out, "<div class=\"card\"><b>{value}</b><span>{label}</span><small>{model}</small></div>");
    }
    out.push_str("</div>");
}
