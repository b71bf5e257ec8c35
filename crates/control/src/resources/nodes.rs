//! The nodes of clusters: reading them, restarting and replacing one.

use isobar_arm::{ArmError, Envelope, Fields, Problems, ProvisioningState, parse_json};
use isobar_records::{ResourceFilter, Snapshot, Tx};
use serde_json::{Map, Value, json};

use super::clusters::{check_made, look_at, nothing_fetched, started, work_of, write_of};
use crate::call::{Call, Fetched, object};
use crate::clusters::{NODE_KIND, deployment_of, node_id};
use crate::handler::{Errand, Row, fetch, read, write};
use crate::http::Reply;
use crate::limits::POLL_AFTER_S;
use crate::refusal::Refusal;
use crate::store::{Stored, gather};
use crate::table::{Answer, Command, Display, Operation, Versions};
use crate::watch::{Sight, TargetObservation};
use crate::workflows::{Action, REPLACE, RESTART, Work, judge};

const ALL: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/clusters/{clusterName}/nodes";
const ONE: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/clusters/{clusterName}/nodes/{nodeName}";
const RESTART_ONE: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/clusters/{clusterName}/nodes/{nodeName}/restart";
const REPLACE_ONE: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/clusters/{clusterName}/nodes/{nodeName}/replace";
const READ: &str = "Isobar.Storage/clusters/nodes/read";
const SHOW: Display = Display::of("Nodes", "Get nodes", "Reads the nodes of clusters and how they are.");
const ACTED: &[Answer] = &[
    Answer::of(200, "NodePlan", "A dry run: what would come of it."),
    Answer::empty(202, "It is under way. Location leads to the node once it is done."),
];

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("Nodes_List", ALL)
            .command("cluster node list")
            .action(READ, SHOW)
            .versions(Versions::Ours)
            .paged()
            .answers(&[Answer::of(200, "NodeList", "The nodes of the cluster.")]),
        read!(list),
    ),
    Row::new(
        Operation::get("Nodes_Get", ONE)
            .command("cluster node show")
            .action(READ, SHOW)
            .versions(Versions::Ours)
            .answers(&[Answer::of(200, "Node", "The node, with what was seen of it last.")]),
        read!(get),
    )
    .exists("Nodes_CheckExistence", Command::Words("cluster node exists")),
    Row::new(
        Operation::post("Nodes_Restart", RESTART_ONE)
            .command("cluster node restart")
            .action(
                "Isobar.Storage/clusters/nodes/restart/action",
                Display::of("Nodes", "Restart node", "Stops and starts a node, or starts one that is down."),
            )
            .versions(Versions::Ours)
            .takes("NodeAction")
            .leaves("Node")
            .answers(ACTED),
        write!(restart),
    )
    .after(fetch!(send_to_look)),
    Row::new(
        Operation::post("Nodes_Replace", REPLACE_ONE)
            .command("cluster node replace")
            .action(
                "Isobar.Storage/clusters/nodes/replace/action",
                Display::of(
                    "Nodes",
                    "Replace node",
                    "Blanks a node's disks and builds what was on them again.",
                ),
            )
            .versions(Versions::Ours)
            .takes("NodeAction")
            .leaves("Node")
            .answers(ACTED),
        write!(replace),
    )
    .after(fetch!(send_to_look)),
];

/// The cluster that the path names.
async fn cluster_of(call: &Call, snapshot: &mut Snapshot) -> Result<Stored, Refusal> {
    let is_node = call.params.find("nodeName").is_some();
    let cluster = if is_node { call.target.parent() } else { Some(call.target.clone()) };
    let cluster = cluster.ok_or_else(|| ArmError::not_found("The cluster"))?;
    Stored::get(snapshot, &cluster).await
}

fn target(target: &TargetObservation) -> Value {
    json!({
        "id": target.id,
        "state": target.state,
        "totalBytes": target.total_bytes,
        "usedBytes": target.used_bytes,
    })
}

/// What was seen of a node.
fn seen_of(sight: &Sight, name: &str) -> Option<Map<String, Value>> {
    let at = sight.observation.nodes.iter().position(|node| node.name.eq_ignore_ascii_case(name))?;
    let (node, rates) = (&sight.observation.nodes[at], sight.node_rates.get(at)?);
    let mut seen = object([
        ("state", json!(node.state)),
        ("statement", json!(node.statement)),
        ("targets", node.targets.iter().map(target).collect()),
        ("throughput", rates.document()),
        ("observedAt", json!(sight.at)),
    ]);
    let known = [("version", json!(node.version)), ("votes", json!(node.votes))];
    seen.extend(known.into_iter().filter(|(_, value)| !value.is_null()).map(|(n, v)| (n.to_owned(), v)));
    Some(seen)
}

