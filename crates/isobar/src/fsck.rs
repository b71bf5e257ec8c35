//! `isobar fsck`: walks all ledgers and all targets.

use std::process::ExitCode;
use std::time::Duration;

use isobar_admin::FsckReport;
use isobar_client::Cluster;
use serde_json::{Value, json};

use crate::cluster::{self, ClusterArgs};
use crate::output::{self, Format, Outcome};
use crate::progress::Progress;
use crate::{runtime, status};

const WAIT: Duration = Duration::from_secs(20);
/// Findings of one kind that are printed one by one.
const LISTED_MAX: usize = 20;

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Example:\n  isobar fsck --cluster cluster/";

/// Prints what was found; exit code 1 when something is degraded or lost.
pub fn run(args: &ClusterArgs, format: Format) -> Outcome {
    let spec = cluster::find(args)?;
    runtime::block_on(async {
        let cluster = Cluster::from_spec(&spec, WAIT).map_err(|e| e.to_string())?;
        let progress = Progress::new(output::is_json(format));
        let report = check(&cluster, &progress).await?;
        progress.finish();
        if output::is_json(format) {
            output::json(&to_json(&report));
        } else {
            print(&report);
        }
        Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

/// Checks a cluster.
pub async fn check(cluster: &Cluster, progress: &Progress) -> Result<FsckReport, String> {
    let show = |report: &FsckReport| {
        progress
            .now(format!("fsck: {} rows, {} segments, {} files", report.rows, report.segments, report.files));
    };
    isobar_admin::fsck(cluster, show).await.map_err(|e| e.to_string())
}

/// The report in a few words.
pub fn summary(report: &FsckReport) -> String {
    let lost: u64 = report.lost.iter().map(|l| l.len).sum();
    let verdict = if report.is_clean() { "clean" } else { "NOT clean" };
    format!(
        "{verdict}, {} files, {} segments, {} rows; {} rows missing, {} lost, {} orphans",
        report.files,
        report.segments,
        report.rows,
        report.missing.len() as u64 + report.unfinished_rows,
        output::bytes(lost),
        report.orphans
    )
}

fn print(report: &FsckReport) {
    output::sentence(&summary(report));
    output::sentence(&format!("redundancy: {}", status::redundancy_text(&report.redundancy)));
    if report.pending > 0 {
        println!("{} rows are written and not committed yet", report.pending);
    }
    let mut lines = Vec::new();
    lines.extend(
        report
            .unreachable
            .iter()
            .map(|(t, why)| format!("unreachable: target {} of {} ({why})", t.id, t.node)),
    );
    lines.extend(report.lost.iter().take(LISTED_MAX).map(|l| {
        format!("lost: inode {} bytes {}..{} (segment {})", l.ino, l.offset, l.offset + l.len, l.segment)
    }));
    lines.extend(
        report
            .missing
            .iter()
            .take(LISTED_MAX)
            .map(|m| format!("missing: row {} of inode {} on target {}", m.key, m.ino, m.target)),
    );
    lines.extend(
        report
            .misplaced
            .iter()
            .take(LISTED_MAX)
            .map(|(t, key)| format!("misplaced: row {key} on target {t}")),
    );
    lines.extend(report.contradictions.iter().take(LISTED_MAX).map(|c| format!("contradiction: {c}")));
    lines.iter().for_each(|line| output::sentence(line));
    let hidden =
        [report.lost.len(), report.missing.len(), report.misplaced.len(), report.contradictions.len()]
            .into_iter()
            .map(|count| count.saturating_sub(LISTED_MAX))
            .sum::<usize>();
    if hidden > 0 {
        println!("... and {hidden} more: isobar fsck --output json lists all");
    }
}

fn to_json(report: &FsckReport) -> Value {
    json!({
        "clean": report.is_clean(),
        "files": report.files,
        "segments": report.segments,
        "rows": report.rows,
        "orphan_rows": report.orphans,
        "pending_rows": report.pending,
        "unfinished_rows": report.unfinished_rows,
        "redundancy": status::redundancy_json(&report.redundancy),
        "unreachable": report.unreachable.iter().map(|(t, why)| json!({ "target": t.id.to_string(), "node": t.node, "why": why })).collect::<Vec<_>>(),
        "lost": report.lost.iter().map(|l| json!({ "inode": l.ino.0, "offset": l.offset, "len": l.len, "segment": l.segment.to_string() })).collect::<Vec<_>>(),
        "missing": report.missing.iter().map(|m| json!({ "row": m.key.to_string(), "inode": m.ino.0, "target": m.target.to_string() })).collect::<Vec<_>>(),
        "misplaced": report.misplaced.iter().map(|(t, key)| json!({ "row": key.to_string(), "target": t.to_string() })).collect::<Vec<_>>(),
        "contradictions": report.contradictions,
    })
}
