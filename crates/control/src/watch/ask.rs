//! Asking the nodes of clusters how they are, and telling their leaders what to do.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use isobar_admin::{ReplaceError, health, node_states, replace};
use isobar_cluster::{AskError, Cluster};
use isobar_config::ClusterSpec;
use isobar_wire::Role;
use isobar_wire::message::admin::AdminRefusal;
use parking_lot::Mutex;

use super::judge::{Answers, judge};
use super::observation::Observation;
use crate::limits::CONNECTED_CLUSTERS_MAX;

/// How long a leader is looked for.
const LEADER_WAIT: Duration = Duration::from_secs(3);

/// Something asked that is under way.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A leader that did not do it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AskRefusal {
    /// It may, another time.
    Retry(String),
    /// It will not.
    Cannot(String),
}

/// How clusters are asked. Tests bring their own.
pub trait AskClusters: Send + Sync + 'static {
    /// How a cluster is now.
    fn look<'a>(&'a self, spec: &'a ClusterSpec) -> Asking<'a, Observation>;

    /// Lets the blank disks of a node take the places of its lost ones. Done already, it is done.
    fn admit<'a>(&'a self, spec: &'a ClusterSpec, node: &'a str) -> Asking<'a, Result<(), AskRefusal>>;
}

/// Asks them over the network.
#[derive(Default)]
pub struct RealClusters {
    /// Connections, by the identity of the cluster.
    connected: Mutex<HashMap<String, (ClusterSpec, Cluster)>>,
}

impl RealClusters {
    fn cluster(&self, spec: &ClusterSpec) -> Result<Cluster, String> {
        let mut connected = self.connected.lock();
        if let Some((known, cluster)) = connected.get(&spec.cluster)
            && known == spec
        {
            return Ok(cluster.clone());
        }
        let cluster = Cluster::from_spec(spec, Role::Administrator, LEADER_WAIT);
        let cluster = cluster.map_err(|error| error.to_string())?;
        if connected.len() >= CONNECTED_CLUSTERS_MAX {
            // They are made again when they are needed.
            connected.clear();
        }
        connected.insert(spec.cluster.clone(), (spec.clone(), cluster.clone()));
        Ok(cluster)
    }

    async fn look_at(&self, spec: &ClusterSpec) -> Observation {
        let cluster = match self.cluster(spec) {
            Ok(cluster) => cluster,
            Err(why) => return Observation::unknown(format!("The cluster cannot be asked: {why}.")),
        };
        // The leader is confirmed first: what nodes say then is compared with what was confirmed.
        let view = match cluster.refresh(LEADER_WAIT).await {
            Ok(view) => Some(view),
            Err(error @ AskError::Rejected(_)) => {
                return Observation::unknown(format!("The nodes take this for another cluster: {error}."));
            }
            Err(_) => None,
        };
        let nodes = node_states(spec, &cluster).await;
        let health = health(spec, &nodes, view.as_ref(), None);
        judge(&Answers { spec, nodes: &nodes, view: view.as_ref(), health: &health })
    }

    async fn admit_to(&self, spec: &ClusterSpec, node: &str) -> Result<(), AskRefusal> {
        let cluster = self.cluster(spec).map_err(AskRefusal::Cannot)?;
        match replace(&cluster, spec, node, false, |_| {}).await {
            Ok(_) | Err(ReplaceError::Refused(AdminRefusal::NothingToReplace { .. })) => Ok(()),
            Err(error @ ReplaceError::NoSuchNode { .. }) => Err(AskRefusal::Cannot(error.to_string())),
            Err(error) => Err(AskRefusal::Retry(error.to_string())),
        }
    }
}

impl AskClusters for RealClusters {
    fn look<'a>(&'a self, spec: &'a ClusterSpec) -> Asking<'a, Observation> {
        Box::pin(self.look_at(spec))
    }

    fn admit<'a>(&'a self, spec: &'a ClusterSpec, node: &'a str) -> Asking<'a, Result<(), AskRefusal>> {
        Box::pin(self.admit_to(spec, node))
    }
}
