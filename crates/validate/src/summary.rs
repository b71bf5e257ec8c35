//! A report as text: a table for a terminal, and a line for who has no time.

use crate::report::Report;
use crate::verdict::Group;
use crate::verdict::Verdict::{Fail, NoTarget, NotMeasurable, Pass};

/// Longer reasons are in the report, not in the table.
const REASON_CHARS_MAX: usize = 24;

/// Rows of a table, the heading first.
pub fn table(report: &Report) -> Vec<Vec<String>> {
    let mut rows = vec![["", "measured", "model", "target", "verdict"].map(str::to_owned).to_vec()];
    for check in &report.checks {
        let shown = |value: Option<crate::Quantity>| value.map_or("-".to_owned(), |v| v.to_string());
        // A yes or no has words instead of a number.
        let said = check.reason.split(';').next().unwrap_or_default();
        let measured = match check.measured {
            None if matches!(check.verdict, Pass | NoTarget) && said.chars().count() <= REASON_CHARS_MAX => {
                said.to_owned()
            }
            measured => shown(measured),
        };
        rows.push(vec![
            match check.group {
                Group::Latency => format!("p99 of {}", check.title),
                _ => check.title.clone(),
            },
            measured,
            shown(check.predicted),
            check.target.clone().unwrap_or_else(|| "-".to_owned()),
            check.verdict.describe().to_owned(),
        ]);
    }
    rows
}

/// What failed or could not be measured, each with its reason.
pub fn reasons(report: &Report) -> Vec<String> {
    report
        .checks
        .iter()
        .filter(|c| matches!(c.verdict, Fail | NotMeasurable))
        .map(|c| format!("{}  {}: {}", c.verdict.describe(), c.title, c.reason))
        .collect()
}

/// All in a line.
pub fn line(report: &Report) -> String {
    format!("{}: {}", report.verdict, report.overall.counts())
}
