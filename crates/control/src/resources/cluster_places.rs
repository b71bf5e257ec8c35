//! What a location has for clusters: sizes of nodes, a dry run of making one, and whether a name is free.

use isobar_arm::{ArmError, Fields, Location, Problems, names};
use isobar_base::quantity::binary_bytes;
use isobar_provider::{Misfit, Size};
use isobar_records::{ResourceFilter, Snapshot};
use serde_json::{Value, json};

use super::clusters::{Wanted, nothing_fetched};
use crate::call::{Call, Fetched, object};
use crate::clusters::{CLUSTER_KIND, Widths};
use crate::handler::{Errand, Row, fetch, read};
use crate::http::Reply;
use crate::random;
use crate::refusal::Refusal;
use crate::store::{Stored, gather};
use crate::table::{Answer, Display, Gate, Operation, Versions};

const SKUS: &str = "/subscriptions/{subscriptionId}/providers/Isobar.Storage/locations/{location}/skus";
const PLAN: &str =
    "/subscriptions/{subscriptionId}/providers/Isobar.Storage/locations/{location}/planCluster";
const NAME: &str =
    "/subscriptions/{subscriptionId}/providers/Isobar.Storage/locations/{location}/checkNameAvailability";
const KIND: &str = "Isobar.Storage/clusters";

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("Skus_List", SKUS)
            .command("size list")
            .action(
                "Isobar.Storage/locations/skus/read",
                Display::of("Sizes", "List sizes", "Reads how large nodes can be in a location."),
            )
            .gate(Gate::InSubscription)
            .versions(Versions::Ours)
            .answers(&[Answer::of(200, "NodeSizeList", "The sizes, the smallest first.")]),
        read!(skus),
    ),
    Row::new(
        Operation::post("Clusters_Plan", PLAN)
            .command("cluster plan")
            .action(
                "Isobar.Storage/locations/planCluster/action",
                Display::of("Clusters", "Plan cluster", "Says what a cluster would be, and makes nothing."),
            )
            .gate(Gate::InSubscription)
            .versions(Versions::Ours)
            .takes("ClusterPlanRequest")
            .answers(&[Answer::of(200, "ClusterPlan", "What it would be.")]),
        read!(plan),
    )
    .after(fetch!(send_to_check)),
    Row::new(
        Operation::post("CheckNameAvailability", NAME)
            .command("cluster check-name")
            .action(
                "Isobar.Storage/locations/checkNameAvailability/action",
                Display::of("Clusters", "Check name", "Says whether a cluster can have a name."),
            )
            .gate(Gate::InSubscription)
            .versions(Versions::Ours)
            .takes("NameCheck")
            .answers(&[Answer::of(200, "NameAvailability", "Whether it can.")]),
        read!(check_name),
    ),
];

/// The location of the path, if clusters can be there.
fn location_of(call: &Call) -> Result<Location, Refusal> {
    let (given, providers) = (call.params.get("location"), &call.app.providers);
    let location = Location::parse(given).filter(|location| providers.at(location).is_some());
    Ok(location.ok_or_else(|| ArmError::location_not_available(given, KIND, &providers.locations()))?)
}

fn sku(size: &Size, location: &Location) -> Value {
    json!({
        "name": size.name,
        "resourceType": "clusters",
        "locations": [location],
        "description": size.description,
        "targets": size.targets,
        "targetBytes": size.target_bytes,
    })
}

async fn skus(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    let location = location_of(call)?;
    let provider = call.app.providers.at(&location);
    let sizes = provider.iter().flat_map(|provider| provider.sizes().iter().map(|size| sku(size, &location)));
    Ok(Reply::json(200, json!({"value": sizes.collect::<Vec<_>>()})))
}

/// The body of a dry run, which is that of a PUT; the location is that of the path.
fn wanted(call: &Call) -> Result<Wanted, Refusal> {
    let location = location_of(call)?;
    let mut body = call.json()?;
    if let Value::Object(body) = &mut body {
        body.insert("location".to_owned(), json!(location));
    }
    Wanted::read(call, &body)
}

async fn send_to_check(call: &Call, _: &mut Snapshot) -> Result<Errand, Refusal> {
    let wanted = wanted(call)?;
    let plan = wanted.plan(&random::uuid()?, "plan")?;
    let provider = wanted.provider;
    Ok(Box::pin(async move {
        let misfits = provider.check(&plan).await.map_err(|error| {
            tracing::warn!(%error, "a plan was not checked");
            ArmError::service_unavailable("What fits cannot be found out at the moment.", 2)
        })?;
        Ok(Fetched::Misfits(misfits))
    }))
}