fn envelope(node: &Stored, sight: Option<&Sight>) -> Envelope {
    let mut envelope = node.envelope();
    let unknown = || {
        let why = "Nobody has looked at it yet.";
        object([("state", json!("Unknown")), ("statement", json!(why)), ("targets", json!([]))])
    };
    let seen = sight.and_then(|sight| seen_of(sight, node.id.name()));
    envelope.properties.extend(seen.unwrap_or_else(unknown));
    envelope
}

fn item(node: &Stored, sight: Option<&Sight>) -> Result<Value, Refusal> {
    Ok(Reply::of(200, &envelope(node, sight))?.body.unwrap_or_default())
}

async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let paging = call.paging()?;
    let cluster = cluster_of(call, snapshot).await?;
    let rows = ResourceFilter {
        kind: Some(NODE_KIND),
        parent: Some(cluster.id.key()),
        after: paging.after.as_deref(),
        ..ResourceFilter::default()
    };
    let found = gather(snapshot, &rows, paging.fetch(), |_| true).await?;
    let sight = call.app.watch.last(deployment_of(&cluster));
    call.page(&paging, found, |node| node.id.key().to_owned(), |node| item(node, sight.as_deref()))
}

async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let cluster = cluster_of(call, snapshot).await?;
    reply(call, &cluster, &Stored::get(snapshot, &call.target).await?)
}

/// An answer with a node of this cluster.
pub(super) fn reply(call: &Call, cluster: &Stored, node: &Stored) -> Result<Reply, Refusal> {
    let sight = call.app.watch.last(deployment_of(cluster));
    Ok(Reply { body: Some(item(node, sight.as_deref())?), ..node.reply(200)? })
}

async fn send_to_look(call: &Call, snapshot: &mut Snapshot) -> Result<Errand, Refusal> {
    let cluster = cluster_of(call, snapshot).await?;
    check_made(&cluster)?;
    Stored::get(snapshot, &call.target).await?;
    Ok(look_at(call, &cluster))
}

/// Whether nothing is to be done but to say what would be.
fn is_dry_run(call: &Call) -> Result<bool, Refusal> {
    if call.request.body.is_empty() {
        return Ok(false);
    }
    let body = if call.request.headers.content_type.is_some() {
        call.json()?
    } else {
        parse_json(&call.request.body)?
    };
    let problems = Problems::new();
    let dry_run = Fields::root(&body, &problems).get("dryRun").bool();
    problems.into_result()?;
    Ok(dry_run.unwrap_or(false))
}

async fn restart(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    act(call, tx, Action::Restart, RESTART).await
}

async fn replace(call: &Call, tx: &mut Tx) -> Result<Reply, Refusal> {
    act(call, tx, Action::Replace, REPLACE).await
}

async fn act(call: &Call, tx: &mut Tx, action: Action, kind: &str) -> Result<Reply, Refusal> {
    let dry_run = is_dry_run(call)?;
    let cluster = cluster_of(call, tx).await?;
    let cluster = Stored::hold(tx, &cluster.id).await?.ok_or_else(|| cluster.id.not_found())?;
    let mut node = Stored::hold(tx, &call.target).await?.ok_or_else(|| call.target.not_found())?;
    let Some(Fetched::Sight(sight)) = &call.fetched else { return Err(nothing_fetched()) };
    let verdict = judge(action, node.id.name(), &sight.observation);
    if dry_run {
        return Ok(Reply::json(200, verdict.document()));
    }
    if !verdict.allowed {
        return Err(ArmError::new(409, "UnsafeOperation", verdict.statements.join(" ")).into());
    }
    let work = Work {
        id: node_id(&cluster.id, node.id.name())?,
        node: Some(node.id.name().to_owned()),
        ..work_of(&cluster, &call.caller.app_id)
    };
    let write = write_of(call, &cluster)?;
    let operation = call.app.engine.start(tx, work.operation(kind, &write)).await?.id;
    node.document.state = ProvisioningState::Updating;
    node.save(tx, call.author()).await?;
    let reply = Reply { retry_after_s: Some(POLL_AFTER_S), ..Reply::empty(202) };
    let reply = reply.header("location", call.operation_url("operationResults", &write.location, &operation));
    Ok(started(call, &write, &operation, reply))
}
