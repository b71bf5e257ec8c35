//! `/metrics`: numbers for Prometheus, of this process and of all clusters.

use isobar_arm::ArmError;
use isobar_records::{ResourceFilter, Snapshot};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::call::Call;
use crate::clusters::{CLUSTER_KIND, deployment_of};
use crate::handler::{Row, read};
use crate::http::Reply;
use crate::metrics::{MEDIA_TYPE, OfCluster, register};
use crate::refusal::Refusal;
use crate::store::gather;
use crate::table::{Answer, Display, Gate, Operation};

pub(crate) const ROWS: &[Row] = &[Row::new(
    Operation::get("Metrics_Get", "/metrics")
        .for_programs("Prometheus asks for it")
        .action(
            "Isobar.Storage/metrics/read",
            Display::of("Metrics", "Get metrics", "Reads numbers of the control plane and of all clusters."),
        )
        .gate(Gate::AllowedInTenant)
        .answers(&[Answer::text(200, MEDIA_TYPE, "The numbers, in OpenMetrics' words.")]),
    read!(metrics),
)];

async fn metrics(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let rows = ResourceFilter { kind: Some(CLUSTER_KIND), ..ResourceFilter::default() };
    let clusters = gather(snapshot, &rows, usize::MAX, |_| true).await?;
    let mut registry = Registry::default();
    call.app.requests.register(&mut registry);
    let seen: Vec<_> = clusters
        .iter()
        .filter_map(|cluster| {
            Some((OfCluster::of(&cluster.id), call.app.watch.seen(deployment_of(cluster))?))
        })
        .collect();
    register(&mut registry, seen.iter().map(|(of, sight)| (of.clone(), &**sight)));
    let mut text = String::new();
    encode(&mut text, &registry)
        .map_err(|_| ArmError::internal_server_error("the numbers cannot be written"))?;
    Ok(Reply { file: Some(text.into()), ..Reply::empty(200) }.header("content-type", MEDIA_TYPE))
}
