//! Whether a cluster on this machine takes data on all its nodes, and what it waits for.

use std::time::Duration;

use isobar_cluster::Cluster;
use isobar_wire::message::cluster::ClusterView;
use serde::Serialize;

use super::directory::Local;
use super::error::LocalError;
use crate::health::{Founding, Health, VoterState, health};
use crate::status::node_states;

/// How long one look at the leader may take.
const LOOK_WAIT: Duration = Duration::from_millis(500);

/// How far a cluster is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Readiness {
    /// Grows with every node that answers, votes or has its target up.
    pub reached: usize,
    /// What it waits for; `None` when it is ready: all nodes take data.
    pub waits_for: Option<WaitsFor>,
}

/// What a cluster waits for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum WaitsFor {
    /// It has never been founded.
    Founding(Founding),
    /// The voters elect a leader.
    Leader {
        /// Nodes that are not among them yet.
        silent: Vec<String>,
    },
    /// Targets.
    Targets {
        /// Nodes that are not known to have one that is up.
        missing: Vec<String>,
    },
    /// The leader builds placement groups.
    Groups,
}

impl Local {
    /// Looks once, for at most two seconds or so, whether the cluster takes data on all its nodes. `cluster`
    /// is an administrator's: `Cluster::from_spec(&local.spec, Role::Administrator, wait)`.
    ///
    /// # Errors
    /// [`LocalError::Ended`] when a node does not run.
    pub async fn ready(&self, cluster: &Cluster) -> Result<Readiness, LocalError> {
        if let Some(name) = self.names().find(|name| !self.is_running(name)) {
            return Err(LocalError::Ended { name: name.to_owned(), last_words: self.last_words(name) });
        }
        let view = cluster.refresh(LOOK_WAIT).await.ok();
        let nodes = node_states(&self.spec, cluster).await;
        let health = health(&self.spec, &nodes, view.as_ref(), None);
        let names: Vec<&str> = self.names().collect();
        Ok(judge(&names, nodes.iter().flatten().count(), &health, view.as_ref()))
    }
}

fn judge(names: &[&str], answering: usize, health: &Health, view: Option<&ClusterView>) -> Readiness {
    let begun = answering + health.voters_live();
    let Some(view) = view else {
        let silent = health.voters.iter().filter(|v| v.state != VoterState::Live);
        let silent = silent.map(|v| v.node.clone()).collect();
        let founding = health.founding.clone().map(WaitsFor::Founding);
        return Readiness { reached: begun, waits_for: founding.or(Some(WaitsFor::Leader { silent })) };
    };
    let missing = not_up(names, view);
    let reached = begun + 1 + names.len() - missing.len();
    let waits_for = match (missing.is_empty(), view.map.groups.is_empty()) {
        (false, _) => Some(WaitsFor::Targets { missing }),
        (true, true) => Some(WaitsFor::Groups),
        (true, false) => None,
    };
    Readiness { reached, waits_for }
}

/// Nodes without a target that is up.
fn not_up(names: &[&str], view: &ClusterView) -> Vec<String> {
    let up = |name: &str| {
        let own = view.map.targets.iter().filter(|target| target.node == name);
        own.flat_map(|t| view.live.iter().filter(|l| l.id == t.id)).any(|live| live.up && !live.failed)
    };
    names.iter().filter(|name| !up(name)).map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Voter;
    use isobar_base::TargetId;
    use isobar_wire::message::cluster::{ClusterMap, TargetInfo, TargetLive};

    const NAMES: [&str; 3] = ["n1", "n2", "n3"];

    fn health(live: usize, founding: Option<Founding>) -> Health {
        let state = |at| if at < live { VoterState::Live } else { VoterState::Silent };
        let voter = |(at, node): (usize, &&str)| Voter { node: (*node).to_owned(), state: state(at) };
        Health {
            leader: None,
            founding,
            voters: NAMES.iter().enumerate().map(voter).collect(),
            majority: 2,
            voters_may_be_lost: None,
            data_nodes_may_be_lost: None,
            attention: Vec::new(),
        }
    }

    /// A view in which the first nodes are up.
    fn view(up: usize) -> ClusterView {
        let target = |at: usize| TargetInfo {
            id: TargetId(at as u64),
            node: NAMES[at].to_owned(),
            slot: 0,
            addr: "h:1".parse().unwrap(),
            domain: String::new(),
            capacity_bytes: 1,
        };
        let live = |at: usize| TargetLive {
            id: TargetId(at as u64),
            up: at < up,
            failed: false,
            used_bytes: 0,
            free_bytes: 0,
            damaged_rows: 0,
            rebuild: None,
        };
        let targets = (0..3).map(target).collect();
        let map = ClusterMap { epoch: 1, fs: None, targets, groups: Vec::new(), replacing: Vec::new() };
        ClusterView { map, live: (0..3).map(live).collect(), reclaiming: false }
    }

    #[test]
    fn every_step_names_whom_it_waits_for_and_reaches_further_than_the_one_before() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let founding = Founding { silent: names(&["n3"]), waiting: None };
        let steps = [
            judge(&NAMES, 2, &health(0, Some(founding.clone())), None),
            judge(&NAMES, 3, &health(2, None), None),
            judge(&NAMES, 3, &health(3, None), Some(&view(1))),
            judge(&NAMES, 3, &health(3, None), Some(&view(2))),
            judge(&NAMES, 3, &health(3, None), Some(&view(3))),
        ];
        let waits: Vec<WaitsFor> = steps.iter().filter_map(|step| step.waits_for.clone()).collect();
        assert_eq!(
            waits,
            [
                WaitsFor::Founding(founding),
                WaitsFor::Leader { silent: names(&["n3"]) },
                WaitsFor::Targets { missing: names(&["n2", "n3"]) },
                WaitsFor::Targets { missing: names(&["n3"]) },
                WaitsFor::Groups,
            ]
        );
        assert!(steps.windows(2).all(|pair| pair[0].reached < pair[1].reached), "{steps:?}");
    }
}
