//! Reading usage records. They are written by `crate::reservations` alone.

use isobar_arm::ResourceId;
use isobar_records::{ResourceFilter, Snapshot};
use serde_json::{Value, json};

use super::read::readable;
use crate::call::Call;
use crate::http::Reply;
use crate::refusal::Refusal;
use crate::reservations::usage_filter;
use crate::store::{Stored, gather};

pub(super) async fn list(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let paging = call.paging()?;
    let reservation = Stored::get(snapshot, &call.target).await?;
    let rows: ResourceFilter<'_> = usage_filter(reservation.id.key(), paging.after.as_deref());
    let found = gather(snapshot, &rows, paging.fetch(), |_| true).await?;
    call.page(&paging, found, |record| record.id.key().to_owned(), |record| item(call, record))
}

pub(super) async fn get(call: &Call, snapshot: &mut Snapshot) -> Result<Reply, Refusal> {
    let record = Stored::get(snapshot, &call.target).await?;
    Ok(Reply { body: Some(item(call, &record)?), ..record.reply(200)? })
}

/// A record, with those of its clusters that the caller may read.
fn item(call: &Call, record: &Stored) -> Result<Value, Refusal> {
    let mut envelope = record.envelope();
    let clusters = record.document.properties.get("clusters").and_then(Value::as_array);
    let ids = clusters.into_iter().flatten().filter_map(Value::as_str);
    let ids: Vec<ResourceId> = ids.filter_map(|id| ResourceId::parse(id).ok()).collect();
    envelope.properties.insert("clusters".to_owned(), json!(readable(call, &ids)));
    Ok(Reply::of(200, &envelope)?.body.unwrap_or_default())
}
