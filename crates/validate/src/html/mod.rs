//! The report as one HTML file: no scripts, nothing loaded from anywhere, readable on a phone, in print, in
//! light and dark.

mod charts;
mod network;
mod nodes;

use std::fmt::Write as _;

use crate::quantity::{Quantity, seconds};
use crate::report::Report;
use crate::verdict::{Check, Group, Verdict};

const STYLE: &str = include_str!("style.css");

/// The page.
pub fn page(report: &Report) -> String {
    let mut body = String::new();
    head(&mut body, report);
    drill(&mut body, report);
    targets(&mut body, report);
    latency(&mut body, report);
    network::section(&mut body, &report.preflight);
    nodes::section(&mut body, report);
    methods(&mut body, report);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <link rel=\"icon\" href=\"data:,\">\
         <title>{}: {}</title><style>{STYLE}</style></head><body><main>\n{body}</main></body></html>\n",
        escape(&report.cluster.name),
        escape(report.verdict)
    )
}

/// Text that is not markup.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn words(value: Option<Quantity>) -> String {
    value.map_or(String::new(), |value| escape(&value.to_string()))
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

fn drill(out: &mut String, report: &Report) {
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

fn tag(verdict: Verdict) -> String {
    let class = match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::NotMeasurable => "gap",
        Verdict::NoTarget => "none",
    };
    format!("<span class=\"tag {class}\">{}</span>", verdict.words())
}

fn targets(out: &mut String, report: &Report) {
    let _ = write!(
        out,
        "<h2>Targets</h2><p>From {}. The bar is the measurement as a share of what the model predicts. {}.</p>\
         <table class=\"stack\" id=\"targets\"><thead><tr><th>What</th><th class=\"n\">Measured</th><th class=\"n\">Model</th><th>Target</th><th>Verdict</th></tr></thead><tbody>",
        escape(&report.targets_from),
        escape(&capitalised(&report.prediction_method))
    );
    let mut group: Option<Group> = None;
    for check in &report.checks {
        if group != Some(check.group) {
            group = Some(check.group);
            let _ = write!(out, "<tr class=\"group\"><th colspan=\"5\">{}</th></tr>", check.group.title());
        }
        let bar = match check.measured.zip(check.predicted) {
            Some((measured, predicted)) if predicted.value() > 0.0 => format!(
                "<span class=\"bar\"><i style=\"width:{:.0}%\"></i></span>",
                (measured.value() / predicted.value()).clamp(0.0, 1.0) * 100.0
            ),
            _ => String::new(),
        };
        let limit = check
            .predicted_limit
            .map_or(String::new(), |l| format!("<br><span class=\"why\">limit: {l}</span>"));
        let why = match check.reason.is_empty() {
            true => String::new(),
            false => format!("<br><span class=\"why\">{}</span>", escape(&check.reason)),
        };
        let _ = write!(
            out,
            "<tr><td>{}{why}</td><td class=\"n\"{}>{}{bar}</td><td class=\"n\"{}>{}{limit}</td><td{}>{}</td><td>{}</td></tr>",
            escape(&check.title),
            if check.measured.is_some() { " data-l=\"measured\"" } else { "" },
            words(check.measured),
            if check.predicted.is_some() { " data-l=\"model\"" } else { "" },
            words(check.predicted),
            if check.target.is_some() { " data-l=\"target\"" } else { "" },
            escape(check.target.as_deref().unwrap_or_default()),
            tag(check.verdict)
        );
    }
    out.push_str("</tbody></table>");
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn latency(out: &mut String, report: &Report) {
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

fn methods(out: &mut String, report: &Report) {
    out.push_str("<h2>How to get each number again</h2>");
    for command in &report.commands {
        let _ = write!(out, "<h3>{}</h3><pre>{}</pre>", escape(&command.what), escape(&command.command));
    }
    out.push_str("<h3>Each target's method</h3><table class=\"stack\"><thead><tr><th>Target</th><th>Name</th><th>Method</th></tr></thead><tbody>");
    for check in &report.checks {
        let _ = write!(
            out,
            "<tr><td>{}</td><td data-l=\"name\"><code>{}</code></td><td class=\"why\">{}</td></tr>",
            escape(&check.title),
            check.id,
            escape(&check.method)
        );
    }
    out.push_str("</tbody></table>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_are_text_and_never_markup() {
        assert_eq!(escape("<b>\"&"), "&lt;b&gt;&quot;&amp;");
    }
}
