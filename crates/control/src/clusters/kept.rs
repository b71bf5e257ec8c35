//! A cluster as it is kept: which properties it has, and what only this program knows of it.
//!
//! Each attempt to make a cluster has a *deployment*: an id that was never used before, by which its provider
//! knows it. So a name can be used again, and what a late call still does for an old attempt cannot touch a
//! new one.

use isobar_arm::{ArmError, ProvisioningState, ResourceId};
use isobar_config::ClusterSpec;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::refusal::Refusal;
use crate::store::Stored;

/// The kind of clusters among the records.
pub(crate) const CLUSTER_KIND: &str = "isobar.storage/clusters";
/// The kind of their nodes.
pub(crate) const NODE_KIND: &str = "isobar.storage/clusters/nodes";
/// The kind of their validations.
pub(crate) const VALIDATION_KIND: &str = "isobar.storage/clusters/validations";
/// The kind of the reports of these.
pub(crate) const REPORT_KIND: &str = "isobar.storage/clusters/validations/reports";
/// The deployment's id, among what is never answered.
pub(crate) const DEPLOYMENT: &str = "deployment";

/// By which id its provider knows it; "" when none was ever tried.
pub(crate) fn deployment_of(cluster: &Stored) -> &str {
    cluster.document.internal.get(DEPLOYMENT).and_then(Value::as_str).unwrap_or_default()
}

/// The name of its provider.
pub(crate) fn provider_of(cluster: &Stored) -> &str {
    cluster.text("provider")
}

/// A whole number among its properties.
pub(crate) fn number_of(cluster: &Stored, property: &str) -> u64 {
    cluster.document.properties.get(property).and_then(Value::as_u64).unwrap_or_default()
}

/// Whether it was made once: it has nodes then, and may have files.
pub(crate) fn is_made(cluster: &Stored) -> bool {
    !cluster.text("clusterId").is_empty()
}

/// Whether it must not be deleted. One that could not be made has nothing to protect.
pub(crate) fn is_protected(cluster: &Stored) -> bool {
    let asked = cluster.document.properties.get("deletionProtection") != Some(&json!(false));
    let gave_up = matches!(cluster.document.state, ProvisioningState::Failed | ProvisioningState::Canceled);
    asked && (is_made(cluster) || !gave_up)
}

/// The id of a node.
pub(crate) fn node_id(cluster: &ResourceId, node: &str) -> Result<ResourceId, Refusal> {
    let id = ResourceId::parse(&format!("{cluster}/nodes/{node}"));
    Ok(id.map_err(|_| ArmError::internal_server_error("a node's name is no name"))?)
}

/// The id of the report of a validation.
pub(crate) fn report_id(validation: &ResourceId) -> Result<ResourceId, Refusal> {
    Ok(validation.child("reports", "default")?)
}

/// What is known of a cluster once it is made, as a workflow hands it on to its end.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Made {
    /// Its identity.
    pub cluster_id: String,
    /// The command that mounts it.
    pub mount_command: String,
    /// Its nodes: names, and properties.
    pub nodes: Vec<(String, Map<String, Value>)>,
}

impl Made {
    /// From its cluster file.
    pub(crate) fn of(spec: &ClusterSpec, mount_command: String) -> Made {
        let node = |node: &isobar_config::NodeSpec| {
            let properties = [
                ("address", json!(node.addr.to_string())),
                ("faultDomain", json!(node.domain)),
                ("votes", json!(node.voter)),
            ];
            let properties = properties.into_iter().map(|(name, value)| (name.to_owned(), value));
            (node.name.clone(), properties.collect())
        };
        Made { cluster_id: spec.cluster.clone(), mount_command, nodes: spec.node.iter().map(node).collect() }
    }
}
