//! What would change, as ARM's what-if tells it.

use isobar_arm::ResourceId;
use isobar_records::{ResourceFilter, Snapshot};
use isobar_template::difference;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::openapi::without_read_only;
use crate::refusal::Refusal;
use crate::store::{Stored, gather};

/// A resource of a template.
pub(super) struct Change<'a> {
    pub id: &'a ResourceId,
    /// As it is now.
    pub before: Option<&'a Value>,
    /// As it would be, where that is known.
    pub after: Option<&'a Value>,
    /// What it would be made with, as it can be shown.
    pub shown: &'a Value,
    /// The schema of its body.
    pub schema: Option<&'static str>,
}

/// As it is told.
pub(super) fn shown(change: &Change<'_>, ids_only: bool) -> Value {
    let before = change.before.map(|before| settable(before, change.schema));
    let after = match change.after {
        Some(after) => settable(after, change.schema),
        // What is not known is compared with what would be sent, and that says nothing of what it leaves out.
        None => change.shown.clone(),
    };
    let delta = match (&before, change.after) {
        (None, _) => Vec::new(),
        (Some(before), Some(_)) => difference(before, &after),
        (Some(before), None) => difference(&within(before, &after), &after),
    };
    let kind = match &before {
        None => "Create",
        Some(_) if delta.is_empty() => "NoChange",
        Some(_) => "Modify",
    };
    let mut told = json!({"resourceId": change.id, "changeType": kind});
    if !ids_only {
        told["before"] = before.map_or(Value::Null, |before| named(change.id, before));
        told["after"] = named(change.id, after);
        told["delta"] = if kind == "Modify" { json!(delta) } else { Value::Null };
    }
    told
}

/// What somebody can set of a resource, without what it is called.
fn settable(document: &Value, schema: Option<&'static str>) -> Value {
    let mut settable = document.clone();
    if let Some(schema) = schema {
        without_read_only(&mut settable, schema);
    }
    if let Value::Object(members) = &mut settable {
        for name in ["id", "name", "type", "etag", "systemData"] {
            members.remove(name);
        }
        if let Some(Value::Object(properties)) = members.get_mut("properties") {
            properties.remove("provisioningState");
        }
    }
    settable
}

/// The members of a document that another one has as well.
fn within(document: &Value, other: &Value) -> Value {
    match (document, other) {
        (Value::Object(document), Value::Object(other)) => {
            let common = document
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), within(value, other.get(name)?))));
            Value::Object(common.collect::<Map<String, Value>>())
        }
        (document, _) => document.clone(),
    }
}

/// A document with what it is called.
fn named(id: &ResourceId, document: Value) -> Value {
    let mut named = json!({"id": id, "name": id.name(), "type": id.resource_type()});
    if let (Value::Object(named), Value::Object(members)) = (&mut named, document) {
        named.extend(members);
    }
    named
}

/// Resources of the group that the template leaves alone, as far as the caller may see them.
pub(super) async fn ignored(
    call: &Call,
    snapshot: &mut Snapshot,
    touched: &[&ResourceId],
    ids_only: bool,
) -> Result<Vec<Value>, Refusal> {
    let subscription = call.subscription()?.name().to_lowercase();
    let group = call.params.get("resourceGroupName").to_lowercase();
    let rows = ResourceFilter {
        subscription: Some(&subscription),
        group_name: Some(&group),
        ..ResourceFilter::default()
    };
    let show = |stored: &Stored| {
        stored.id.namespace().is_some()
            && stored.document.location.is_some()
            && !touched.contains(&&stored.id)
            && call.rights.allow(&format!("{}/read", stored.id.resource_type()), &stored.id)
    };
    let mut ignored = Vec::new();
    for stored in gather(snapshot, &rows, usize::MAX, show).await? {
        let mut told = json!({"resourceId": stored.id, "changeType": "Ignore"});
        if !ids_only {
            let mut document = settable(&Value::Object(stored.settled()?), None);
            if let Value::Object(members) = &mut document {
                members.remove("properties");
            }
            let document = named(&stored.id, document);
            told["before"] = document.clone();
            told["after"] = document;
            told["delta"] = Value::Null;
        }
        ignored.push(told);
    }
    Ok(ignored)
}
