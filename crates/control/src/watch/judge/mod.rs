//! How a cluster is, judged from what its nodes say of themselves and from what a leader says that a majority
//! has confirmed. Nothing here asks anybody.
//!
//! How many more nodes may be lost is counted on placement groups, not on segments: a group's missing
//! positions are those whose target is down, failed, damaged or not whole yet. No segment lacks more rows
//! than its group, so the count is never too large, and costs the same whatever is stored.

use std::collections::HashMap;

use isobar_admin::{Health, VoterState, attention_text, founding_text, unclean_targets};
use isobar_base::TargetId;
use isobar_config::ClusterSpec;
use isobar_wire::message::cluster::{
    ClusterView, NodeStatus, PlacementGroup, Position, TargetInfo, TargetLive,
};

use super::observation::{
    HealthState, NodeObservation, NodeState, Observation, ServedByNode, TargetObservation,
};

/// What was asked and answered. `nodes` are those of the cluster file in its order, `None` for one that does
/// not answer.
pub(super) struct Answers<'a> {
    pub spec: &'a ClusterSpec,
    pub nodes: &'a [Option<NodeStatus>],
    pub view: Option<&'a ClusterView>,
    pub health: &'a Health,
}

/// How the cluster is.
pub(super) fn judge(answers: &Answers<'_>) -> Observation {
    let Answers { spec, nodes, health, .. } = answers;
    let each = spec.node.iter().zip(*nodes);
    let nodes: Vec<NodeObservation> =
        each.map(|(node, status)| answers.node(&node.name, status.as_ref())).collect();
    let attention = health.attention.iter();
    let attention = attention.map(|what| attention_text(what, health, |node| format!("replace {node}")));
    let mut seen = Observation {
        attention: attention.collect(),
        nodes_may_be_lost: answers.spare(None).map(|spare| u32::try_from(spare).unwrap_or(0)),
        leader: health.leader.clone(),
        nodes,
        ..Observation::unknown("")
    };
    (seen.state, seen.statement) = answers.verdict(&seen);
    seen
}

