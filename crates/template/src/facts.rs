//! What templates can ask about where they are deployed.

use isobar_arm::{ResourceId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where and when a template is deployed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The resource group.
    pub group: ResourceId,
    /// What `resourceGroup()` gives: id, name, type, location, tags, properties.
    pub group_document: Value,
    /// What people call the subscription.
    pub subscription_name: String,
    /// The tenant's id.
    pub tenant: String,
    /// The deployment's name.
    pub deployment: String,
    /// The address of this endpoint.
    pub endpoint: String,
    /// The time that `utcNow()` gives, in milliseconds since 1970.
    pub now_ms: i64,
    /// What `newGuid()` draws from: a random text, another one for each deployment.
    pub seed: String,
}

impl Facts {
    /// The subscription's id.
    pub(crate) fn subscription(&self) -> &str {
        self.group.subscription().unwrap_or_default()
    }

    /// The moment that `utcNow()` gives.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now_ms)
    }

    /// What `subscription()` gives.
    pub(crate) fn subscription_document(&self) -> Value {
        json!({
            "id": format!("/subscriptions/{}", self.subscription()),
            "subscriptionId": self.subscription(),
            "tenantId": self.tenant,
            "displayName": self.subscription_name,
        })
    }

    /// What `deployment()` gives.
    pub(crate) fn deployment_document(&self) -> Value {
        json!({"name": self.deployment, "properties": {"mode": "Incremental"}})
    }

    /// What `environment()` gives.
    pub(crate) fn environment_document(&self) -> Value {
        json!({"name": "isobar", "resourceManager": format!("{}/", self.endpoint)})
    }
}
