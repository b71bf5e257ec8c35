//! What a workflow is given, and how one is asked for.

use isobar_arm::ResourceId;
use isobar_provider::Plan;
use isobar_records::NewOperation;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::readiness::ReadinessLoad;

/// Makes a cluster.
pub(crate) const CREATE: &str = "clusters/create";
/// Deletes one.
pub(crate) const DELETE: &str = "clusters/delete";
/// Stops a node and starts it.
pub(crate) const RESTART: &str = "nodes/restart";
/// Gives a node blank disks in the place of those it has.
pub(crate) const REPLACE: &str = "nodes/replace";
/// Measures how ready a cluster is.
pub(crate) const VALIDATE: &str = "validations/run";

/// Under which name the output is that says what was made.
pub(super) const MADE: &str = "made";
/// Under which name the output is that says what was measured.
pub(super) const READINESS: &str = "readiness";

/// What a workflow is given.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Work {
    /// The resource that was asked for: a cluster, a node or a validation, as it is written.
    pub id: ResourceId,
    /// Who asked, by the application's id.
    pub caller: String,
    /// The name of the provider.
    pub provider: String,
    /// By what the provider knows the cluster.
    pub deployment: String,
    /// What is to be made, when something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// The node, when it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What is to be measured, when something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<ReadinessLoad>,
}

/// Who asks, and where: what an operation notes beside its work.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    /// The subscription.
    pub subscription: String,
    /// The location of the cluster.
    pub location: String,
    /// What the request is called.
    pub correlation: String,
    /// Who asks.
    pub principal: String,
}

impl Work {
    /// The cluster: itself, or that of the node or the validation. Everything about a cluster is one
    /// operation at a time.
    pub(crate) fn cluster(&self) -> ResourceId {
        match self.node.is_some() || self.load.is_some() {
            true => self.id.parent().unwrap_or_else(|| self.id.clone()),
            false => self.id.clone(),
        }
    }

    /// The operation. It draws an id unless the deployment's is its own.
    pub(crate) fn operation(&self, kind: &str, write: &Write) -> NewOperation {
        NewOperation {
            id: if kind == CREATE { self.deployment.clone() } else { String::new() },
            target: self.cluster().key().to_owned(),
            kind: kind.to_owned(),
            subscription: write.subscription.to_lowercase(),
            location: write.location.clone(),
            input: json!(self),
            correlation: write.correlation.clone(),
            principal: write.principal.clone(),
            ..NewOperation::default()
        }
    }
}
