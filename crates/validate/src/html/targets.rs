//! Every target with its measurement, and how each number was got.

use std::fmt::Write as _;

use super::text::{capitalised, escape};
use crate::quantity::Quantity;
use crate::report::Report;
use crate::verdict::{Group, Verdict};

/// A number as text; nothing where there is none.
fn shown(value: Option<Quantity>) -> String {
    value.map_or(String::new(), |value| escape(&value.to_string()))
}

fn tag(verdict: Verdict) -> String {
    let class = match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::NotMeasurable => "gap",
        Verdict::NoTarget => "none",
    };
    format!("<span class=\"tag {class}\">{}</span>", verdict.describe())
}

/// The section.
pub(super) fn section(out: &mut String, report: &Report) {
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
            shown(check.measured),
            if check.predicted.is_some() { " data-l=\"model\"" } else { "" },
            shown(check.predicted),
            if check.target.is_some() { " data-l=\"target\"" } else { "" },
            escape(check.target.as_deref().unwrap_or_default()),
            tag(check.verdict)
        );
    }
    out.push_str("</tbody></table>");
}

/// Command lines, and the method of each target.
pub(super) fn methods(out: &mut String, report: &Report) {
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
