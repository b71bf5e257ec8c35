//! What every resource looks like: `id`, `name`, `type`, `location`, `tags`, …, and its own `properties`.
//!
//! `name` and `type` are parts of the id and cannot contradict it. A *tracked* resource has a location and
//! always an object of tags, even an empty one; a *proxy* resource (a child, an extension) has neither.
//! `properties.provisioningState` is always there, and first.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::id::ResourceId;
use crate::location::Location;
use crate::provisioning::ProvisioningState;
use crate::system_data::SystemData;
use crate::tags::Tags;

const PROVISIONING_STATE: &str = "provisioningState";

/// Which variant of a resource it is, where its provider sells several.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sku {
    /// The variant's name.
    pub name: String,
    /// What it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// How many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u64>,
}

/// A resource as it is answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// Its id.
    pub id: ResourceId,
    /// Where it is, if it is tracked.
    pub location: Option<Location>,
    /// Its tags, if it is tracked.
    pub tags: Option<Tags>,
    /// Its variant.
    pub sku: Option<Sku>,
    /// Its availability zones.
    pub zones: Vec<String>,
    /// The identities that it has, in ARM's form.
    pub identity: Option<Value>,
    /// Its version in quotes, as in the header.
    pub etag: Option<String>,
    /// Who made and who changed it.
    pub system_data: Option<SystemData>,
    /// How far the last operation on it has come.
    pub provisioning_state: ProvisioningState,
    /// What its type has beside that.
    pub properties: Map<String, Value>,
}

impl Envelope {
    /// A resource with a location and tags.
    pub fn tracked(id: ResourceId, location: Location, tags: Tags, state: ProvisioningState) -> Envelope {
        Envelope { location: Some(location), tags: Some(tags), ..Envelope::proxy(id, state) }
    }

    /// A resource without.
    pub fn proxy(id: ResourceId, state: ProvisioningState) -> Envelope {
        Envelope {
            id,
            location: None,
            tags: None,
            sku: None,
            zones: Vec::new(),
            identity: None,
            etag: None,
            system_data: None,
            provisioning_state: state,
            properties: Map::new(),
        }
    }
}

/// The properties with the state in front.
struct Properties<'a>(ProvisioningState, &'a Map<String, Value>);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(PROVISIONING_STATE, &self.0)?;
        // A state among the properties would be a second one in the document.
        for (name, value) in self.1.iter().filter(|(name, _)| *name != PROVISIONING_STATE) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Envelope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("name", self.id.name())?;
        map.serialize_entry("type", &self.id.resource_type())?;
        if let Some(location) = &self.location {
            map.serialize_entry("location", location)?;
        }
        if let Some(tags) = &self.tags {
            map.serialize_entry("tags", tags)?;
        }
        if let Some(sku) = &self.sku {
            map.serialize_entry("sku", sku)?;
        }
        if !self.zones.is_empty() {
            map.serialize_entry("zones", &self.zones)?;
        }
        if let Some(identity) = &self.identity {
            map.serialize_entry("identity", identity)?;
        }
        if let Some(etag) = &self.etag {
            map.serialize_entry("etag", etag)?;
        }
        if let Some(system_data) = &self.system_data {
            map.serialize_entry("systemData", system_data)?;
        }
        map.serialize_entry("properties", &Properties(self.provisioning_state, &self.properties))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::system_data::IdentityType;
    use crate::time::Timestamp;

    fn id(path: &str) -> ResourceId {
        ResourceId::parse(path).expect("an id")
    }

    #[test]
    fn a_proxy_resource_has_the_least_that_a_resource_has() {
        let node = Envelope::proxy(
            id("/subscriptions/s/resourceGroups/g/providers/Isobar.Storage/clusters/c1/nodes/N1"),
            ProvisioningState::Updating,
        );
        let json = serde_json::to_string(&node).expect("JSON");
        let expected = concat!(
            r#"{"id":"/subscriptions/s/resourceGroups/g/providers/Isobar.Storage/clusters/c1/nodes/N1","#,
            r#""name":"N1","type":"Isobar.Storage/clusters/nodes","#,
            r#""properties":{"provisioningState":"Updating"}}"#
        );
        assert_eq!(json, expected);
    }

    #[test]
    fn a_tracked_resource_has_location_and_tags_even_without_any() {
        let location = Location::parse("UK South").expect("a location");
        let group = id("/subscriptions/s/resourceGroups/g");
        let group = Envelope::tracked(group, location, Tags::default(), ProvisioningState::Succeeded);
        let expected = json!({
            "id": "/subscriptions/s/resourceGroups/g",
            "name": "g",
            "type": "Microsoft.Resources/resourceGroups",
            "location": "uksouth",
            "tags": {},
            "properties": {"provisioningState": "Succeeded"},
        });
        assert_eq!(serde_json::to_value(&group).expect("JSON"), expected);
    }

    #[test]
    fn everything_that_is_set_is_written() {
        let mut cluster = Envelope::proxy(id("/providers/A.B/c/d"), ProvisioningState::Creating);
        cluster.sku = Some(Sku { name: "S1".into(), tier: None, capacity: Some(3) });
        cluster.zones = vec!["1".into(), "2".into()];
        cluster.identity = Some(json!({"type": "SystemAssigned"}));
        cluster.etag = Some("\"7\"".into());
        let made = SystemData::created("ops", IdentityType::User, Timestamp::from_millis(0));
        cluster.system_data = Some(made.clone());
        cluster.properties.insert("nodes".into(), json!(8));
        cluster.properties.insert(PROVISIONING_STATE.into(), json!("Lies"));
        let expected = json!({
            "id": "/providers/A.B/c/d",
            "name": "d",
            "type": "A.B/c",
            "sku": {"name": "S1", "capacity": 3},
            "zones": ["1", "2"],
            "identity": {"type": "SystemAssigned"},
            "etag": "\"7\"",
            "systemData": made,
            "properties": {"provisioningState": "Creating", "nodes": 8},
        });
        assert_eq!(serde_json::to_value(&cluster).expect("JSON"), expected);
        let text = serde_json::to_string(&cluster).expect("JSON");
        assert_eq!(text.matches(PROVISIONING_STATE).count(), 1, "{text}");
    }
}
