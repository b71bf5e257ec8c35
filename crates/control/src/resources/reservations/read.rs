//! Reading reservations: what is kept, and what is used now. What is used is no part of their version.

use isobar_arm::{Envelope, ResourceId};
use isobar_records::Snapshot;
use serde_json::{Value, json};

use crate::call::{Call, object};
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::reservations::{
    RESERVATION_KIND, Usage, clusters_of_subscription, counted_bytes, statement, status_of, usage_of,
};
use crate::resources::resource_lists::list_of;
use crate::store::Stored;

const READ: &str = "Isobar.Storage/reservations/read";
const READ_CLUSTERS: &str = "Isobar.Storage/clusters/read";

/// Those of a subscription or a group.
pub(super) async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let (paging, found) = list_of(call, snapshot, RESERVATION_KIND, READ).await?;
    let subscription = call.subscription()?.name().to_owned();
    let clusters = clusters_of_subscription(snapshot, &subscription).await?;
    let show = |reservation: &Stored| {
        item(call, reservation, &usage_of(&call.app.providers, &clusters, &reservation.id))
    };
    call.page(&paging, found, |reservation| reservation.id.key().to_owned(), show)
}

/// One.
pub(super) async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let reservation = Stored::get(snapshot, &call.target).await?;
    reply(call, snapshot, &reservation, 200).await
}

/// Those of some clusters that the caller may read.
pub(super) fn readable(call: &Call, clusters: &[ResourceId]) -> Value {
    clusters.iter().filter(|id| call.rights.allow(READ_CLUSTERS, id)).map(|id| json!(id)).collect()
}

fn envelope(call: &Call, reservation: &Stored, usage: &Usage) -> Result<Envelope, Refusal> {
    let status = status_of(reservation, call.now())?;
    let counted = counted_bytes(reservation, status);
    let mut envelope = reservation.envelope();
    envelope.properties.extend(object([
        ("status", json!(status.name())),
        ("statement", json!(statement(status, counted, usage.bytes, usage.clusters.len()))),
        ("usedBytes", json!(usage.bytes)),
        ("clusters", readable(call, &usage.clusters)),
    ]));
    Ok(envelope)
}

fn item(call: &Call, reservation: &Stored, usage: &Usage) -> Result<Value, Refusal> {
    Ok(Reply::of(200, &envelope(call, reservation, usage)?)?.body.unwrap_or_default())
}

/// A reservation with what is used of it now: what is answered, and what a PATCH is applied to.
pub(super) async fn document(
    call: &Call,
    snapshot: &mut Snapshot,
    reservation: &Stored,
) -> Result<Value, Refusal> {
    let subscription = call.subscription()?.name().to_owned();
    let clusters = clusters_of_subscription(snapshot, &subscription).await?;
    item(call, reservation, &usage_of(&call.app.providers, &clusters, &reservation.id))
}

/// An answer with a reservation.
pub(super) async fn reply(
    call: &Call,
    snapshot: &mut Snapshot,
    reservation: &Stored,
    status: u16,
) -> Result<Reply, Refusal> {
    let body = document(call, snapshot, reservation).await?;
    Ok(Reply { body: Some(body), ..reservation.reply(status)? })
}
