//! `isobar fsck`: walks all ledgers and all targets.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use isobar_admin::{DeepReport, Depth, FsckReport, MissingRow};
use isobar_client::Cluster;
use isobar_wire::Role;
use serde_json::{Value, json};

use crate::cluster::{self, ClusterArgs};
use crate::output::{self, Format, Outcome};
use crate::progress::Progress;
use crate::{runtime, status};

const WAIT: Duration = Duration::from_secs(20);
/// Findings of one kind that are printed one by one.
const LISTED_MAX: usize = 20;

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Examples:\n  isobar fsck --cluster cluster/\n  isobar fsck --deep --output json";

/// Arguments of `isobar fsck`.
#[derive(Args, Debug)]
pub struct FsckArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Read every byte of every row and compare parity with data: takes as long as reading all targets.
    #[arg(long)]
    deep: bool,
}

/// Prints what was found; exit code 1 when something is degraded or lost.
pub fn run(args: &FsckArgs, format: Format) -> Outcome {
    let spec = cluster::find(&args.cluster)?;
    let depth = if args.deep { Depth::Bytes } else { Depth::Keys };
    runtime::block_on(async {
        let cluster = Cluster::from_spec(&spec, Role::Administrator, WAIT).map_err(|e| e.to_string())?;
        let progress = Progress::new(output::is_json(format));
        let report = check(&cluster, depth, &progress).await?;
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
pub async fn check(cluster: &Cluster, depth: Depth, progress: &Progress) -> Result<FsckReport, String> {
    let show = |report: &FsckReport| {
        let read = report
            .deep
            .as_ref()
            .map(|deep| format!(", {} read, {} rows damaged", output::bytes(deep.bytes), deep.damaged.len()));
        progress.now(format!(
            "fsck: {} rows, {} segments, {} files{}",
            report.rows,
            report.segments,
            report.files,
            read.unwrap_or_default()
        ));
    };
    isobar_admin::fsck(cluster, depth, show).await.map_err(|e| e.to_string())
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
    if report.known_damaged > 0 {
        println!("{} rows are known to be damaged and not stored again yet", report.known_damaged);
    }
    if let Some(deep) = &report.deep {
        output::sentence(&deep_text(deep));
    }
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
    let deep = report.deep.iter();
    lines.extend(
        deep.clone()
            .flat_map(|deep| &deep.damaged)
            .take(LISTED_MAX)
            .map(|m| format!("damaged: row {} of inode {} on target {}", m.key, m.ino, m.target)),
    );
    lines.extend(deep.flat_map(|deep| &deep.contradicting).take(LISTED_MAX).map(|m| {
        format!("not the parity of its data: row {} of inode {} on target {}", m.key, m.ino, m.target)
    }));
    lines.extend(
        report
            .misplaced
            .iter()
            .take(LISTED_MAX)
            .map(|(t, key)| format!("misplaced: row {key} on target {t}")),
    );
    lines.extend(report.contradictions.iter().take(LISTED_MAX).map(|c| format!("contradiction: {c}")));
    lines.iter().for_each(|line| output::sentence(line));
    let deep = report.deep.as_ref().map_or([0, 0], |deep| [deep.damaged.len(), deep.contradicting.len()]);
    let hidden: usize =
        [report.lost.len(), report.missing.len(), report.misplaced.len(), report.contradictions.len()]
            .into_iter()
            .chain(deep)
            .map(|count| count.saturating_sub(LISTED_MAX))
            .sum();
    if hidden > 0 {
        println!("... and {hidden} more: isobar fsck --output json lists all");
    }
}

fn deep_text(deep: &DeepReport) -> String {
    format!(
        "read: {} rows right ({}), {} damaged, {} not the parity of their data, {} not read",
        deep.right,
        output::bytes(deep.bytes),
        deep.damaged.len(),
        deep.contradicting.len(),
        deep.unread
    )
}

fn deep_json(deep: &DeepReport) -> Value {
    let rows = |rows: &[MissingRow]| rows.iter().map(row_json).collect::<Vec<_>>();
    json!({
        "right_rows": deep.right,
        "bytes": deep.bytes,
        "damaged": rows(&deep.damaged),
        "contradicting": rows(&deep.contradicting),
        "unread_rows": deep.unread,
    })
}

fn row_json(row: &MissingRow) -> Value {
    json!({ "row": row.key.to_string(), "inode": row.ino.0, "target": row.target.to_string() })
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
        "known_damaged_rows": report.known_damaged,
        "deep": report.deep.as_ref().map(deep_json),
        "redundancy": status::redundancy_json(&report.redundancy),
        "unreachable": report.unreachable.iter().map(|(t, why)| json!({ "target": t.id.to_string(), "node": t.node, "why": why })).collect::<Vec<_>>(),
        "lost": report.lost.iter().map(|l| json!({ "inode": l.ino.0, "offset": l.offset, "len": l.len, "segment": l.segment.to_string() })).collect::<Vec<_>>(),
        "missing": report.missing.iter().map(row_json).collect::<Vec<_>>(),
        "misplaced": report.misplaced.iter().map(|(t, key)| json!({ "row": key.to_string(), "target": t.to_string() })).collect::<Vec<_>>(),
        "contradictions": report.contradictions,
    })
}
