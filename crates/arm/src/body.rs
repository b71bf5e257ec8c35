//! The body of a PUT: what every resource has, and the properties of its type.
//!
//! Clients send back what they have read (`az resource update` and `tag` do), so whatever they cannot set is
//! ignored there: `id`, `name`, `type`, `etag`, `systemData`, `properties.provisioningState`, and what the
//! type names beside these. `az` adds `location` to the bodies of children as well, so that a proxy type
//! ignores it. Everything else that is not known is refused. A PATCH is applied to the document that a GET
//! gives ([`patch_resource`](crate::patch_resource)), and the outcome read by this, too.

use serde_json::Value;

use crate::envelope::Sku;
use crate::error::ArmError;
use crate::fields::{Field, Fields, Problems};
use crate::limits::{REQUEST_BYTES_MAX, ZONES_MAX};
use crate::location::Location;
use crate::tags::Tags;

/// What a client reads and cannot set.
const READ_ONLY: &[&str] = &["id", "name", "type", "etag", "systemData"];

/// What the resources of a type have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Shape {
    /// A location, which is required, and tags.
    pub tracked: bool,
    /// A variant.
    pub sku: bool,
    /// Availability zones.
    pub zones: bool,
    /// Identities.
    pub identity: bool,
    /// Properties that a client reads and cannot set, beside `provisioningState`.
    pub read_only: &'static [&'static str],
}

/// What a body says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Body<T> {
    /// Where the resource is to be; there is one when its type is tracked.
    pub location: Option<Location>,
    /// Its tags.
    pub tags: Tags,
    /// Its variant.
    pub sku: Option<Sku>,
    /// Its availability zones.
    pub zones: Vec<String>,
    /// Its identities, in ARM's form.
    pub identity: Option<Value>,
    /// What the reader of its properties made of them.
    pub properties: T,
}

/// Reads bytes as JSON.
///
/// # Errors
/// They are too many, or no JSON.
pub fn parse_json(bytes: &[u8]) -> Result<Value, ArmError> {
    if bytes.len() > REQUEST_BYTES_MAX {
        return Err(ArmError::request_too_large(REQUEST_BYTES_MAX));
    }
    serde_json::from_slice(bytes).map_err(|error| ArmError::invalid_request_content(&error.to_string()))
}

/// Reads the body of a PUT. `properties` reads the properties; it gives `None` only where it has recorded
/// why.
///
/// # Errors
/// Everything that is wrong with it, in one error. A body that lacks nothing but its location is refused with
/// `LocationRequired`, as by ARM.
pub fn read_body<T>(
    body: &Value,
    shape: &Shape,
    properties: impl FnOnce(&Fields<'_, '_>) -> Option<T>,
) -> Result<Body<T>, ArmError> {
    read_body_and(body, shape, properties, |_, _| ())
}

/// The same; `check` adds what is wrong with parts of it that were read one by one, such as a location
/// without the variant that is wanted.
///
/// # Errors
/// As [`read_body`].
pub fn read_body_and<T>(
    body: &Value,
    shape: &Shape,
    properties: impl FnOnce(&Fields<'_, '_>) -> Option<T>,
    check: impl FnOnce(&Body<T>, &Problems),
) -> Result<Body<T>, ArmError> {
    let problems = Problems::new();
    let read = read(&Fields::root(body, &problems), shape, properties);
    if let Some(read) = &read {
        check(read, &problems);
    }
    problems.into_result().map_err(as_arm_would)?;
    read.ok_or_else(|| ArmError::internal_server_error("a body was refused for no reason"))
}

fn read<T>(
    body: &Fields<'_, '_>,
    shape: &Shape,
    properties: impl FnOnce(&Fields<'_, '_>) -> Option<T>,
) -> Option<Body<T>> {
    body.ignore(READ_ONLY);
    let mut location = None;
    let mut tags = None;
    if shape.tracked {
        let required = ArmError::location_required();
        location = read_location(body.get("location").required_as("LocationRequired", required.message()));
        tags = Tags::read(body.get("tags"));
    } else {
        body.ignore(&["location"]);
    }
    let sku = shape.sku.then(|| read_sku(body.get("sku"))).flatten();
    let zones = if shape.zones { read_zones(body.get("zones")) } else { Vec::new() };
    let identity = shape.identity.then(|| read_identity(body.get("identity"))).flatten();
    let fields = body.get("properties").object_or_empty();
    fields.ignore(&["provisioningState"]);
    fields.ignore(shape.read_only);
    let properties = properties(&fields)?;
    Some(Body { location, tags: tags.unwrap_or_default(), sku, zones, identity, properties })
}

/// What ARM answers to a body that is right but for its location.
fn as_arm_would(error: ArmError) -> ArmError {
    match error.details() {
        [only] if only.code() == "LocationRequired" => ArmError::location_required(),
        _ => error,
    }
}

fn read_location(field: Field<'_, '_>) -> Option<Location> {
    let value = field.value()?;
    let location = value.as_str().and_then(Location::parse);
    if location.is_none() {
        field.refuse("must be the name of a location: letters, digits and hyphens");
    }
    location
}

fn read_sku(field: Field<'_, '_>) -> Option<Sku> {
    let fields = field.object()?;
    let name = fields.get("name").required().string(1..=64);
    let tier = fields.get("tier").string(1..=64).map(str::to_owned);
    let capacity = fields.get("capacity").integer(1..=u64::from(u32::MAX));
    Some(Sku { name: name?.to_owned(), tier, capacity })
}

