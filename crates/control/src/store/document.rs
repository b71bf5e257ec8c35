//! What is kept of a resource beside its id and its times.

use isobar_arm::{Location, ProvisioningState, Sku, SystemData, Tags};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is kept of a resource. No secret belongs into it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document {
    /// Where it is, if it is tracked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Its tags, if it can have some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// Its variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// Its availability zones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// How far the last operation on it has come.
    pub state: ProvisioningState,
    /// Who made it and who changed it.
    pub system_data: SystemData,
    /// What its type has beside that.
    #[serde(default)]
    pub properties: Map<String, Value>,
    /// What only this program has to know; it is never answered.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub internal: Map<String, Value>,
}

impl Document {
    /// One that is done, with these properties.
    pub(crate) fn new(system_data: SystemData, properties: Map<String, Value>) -> Document {
        Document {
            location: None,
            tags: None,
            sku: None,
            zones: Vec::new(),
            state: ProvisioningState::Succeeded,
            system_data,
            properties,
            internal: Map::new(),
        }
    }
}
