//! `isobar status`: nodes, quorum and what redundancy the data has left.

use std::process::ExitCode;
use std::time::Duration;

use isobar_admin::{node_states, segments, unclean_targets};
use isobar_base::TargetId;
use isobar_cluster::{AskError, Cluster};
use isobar_config::ClusterSpec;
use isobar_wire::message::cluster::{ClusterView, NodeStatus, TargetLive};
use serde_json::json;

use crate::cluster::{self, ClusterArgs};
use crate::output::{self, Format, Outcome};
use crate::runtime;

/// How long to look for a leader.
const WAIT: Duration = Duration::from_secs(5);

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Example:\n  isobar status --output json";

/// Prints the status; exit code 1 when something needs attention.
pub fn run(args: &ClusterArgs, format: Format) -> Outcome {
    let spec = cluster::find(args)?;
    runtime::block_on(async {
        let cluster = Cluster::from_spec(&spec, WAIT).map_err(|e| e.to_string())?;
        let nodes = node_states(&spec, &cluster).await;
        let view = cluster.refresh(WAIT).await;
        let segments = match &view {
            Ok(_) => segments(&cluster).await.ok(),
            Err(_) => None,
        };
        let redundancy = match (&view, &segments) {
            (Ok(view), Some(segments)) => Some(isobar_admin::redundancy(segments, view)),
            _ => None,
        };
        let healthy = match (&view, &redundancy) {
            (Ok(view), Some(r)) => {
                let is_well = |l: &TargetLive| l.up && !l.failed && l.damaged_rows == 0;
                let all_usable = nodes.iter().flatten().all(|node| node.unusable.is_empty());
                all_usable && view.live.iter().all(is_well) && r.worst() == 0
            }
            _ => false,
        };
        if output::is_json(format) {
            print_json(&spec, &nodes, &view, redundancy.as_ref(), healthy);
        } else {
            print_table(&spec, &nodes, &view, redundancy.as_ref());
        }
        Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

/// One word on a target.
fn target_state(view: &ClusterView, id: TargetId) -> String {
    let Some(live) = view.live.iter().find(|l| l.id == id) else { return "unknown".to_owned() };
    if live.failed {
        return "failed".to_owned();
    }
    if !live.up {
        return "down".to_owned();
    }
    if unclean_targets(&view.map).contains(&id) {
        return match live.rebuild {
            Some((done, total)) => format!("rebuilding {done}/{total}"),
            None => "rebuilding".to_owned(),
        };
    }
    match live.damaged_rows {
        0 => "up".to_owned(),
        rows => format!("{rows} rows damaged"),
    }
}

fn print_table(
    spec: &ClusterSpec,
    nodes: &[Option<NodeStatus>],
    view: &Result<ClusterView, AskError>,
    redundancy: Option<&isobar_admin::Redundancy>,
) {
    println!("cluster {}  file system {}  {}+{}", spec.cluster, spec.name, spec.data_rows, spec.parity_rows);
    output::table(&node_rows(spec, nodes, view.as_ref().ok()));
    let voters = nodes.iter().flatten().filter_map(|s| s.meta.as_ref()).find(|m| m.leader.is_some());
    match voters {
        Some(meta) => {
            let voting = meta.members.iter().filter(|m| m.voting).count();
            println!(
                "metadata: {voting} voters, {} may be lost; leader {}, term {}, {} entries applied",
                (voting - 1) / 2,
                meta.leader.as_deref().unwrap_or("-"),
                meta.term,
                meta.applied
            );
        }
        None => println!("metadata: no quorum; calls wait, then give EIO"),
    }
    if let Err(error) = view {
        println!("no leader: {error}");
    }
    for (node, status) in spec.node.iter().zip(nodes) {
        for target in status.iter().flat_map(|status| &status.unusable) {
            println!("node {}: target {} cannot be used: {}", node.name, target.path, target.why);
        }
    }
    match redundancy {
        Some(redundancy) => println!("data: {}", redundancy_text(redundancy)),
        None => println!("data: redundancy unknown without metadata"),
    }
}

/// The table of nodes: a line for each target, and for each node that has none.
fn node_rows(
    spec: &ClusterSpec,
    nodes: &[Option<NodeStatus>],
    view: Option<&ClusterView>,
) -> Vec<Vec<String>> {
    let mut rows =
        vec![["node", "address", "state", "metadata", "target", "used", "free"].map(String::from).to_vec()];
    for (node, status) in spec.node.iter().zip(nodes) {
        let role = role(&node.name, node.voter, status.as_ref());
        let unadmitted = status.as_ref().is_some_and(|s| !s.unadmitted.is_empty());
        let targets: Vec<_> = view
            .map(|v| v.map.targets.iter().filter(|t| t.node == node.name).map(|t| t.id).collect())
            .unwrap_or_default();
        let process = if status.is_some() { "up" } else { "down" }.to_owned();
        if unadmitted {
            rows.push(vec![
                node.name.clone(),
                node.addr.to_string(),
                format!("blank disk: isobar node replace {}", node.name),
                role,
                "-".into(),
                "-".into(),
                "-".into(),
            ]);
            continue;
        }
        if targets.is_empty() {
            rows.push(vec![
                node.name.clone(),
                node.addr.to_string(),
                process,
                role.clone(),
                "-".into(),
                "-".into(),
                "-".into(),
            ]);
        }
        for id in targets {
            let Some(view) = view else { continue };
            let live = view.live.iter().find(|l| l.id == id);
            let size = |pick: fn(&TargetLive) -> u64| live.map_or("?".into(), |l| output::bytes(pick(l)));
            rows.push(vec![
                node.name.clone(),
                node.addr.to_string(),
                target_state(view, id),
                role.clone(),
                id.to_string(),
                size(|l| l.used_bytes),
                size(|l| l.free_bytes),
            ]);
        }
    }
    rows
}

/// What a node does for the metadata.
fn role(name: &str, votes: bool, status: Option<&NodeStatus>) -> String {
    let role = match status.and_then(|s| s.meta.as_ref()) {
        Some(meta) if meta.leader.as_deref() == Some(name) => "leader",
        Some(meta) if meta.members.iter().any(|m| m.id == meta.id && m.voting) => "voter",
        Some(meta) if meta.initialized => "catching up",
        Some(_) => "blank",
        None if votes && status.is_none() => "?",
        None => "-",
    };
    role.to_owned()
}

fn print_json(
    spec: &ClusterSpec,
    nodes: &[Option<NodeStatus>],
    view: &Result<ClusterView, AskError>,
    redundancy: Option<&isobar_admin::Redundancy>,
    healthy: bool,
) {
    output::json(&json!({
        "cluster": spec.cluster,
        "data_rows": spec.data_rows,
        "parity_rows": spec.parity_rows,
        "healthy": healthy,
        "nodes": spec.node.iter().zip(nodes).map(|(n, s)| json!({ "name": n.name, "addr": n.addr, "status": s })).collect::<Vec<_>>(),
        "view": view.as_ref().ok(),
        "error": view.as_ref().err().map(AskError::to_string),
        "redundancy": redundancy.map(redundancy_json),
    }));
}

/// What redundancy is left, in words.
pub fn redundancy_text(redundancy: &isobar_admin::Redundancy) -> String {
    let total = redundancy.total();
    if total.segments == 0 {
        return "no segments".to_owned();
    }
    if redundancy.worst() == 0 {
        return format!(
            "all {} segments ({}) have all their rows",
            total.segments,
            output::bytes(total.bytes)
        );
    }
    let mut parts: Vec<String> = Vec::new();
    for (missing, count) in redundancy.by_missing.iter().enumerate().filter(|(_, c)| c.segments > 0) {
        let rows = match missing {
            0 => "complete".to_owned(),
            1 => "with 1 row missing".to_owned(),
            more => format!("with {more} rows missing"),
        };
        parts.push(format!("{} segments ({}) {rows}", count.segments, output::bytes(count.bytes)));
    }
    if redundancy.lost.segments > 0 {
        parts.push(format!("{} of them cannot be read now", redundancy.lost.segments));
    }
    parts.join(", ")
}

/// The same for programs.
pub fn redundancy_json(redundancy: &isobar_admin::Redundancy) -> serde_json::Value {
    json!({
        "by_missing_rows": redundancy.by_missing.iter().map(|c| json!({ "segments": c.segments, "bytes": c.bytes })).collect::<Vec<_>>(),
        "unreadable": { "segments": redundancy.lost.segments, "bytes": redundancy.lost.bytes },
        "full": redundancy.worst() == 0,
    })
}
