//! `isobar status`: nodes, quorum, what redundancy the data has left, what may still be lost, and what to do.
//!
//! ```text
//! mod      asks, judges, prints JSON
//! table    a line for each target
//! words    sentences of what was found
//! ```

mod table;
mod words;

use std::process::ExitCode;
use std::time::Duration;

use isobar_admin::{Health, Redundancy, health, node_states, segments};
use isobar_cluster::{AskError, Cluster};
use isobar_config::ClusterSpec;
use isobar_wire::Role;
use isobar_wire::message::cluster::{ClusterView, NodeStatus};
use serde_json::json;

use crate::cluster::{self, ClusterArgs};
use crate::output::{self, Format, Outcome};
use crate::runtime;

pub use isobar_admin::founding_text;
pub use words::{redundancy_json, redundancy_text};

/// How long to look for a leader.
const WAIT: Duration = Duration::from_secs(5);

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Example:\n  isobar status --output json";

/// All that is shown.
struct Shown<'a> {
    spec: &'a ClusterSpec,
    nodes: &'a [Option<NodeStatus>],
    view: Result<&'a ClusterView, &'a AskError>,
    redundancy: Option<&'a Redundancy>,
    health: &'a Health,
}

/// Prints the status; exit code 1 when something needs attention.
pub fn run(args: &ClusterArgs, format: Format) -> Outcome {
    let spec = cluster::find(args)?;
    runtime::block_on(async {
        // Who may only mount sees all but what takes a walk over the metadata.
        let role = match spec.has_credential(Role::Administrator) {
            true => Role::Administrator,
            false => Role::Client,
        };
        let cluster = Cluster::from_spec(&spec, role, WAIT).map_err(|e| e.to_string())?;
        // The leader is confirmed first: what nodes say then is compared with what was confirmed.
        let view = match cluster.refresh(WAIT).await {
            Err(error @ AskError::Rejected(_)) => return Err(error.to_string()),
            view => view,
        };
        let nodes = node_states(&spec, &cluster).await;
        let redundancy = match &view {
            Ok(view) => segments(&cluster).await.ok().map(|all| isobar_admin::redundancy(&all, view)),
            Err(_) => None,
        };
        let health = health(&spec, &nodes, view.as_ref().ok(), redundancy.as_ref());
        let (view, redundancy) = (view.as_ref(), redundancy.as_ref());
        let shown = Shown { spec: &spec, nodes: &nodes, view, redundancy, health: &health };
        if output::is_json(format) {
            print_json(&shown);
        } else {
            print_table(&shown);
        }
        Ok(if shown.is_healthy() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

impl Shown<'_> {
    /// Whether every voter votes, every target is up, and every segment has all its rows.
    fn is_healthy(&self) -> bool {
        self.health.is_good() && self.redundancy.is_some_and(|r| r.worst() == 0)
    }
}

fn print_table(shown: &Shown<'_>) {
    let spec = shown.spec;
    println!("cluster {}  file system {}  {}+{}", spec.cluster, spec.name, spec.data_rows, spec.parity_rows);
    output::table(&table::rows(shown));
    output::sentence(&words::metadata(shown));
    output::sentence(&words::data(shown));
    for attention in &shown.health.attention {
        output::sentence(&format!("attention: {}", words::attention(attention, shown.health)));
    }
}

fn print_json(shown: &Shown<'_>) {
    let Shown { spec, nodes, view, redundancy, health } = shown;
    let attention = |a| json!({ "what": a, "text": words::attention(a, health) });
    output::json(&json!({
        "cluster": spec.cluster,
        "data_rows": spec.data_rows,
        "parity_rows": spec.parity_rows,
        "healthy": shown.is_healthy(),
        "leader": health.leader,
        "founding": health.founding,
        "voters": health.voters,
        "voters_may_be_lost": health.voters_may_be_lost,
        "data_nodes_may_be_lost": health.data_nodes_may_be_lost,
        "attention": health.attention.iter().map(attention).collect::<Vec<_>>(),
        "nodes": spec.node.iter().zip(*nodes).map(|(n, s)| json!({ "name": n.name, "addr": n.addr, "status": s })).collect::<Vec<_>>(),
        "view": view.ok(),
        "error": view.err().map(AskError::to_string),
        "redundancy": redundancy.map(redundancy_json),
    }));
}