fn misfit(misfit: &Misfit) -> Value {
    json!({"of": misfit.of, "message": misfit.why})
}

async fn plan(call: &Call, _: &mut Snapshot) -> Result<Reply, Refusal> {
    let Some(Fetched::Misfits(misfits)) = &call.fetched else { return Err(nothing_fetched()) };
    let wanted = wanted(call)?;
    let (widths, size) = (wanted.widths(), wanted.size()?);
    let raw = u64::from(widths.nodes) * u64::from(size.targets) * size.target_bytes;
    let (data, parity) = (u64::from(widths.data_rows), u64::from(widths.parity_rows));
    let usable = raw / (data + parity) * data;
    Ok(Reply::json(
        200,
        Value::Object(object([
            ("fits", json!(misfits.is_empty())),
            ("misfits", misfits.iter().map(misfit).collect()),
            ("sku", json!({"name": size.name})),
            ("nodeCount", json!(widths.nodes)),
            ("dataRows", json!(data)),
            ("parityRows", json!(parity)),
            ("voters", json!(widths.voters())),
            ("rawBytes", json!(raw)),
            ("usableBytes", json!(usable)),
            ("nodesMayBeLost", json!(parity)),
            ("statements", json!(statements(widths, size, raw, usable))),
        ])),
    ))
}

/// The arithmetic in words.
fn statements(widths: Widths, size: &Size, raw: u64, usable: u64) -> Vec<String> {
    let Widths { nodes, data_rows, parity_rows } = widths;
    let (rows, voters) = (data_rows + parity_rows, widths.voters());
    let of_node = binary_bytes(u64::from(size.targets) * size.target_bytes);
    let counted =
        |count: u64, one: &str, more: &str| format!("{count} {}", if count == 1 { one } else { more });
    let (data, parity) = (u64::from(data_rows), u64::from(parity_rows));
    let mut statements = vec![
        format!("Raw capacity: {nodes} nodes x {of_node} = {}.", binary_bytes(raw)),
        format!(
            "Usable for large files: of the {rows} rows of each segment {} data, {} x {data}/{rows} = {}.",
            counted(data, "is", "are"),
            binary_bytes(raw),
            binary_bytes(usable)
        ),
        format!(
            "Any {} may be lost and nothing is: each segment has {} more than it takes to read it, every row on a node \
             of its own, and {} of {voters} voters decide on metadata.",
            counted(parity, "node", "nodes"),
            counted(parity, "row", "rows"),
            voters / 2 + 1
        ),
    ];
    statements.push(match u64::from(nodes).checked_sub(u64::from(rows)) {
        Some(0) | None => format!(
            "A segment has a row on each of the {nodes} nodes: while one is away, new segments have fewer data rows \
             and take more room."
        ),
        Some(more) => format!(
            "A segment has rows on {rows} of the {nodes} nodes: while {} away, new segments are as wide as ever.",
            counted(more, "is", "are")
        ),
    });
    statements
}

async fn check_name(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let location = location_of(call)?;
    let body = call.json()?;
    let problems = Problems::new();
    let name = {
        let fields = Fields::root(&body, &problems);
        fields.get("type").required().one_of(&[(KIND, ())]);
        fields.get("name").required().string(0..=256).map(str::to_owned)
    };
    problems.into_result()?;
    let name = name.unwrap_or_default();
    let taken = |reason: &str, message: String| {
        Ok(Reply::json(200, json!({"nameAvailable": false, "reason": reason, "message": message})))
    };
    if let Err(error) = names::RESOURCE.check("cluster", &name) {
        return taken("Invalid", error.message().to_owned());
    }
    let subscription = call.subscription()?.name().to_lowercase();
    let filter = ResourceFilter {
        kind: Some(CLUSTER_KIND),
        subscription: Some(&subscription),
        ..ResourceFilter::default()
    };
    let has_it = |cluster: &Stored| {
        cluster.id.name().eq_ignore_ascii_case(&name)
            && cluster.document.location.as_ref() == Some(&location)
            && call.rights.allow("Isobar.Storage/clusters/read", &cluster.id)
    };
    match gather(snapshot, &filter, 1, has_it).await?.first() {
        Some(cluster) => {
            let group = cluster.id.group().unwrap_or_default();
            taken("AlreadyExists", format!("The resource group '{group}' has a cluster of that name here."))
        }
        None => Ok(Reply::json(200, json!({"nameAvailable": true}))),
    }
}
