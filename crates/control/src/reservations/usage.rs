//! What is used of a reservation: the raw capacity of the clusters that name it.

use isobar_arm::ResourceId;
use isobar_provider::Size;
use isobar_records::{ResourceFilter, Snapshot};
use serde_json::Value;

use crate::clusters::{CLUSTER_KIND, is_made, number_of, provider_of};
use crate::providers::{Providers, size_of};
use crate::refusal::Refusal;
use crate::store::{Stored, gather};

/// How many bytes all targets of a cluster have, among what is never answered.
pub(crate) const RAW_BYTES: &str = "rawBytes";

/// What is used of a reservation.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Usage {
    /// Bytes of all targets of its clusters.
    pub bytes: u64,
    /// The clusters that name it.
    pub clusters: Vec<ResourceId>,
}

/// All clusters of a subscription that name any reservation.
pub(crate) async fn clusters_of_subscription(
    snapshot: &mut Snapshot,
    subscription: &str,
) -> Result<Vec<Stored>, Refusal> {
    let subscription = subscription.to_lowercase();
    let filter = ResourceFilter {
        kind: Some(CLUSTER_KIND),
        subscription: Some(&subscription),
        ..ResourceFilter::default()
    };
    gather(snapshot, &filter, usize::MAX, |cluster| named_by(cluster).is_some()).await
}

/// The reservation that a cluster names.
pub(crate) fn named_by(cluster: &Stored) -> Option<ResourceId> {
    ResourceId::parse(cluster.text("reservationId")).ok().filter(|id| *id != ResourceId::tenant())
}

/// What of a reservation these clusters use.
pub(crate) fn usage_of<'c>(
    providers: &Providers,
    clusters: impl IntoIterator<Item = &'c Stored>,
    reservation: &ResourceId,
) -> Usage {
    let mut usage = Usage::default();
    for cluster in clusters {
        if named_by(cluster).is_some_and(|named| named == *reservation) {
            usage.bytes = usage.bytes.saturating_add(raw_bytes(providers, cluster));
            usage.clusters.push(cluster.id.clone());
        }
    }
    usage
}

/// Bytes of all targets of nodes of this size.
pub(crate) fn raw_bytes_of_size(size: &Size, nodes: u64) -> u64 {
    nodes.saturating_mul(u64::from(size.targets)).saturating_mul(size.target_bytes)
}

/// Bytes of all targets of a cluster. One that could not be made has none.
fn raw_bytes(providers: &Providers, cluster: &Stored) -> u64 {
    if cluster.document.state.is_terminal() && !is_made(cluster) {
        return 0;
    }
    let kept = cluster.document.internal.get(RAW_BYTES).and_then(Value::as_u64);
    kept.unwrap_or_else(|| by_its_size(providers, cluster))
}

/// The same of one that was made before it was noted.
fn by_its_size(providers: &Providers, cluster: &Stored) -> u64 {
    let provider = providers.named(provider_of(cluster));
    let Some((provider, sku)) = provider.zip(cluster.document.sku.as_ref()) else { return 0 };
    size_of(&*provider, &sku.name).map_or(0, |size| raw_bytes_of_size(size, number_of(cluster, "nodeCount")))
}