fn read_zones(field: Field<'_, '_>) -> Vec<String> {
    let zones = field.list(0..=ZONES_MAX).unwrap_or_default();
    zones.into_iter().filter_map(|zone| zone.string(1..=16).map(str::to_owned)).collect()
}

/// An identity is passed on as it is: only whoever gives identities knows more about it.
fn read_identity(field: Field<'_, '_>) -> Option<Value> {
    let value = field.value()?.clone();
    let fields = field.object()?;
    fields.entries().for_each(drop);
    fields.get("type").required().string(1..=64)?;
    Some(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CLUSTER: Shape =
        Shape { tracked: true, sku: true, zones: true, identity: true, read_only: &["health", "endpoints"] };
    const NODE: Shape = Shape { tracked: false, sku: false, zones: false, identity: false, read_only: &[] };

    fn nodes(properties: &Fields<'_, '_>) -> Option<u64> {
        properties.get("nodes").required().integer(4..=64)
    }

    fn told(body: &Value, shape: &Shape) -> Vec<(String, String)> {
        let error = read_body(body, shape, nodes).expect_err("a wrong body");
        let pair =
            |detail: &ArmError| (detail.target().unwrap_or_default().to_owned(), detail.code().to_owned());
        error.details().iter().map(pair).collect()
    }

    #[test]
    fn a_body_is_read() {
        let body = json!({
            "location": "UK South",
            "tags": {"env": "test"},
            "sku": {"name": "S1", "capacity": 2},
            "zones": ["1", "2"],
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/x": {}}},
            "properties": {"nodes": 8},
        });
        let read = read_body(&body, &CLUSTER, nodes).expect("a right body");
        assert_eq!(read.location.as_ref().map(Location::name), Some("uksouth"));
        assert_eq!((read.tags.get("env"), read.properties), (Some("test"), 8));
        assert_eq!(read.sku, Some(Sku { name: "S1".into(), tier: None, capacity: Some(2) }));
        assert_eq!(
            (read.zones, read.identity),
            (vec!["1".into(), "2".into()], Some(body["identity"].clone()))
        );
    }

    #[test]
    fn what_was_read_may_be_sent_back() {
        let body = json!({
            "id": "/x", "name": "c1", "type": "A.B/c", "etag": "\"1\"", "systemData": {"createdBy": "x"},
            "location": "uksouth", "tags": {}, "plan": null, "managedBy": null, "sku": null,
            "properties": {"provisioningState": "Succeeded", "health": {"a": 1}, "endpoints": [], "nodes": 8},
        });
        let read = read_body(&body, &CLUSTER, nodes).expect("a right body");
        assert_eq!((read.properties, read.tags, read.sku), (8, Tags::default(), None));
    }

    #[test]
    fn a_proxy_type_ignores_the_location_and_has_no_tags() {
        let read = read_body(&json!({"location": "x", "properties": {"nodes": 8}}), &NODE, nodes);
        assert_eq!(read.expect("a right body").location, None);
        let body = json!({"location": 3, "tags": {}, "sku": {"name": "x"}, "properties": {"nodes": 8}});
        let unknown = |name: &str| (name.to_owned(), "UnknownField".to_owned());
        assert_eq!(told(&body, &NODE), [unknown("sku"), unknown("tags")]);
    }

    #[test]
    fn only_a_missing_location_gets_the_answer_of_arm() {
        let error =
            read_body(&json!({"properties": {"nodes": 8}}), &CLUSTER, nodes).expect_err("no location");
        assert_eq!(error, ArmError::location_required());
        let both = told(&json!({"properties": {}}), &CLUSTER);
        let expected = [("location", "LocationRequired"), ("properties.nodes", "MissingRequiredParameter")];
        assert_eq!(both, expected.map(|(target, code)| (target.to_owned(), code.to_owned())));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let body = json!({
            "location": "uk/south", "tags": {"a<": "b"}, "sku": {"tier": "x", "extra": 1}, "zones": [1],
            "identity": {}, "colour": "red", "properties": {"nodes": 3, "health": "x", "size": 1},
        });
        let targets: Vec<String> = told(&body, &CLUSTER).into_iter().map(|(target, _)| target).collect();
        let expected = [
            "location",
            "tags.a<",
            "sku.name",
            "sku.extra",
            "zones[0]",
            "identity.type",
            "properties.nodes",
            "properties.size",
            "colour",
        ];
        assert_eq!(targets, expected);
        assert_eq!(told(&json!([]), &NODE), [(String::new(), "InvalidParameter".to_owned())]);
    }

    #[test]
    fn a_reader_that_gives_no_reason_is_our_fault() {
        let error = read_body(&json!({}), &NODE, |_| None::<()>).expect_err("no properties");
        assert_eq!(error.status(), 500);
    }

    #[test]
    fn bytes_that_are_no_json_are_refused_with_their_place() {
        assert_eq!(parse_json(b" {\"a\": 1} "), Ok(json!({"a": 1})));
        let error = parse_json(b"{\n  \"a\": }").expect_err("no JSON");
        assert!(error.message().contains("line 2 column 8"), "{error}");
        assert_eq!(parse_json(b"").expect_err("empty").status(), 400);
        assert_eq!(parse_json(&vec![b' '; REQUEST_BYTES_MAX + 1]).expect_err("too long").status(), 413);
    }
}