impl Answers<'_> {
    fn verdict(&self, seen: &Observation) -> (HealthState, String) {
        let (up, all) = (seen.nodes_up(), seen.nodes.len());
        let nodes = match up == all {
            true => format!("All {all} nodes are up."),
            false => format!("{up} of {all} nodes are up."),
        };
        if let Some(founding) = &self.health.founding {
            return (HealthState::Unhealthy, format!("{nodes} The cluster is {}.", founding_text(founding)));
        }
        let Some(view) = self.view else {
            let (live, voters) = (self.health.voters_live(), self.health.voters.len());
            let why = format!(
                "{nodes} {live} of {voters} voters answer and no majority has a leader, so that calls wait; what was \
                 acknowledged is kept as long as the disks are."
            );
            return (HealthState::Unhealthy, why);
        };
        if view.map.groups.is_empty() {
            let why = format!("{nodes} The cluster is founded, and places for data are being made.");
            return (HealthState::Unhealthy, why);
        }
        if self.data_spare(None).is_some_and(|spare| spare < 0) {
            let why = format!(
                "{nodes} More rows are missing than may be: files that have them cannot be read until their nodes are \
                 back with the disks they had."
            );
            return (HealthState::Unhealthy, why);
        }
        let healthy = seen.attention.is_empty() && seen.nodes.iter().all(|node| node.whole);
        let lost = match (seen.nodes_may_be_lost, healthy) {
            (None, _) => String::new(),
            (Some(0), _) => " No more node may be lost.".to_owned(),
            (Some(1), true) => " Any 1 node may be lost and nothing is lost.".to_owned(),
            (Some(count), true) => format!(" Any {count} nodes may be lost and nothing is lost."),
            (Some(1), false) => " 1 more node may be lost and nothing is lost.".to_owned(),
            (Some(count), false) => format!(" {count} more nodes may be lost and nothing is lost."),
        };
        let rebuilt = seen.nodes.iter().filter(|node| node.rebuild.is_some());
        let rebuilt: String =
            rebuilt.map(|node| format!(" The rows of {} are built again.", node.name)).collect();
        let state = if healthy { HealthState::Healthy } else { HealthState::Degraded };
        (state, format!("{nodes}{lost}{rebuilt}"))
    }

    fn node(&self, name: &str, status: Option<&NodeStatus>) -> NodeObservation {
        let targets = self.targets(name, status);
        let whole = status.is_some_and(|status| self.is_whole(name, status));
        let blank = status.is_some_and(|status| self.is_blank(name, status));
        let lives = self.view.into_iter().flat_map(|view| &view.live);
        let rebuild = lives.filter(|live| self.node_of(live.id) == Some(name)).find_map(|live| live.rebuild);
        NodeObservation {
            name: name.to_owned(),
            state: if status.is_some() { NodeState::Up } else { NodeState::Down },
            statement: self.node_words(name, status, (whole, blank), rebuild),
            version: status.map(|status| status.version.clone()),
            votes: self.health.founding.is_none().then(|| self.health.voter(name).is_some()),
            targets,
            served: status.map(served),
            whole,
            blank,
            rebuild,
            spare_without: self.spare(Some(name)),
        }
    }

    fn node_words(
        &self,
        name: &str,
        status: Option<&NodeStatus>,
        (whole, blank): (bool, bool),
        rebuild: Option<(u64, u64)>,
    ) -> String {
        let leads = self.health.leader.as_deref() == Some(name);
        match (status, rebuild) {
            (None, _) => "It does not answer.".to_owned(),
            (Some(_), _) if blank => {
                "It is up with a disk that is not part of the cluster: replace it.".to_owned()
            }
            (Some(_), Some((done, all))) => format!("It is up; {done} of {all} rows are built again."),
            (Some(_), None) if !whole => "It is up and does not have everything yet.".to_owned(),
            (Some(_), None) if leads => "It is up and leads.".to_owned(),
            (Some(_), None) => "It is up.".to_owned(),
        }
    }

    fn node_of(&self, id: TargetId) -> Option<&str> {
        self.view?.map.target(id).map(|target| target.node.as_str())
    }

    fn answers(&self, node: &str) -> bool {
        let mut each = self.spec.node.iter().zip(self.nodes);
        each.any(|(of, status)| of.name == node && status.is_some())
    }

    /// Whether a node has its disks, all their rows, and its vote.
    fn is_whole(&self, name: &str, status: &NodeStatus) -> bool {
        let Some(view) = self.view else { return false };
        let own: Vec<&TargetInfo> = view.map.targets.iter().filter(|target| target.node == name).collect();
        let usable = own.iter().all(|target| self.is_usable(target.id));
        let unclean = unclean_targets(&view.map);
        let clean = own.iter().all(|target| !unclean.contains(&target.id));
        let votes = self.health.voter(name).is_none_or(|state| state == VoterState::Live);
        let replaced = !view.map.replacing.iter().any(|node| node == name);
        let has = |id: TargetId| status.targets.iter().any(|(target, _)| target.id == id);
        let has_all = status.unusable.is_empty() && own.iter().all(|target| has(target.id));
        usable && clean && votes && replaced && has_all && !self.is_blank(name, status)
    }

    /// Whether a node has a disk that the cluster does not know, or not as the one that votes.
    fn is_blank(&self, name: &str, status: &NodeStatus) -> bool {
        let Some(view) = self.view else { return !status.unadmitted.is_empty() };
        let strange = status.targets.iter().any(|(target, _)| view.map.target(target.id).is_none());
        let voter = self.health.voter(name);
        let stranger = matches!(voter, Some(VoterState::Blank | VoterState::OtherDisk));
        strange || stranger || !status.unadmitted.is_empty()
    }

    /// Whether a target serves every row that it should have, as far as anybody knows.
    fn is_usable(&self, id: TargetId) -> bool {
        let live = self.view.and_then(|view| view.live.iter().find(|live| live.id == id));
        let serves = live.is_some_and(|live| live.up && !live.failed && live.damaged_rows == 0);
        serves && self.node_of(id).is_some_and(|node| self.answers(node))
    }

    /// How many more nodes may be lost, while `without` is away; less than zero when more are missing already
    /// than may be.
    fn spare(&self, without: Option<&str>) -> Option<i64> {
        if self.health.founding.is_some() {
            return None;
        }
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let lives = |voter: Option<VoterState>| voter == Some(VoterState::Live);
        let gone = usize::from(without.is_some_and(|node| lives(self.health.voter(node))));
        let voters = count(self.health.voters_live()) - count(gone) - count(self.health.majority);
        if self.view.is_none() {
            // Without a leader nobody knows what is written; without a majority it is less than zero anyway.
            return Some(voters).filter(|voters| *voters < 0);
        }
        Some(self.data_spare(without).map_or(voters, |data| data.min(voters)))
    }

    /// The same of data alone; `None` before there is a place for any.
    fn data_spare(&self, without: Option<&str>) -> Option<i64> {
        let view = self.view?;
        let parity = i64::from(view.map.fs.as_ref()?.parity_rows);
        let there: HashMap<TargetId, bool> = view
            .map
            .targets
            .iter()
            .map(|target| (target.id, self.is_usable(target.id) && Some(target.node.as_str()) != without))
            .collect();
        let missing = |group: &PlacementGroup| {
            let gone = |position: &&Position| {
                !position.clean || !there.get(&position.target).copied().unwrap_or(false)
            };
            i64::try_from(group.positions.iter().filter(gone).count()).unwrap_or(i64::MAX)
        };
        view.map.groups.iter().map(|group| parity - missing(group)).min()
    }

    fn targets(&self, name: &str, status: Option<&NodeStatus>) -> Vec<TargetObservation> {
        let of = |target: &TargetInfo, live: Option<&TargetLive>, state| TargetObservation {
            id: target.id.to_string(),
            state,
            total_bytes: target.capacity_bytes,
            used_bytes: live.map_or(0, |live| live.used_bytes),
        };
        let state = |up: bool| if up { NodeState::Up } else { NodeState::Down };
        match (self.view, status) {
            (Some(view), _) => {
                let own = view.map.targets.iter().filter(|target| target.node == name);
                own.map(|target| {
                    let live = view.live.iter().find(|live| live.id == target.id);
                    let up = status.is_some() && live.is_some_and(|live| live.up && !live.failed);
                    of(target, live, state(up))
                })
                .collect()
            }
            (None, Some(status)) => {
                let own = status.targets.iter();
                own.map(|(target, live)| of(target, Some(live), state(live.up && !live.failed))).collect()
            }
            (None, None) => Vec::new(),
        }
    }
}

fn served(status: &NodeStatus) -> ServedByNode {
    let served = &status.served;
    ServedByNode {
        process: served.process,
        written_bytes: served.written_bytes,
        read_bytes: served.read_bytes,
        requests: served.storage_requests.saturating_add(served.metadata_requests),
    }
}

#[cfg(test)]
mod tests;
