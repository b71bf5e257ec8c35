//! What may still be lost, and what needs somebody: judged from what every node said of itself, and from what
//! a leader that a majority has just confirmed says of the cluster.
//!
//! A voter counts only when it is the disk that has the vote, its replica runs, and it hears the leader that
//! was confirmed. So a voter that nobody finds at its new address, or a blank one, is not counted as one; and
//! a node that merely takes itself for the leader is not shown as such.

use isobar_base::TargetId;
use isobar_config::ClusterSpec;
use isobar_wire::Address;
use isobar_wire::message::cluster::{ClusterView, FoundingWait, MetaStatus, NodeStatus, VoterStatus};
use serde::Serialize;

use crate::redundancy::Redundancy;

/// How a cluster is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Health {
    /// The node that leads the metadata, as a majority confirmed.
    pub leader: Option<String>,
    /// Set when no voter that answers has ever been part of a group.
    pub founding: Option<Founding>,
    /// The voters of the group; those of the cluster file when no node tells which they are.
    pub voters: Vec<Voter>,
    /// So many of them it takes to decide anything.
    pub majority: usize,
    /// So many of those that live may be lost, and metadata goes on. `None` without a quorum.
    pub voters_may_be_lost: Option<usize>,
    /// So many nodes may be lost, and every byte written can still be read. `None` when nothing was written,
    /// or no leader says what was.
    pub data_nodes_may_be_lost: Option<usize>,
    /// What needs somebody, the most urgent first.
    pub attention: Vec<Attention>,
}

/// What a cluster waits for that has not been founded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Founding {
    /// Voters that do not answer.
    pub silent: Vec<String>,
    /// What those that answer wait for.
    pub waiting: Option<FoundingWait>,
}

/// A voter and how it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Voter {
    /// Its node.
    pub node: String,
    /// How it is.
    pub state: VoterState,
}

/// How a voter is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VoterState {
    /// It votes.
    Live,
    /// Its node does not answer.
    Silent,
    /// Its node has a disk that never was part of the group.
    Blank,
    /// Its node has another disk, which is getting the log before it gets the vote.
    CatchingUp,
    /// Its node has another disk, or none for metadata.
    OtherDisk,
    /// Its replica has stopped.
    Stopped,
    /// It answers, and does not hear the leader.
    Unheard,
}

/// Something that needs somebody.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Attention {
    /// Too few voters live.
    NoQuorum {
        /// Those that do not.
        missing: Vec<String>,
    },
    /// Enough voters live, and no leader was confirmed.
    NoLeader,
    /// A node does not answer.
    NodeSilent {
        /// Its name.
        node: String,
    },
    /// A voter's disk is blank.
    VoterBlank {
        /// Its node.
        node: String,
    },
    /// A new voter gets the log.
    VoterCatchingUp {
        /// Its node.
        node: String,
    },
    /// The disk that has the vote is not in its node.
    VoterOtherDisk {
        /// Its node.
        node: String,
    },
    /// A voter's replica has stopped.
    VoterStopped {
        /// Its node.
        node: String,
        /// What it says of it.
        why: String,
    },
    /// A voter does not hear the leader.
    VoterUnheard {
        /// Its node.
        node: String,
        /// Where the others look for it, when that is not where the cluster file has it.
        called_at: Option<Address>,
    },
    /// A node has a disk that the cluster does not know.
    TargetBlank {
        /// The node.
        node: String,
    },
    /// A device failed.
    TargetFailed {
        /// Its node.
        node: String,
        /// Which target.
        target: TargetId,
    },
    /// A node is configured to have a target that it cannot use.
    TargetUnusable {
        /// The node.
        node: String,
        /// Its file or device.
        path: String,
        /// What the node says of it.
        why: String,
    },
    /// Rows on a target are damaged, and not stored again yet.
    RowsDamaged {
        /// The node.
        node: String,
        /// Which target.
        target: TargetId,
        /// So many.
        rows: u64,
    },
    /// A node answers, and the leader does not hear of one of its targets.
    TargetDown {
        /// The node.
        node: String,
        /// Which target.
        target: TargetId,
    },
}

/// Judges a cluster. `nodes` are those of the cluster file in its order, `None` for one that does not answer;
/// `view` and `redundancy` are of a leader that a majority confirmed.
pub fn health(
    spec: &ClusterSpec,
    nodes: &[Option<NodeStatus>],
    view: Option<&ClusterView>,
    redundancy: Option<&Redundancy>,
) -> Health {
    let seen = Seen { spec, nodes };
    let leader = view.and_then(|_| seen.self_styled_leader());
    let founding = seen.founding();
    let voters = seen.voters(leader);
    let majority = voters.len() / 2 + 1;
    let live = voters.iter().filter(|v| v.state == VoterState::Live).count();
    let mut attention = Vec::new();
    if founding.is_none() {
        if live < majority {
            let dead = voters.iter().filter(|v| v.state != VoterState::Live);
            attention.push(Attention::NoQuorum { missing: dead.map(|v| v.node.clone()).collect() });
        } else if leader.is_none() {
            attention.push(Attention::NoLeader);
        }
        // Without a quorum no node can be replaced: those that are missing are named as missing.
        let told = |voter: &&Voter| live >= majority || voter.state != VoterState::Silent;
        attention.extend(voters.iter().filter(told).filter_map(|voter| seen.voter_attention(voter, leader)));
    }
    attention.extend(seen.silent_others(&voters));
    attention.extend(view.into_iter().flat_map(|view| seen.targets_attention(view)));
    Health {
        leader: leader.map(str::to_owned),
        voters_may_be_lost: live.checked_sub(majority).filter(|_| founding.is_none()),
        founding,
        voters,
        majority,
        data_nodes_may_be_lost: redundancy.and_then(|r| r.spare_rows),
        attention,
    }
}

impl Health {
    /// Whether nothing needs anybody. Rows that are missing are for [`Redundancy`] to say.
    pub fn is_good(&self) -> bool {
        self.attention.is_empty() && self.leader.is_some()
    }

    /// How many voters live.
    pub fn voters_live(&self) -> usize {
        self.voters.iter().filter(|v| v.state == VoterState::Live).count()
    }

    /// How a node's voter is; `None` when it has none.
    pub fn voter(&self, node: &str) -> Option<VoterState> {
        self.voters.iter().find(|v| v.node == node).map(|v| v.state)
    }
}

/// What the nodes of a cluster file say of themselves.
struct Seen<'a> {
    spec: &'a ClusterSpec,
    nodes: &'a [Option<NodeStatus>],
}

impl<'a> Seen<'a> {
    fn status(&self, node: &str) -> Option<&'a NodeStatus> {
        let at = self.spec.node.iter().position(|n| n.name == node)?;
        self.nodes.get(at)?.as_ref()
    }

    fn metas(&self) -> impl Iterator<Item = (&'a str, &'a MetaStatus)> {
        self.nodes.iter().flatten().filter_map(|s| Some((s.node.as_str(), s.meta.as_ref()?)))
    }

    /// Of those that take themselves for the leader, the one of the highest term.
    fn self_styled_leader(&self) -> Option<&'a str> {
        let claims = self.metas().filter(|(node, meta)| meta.leader.as_deref() == Some(*node));
        claims.max_by_key(|(_, meta)| meta.term).map(|(node, _)| node)
    }

    fn founding(&self) -> Option<Founding> {
        let mut metas = self.metas().peekable();
        metas.peek()?;
        if metas.any(|(_, meta)| meta.initialized) {
            return None;
        }
        let voters = self.spec.node.iter().filter(|n| n.voter);
        let silent = voters.filter(|n| self.status(&n.name).is_none()).map(|n| n.name.clone()).collect();
        Some(Founding { silent, waiting: self.metas().find_map(|(_, meta)| meta.waiting.clone()) })
    }

    /// The members of the group as the leader has them, else as the replica has them that is furthest.
    fn members(&self, leader: Option<&str>) -> Option<&'a [VoterStatus]> {
        let known = self.metas().filter(|(_, meta)| meta.initialized && !meta.members.is_empty());
        let best = known.max_by_key(|(node, meta)| (Some(*node) == leader, meta.term, meta.applied));
        best.map(|(_, meta)| &meta.members[..])
    }

    fn voters(&self, leader: Option<&str>) -> Vec<Voter> {
        let Some(members) = self.members(leader) else {
            let voters = self.spec.node.iter().filter(|n| n.voter);
            let state = |node: &str| match self.status(node).map(|s| &s.meta) {
                None => VoterState::Silent,
                Some(None) => VoterState::OtherDisk,
                Some(Some(_)) => VoterState::Blank,
            };
            return voters.map(|n| Voter { node: n.name.clone(), state: state(&n.name) }).collect();
        };
        let voter = |m: &VoterStatus| Voter { node: m.node.clone(), state: self.state(m, members, leader) };
        let mut voters: Vec<Voter> = members.iter().filter(|m| m.voting).map(voter).collect();
        voters.sort_by_key(|voter| self.spec.node.iter().position(|n| n.name == voter.node));
        voters
    }

    fn state(&self, member: &VoterStatus, members: &[VoterStatus], leader: Option<&str>) -> VoterState {
        let Some(status) = self.status(&member.node) else { return VoterState::Silent };
        match &status.meta {
            None => VoterState::OtherDisk,
            Some(meta) if !meta.initialized => VoterState::Blank,
            Some(meta) if meta.id != member.id && members.iter().any(|m| m.id == meta.id) => {
                VoterState::CatchingUp
            }
            Some(meta) if meta.id != member.id => VoterState::OtherDisk,
            Some(meta) if meta.stopped.is_some() => VoterState::Stopped,
            Some(meta) if leader.is_some() && meta.leader.as_deref() != leader => VoterState::Unheard,
            Some(_) => VoterState::Live,
        }
    }

    fn voter_attention(&self, voter: &Voter, leader: Option<&str>) -> Option<Attention> {
        let node = voter.node.clone();
        Some(match voter.state {
            VoterState::Live => return None,
            VoterState::Silent => Attention::NodeSilent { node },
            VoterState::Blank => Attention::VoterBlank { node },
            VoterState::CatchingUp => Attention::VoterCatchingUp { node },
            VoterState::OtherDisk => Attention::VoterOtherDisk { node },
            VoterState::Stopped => {
                let meta = self.status(&node).and_then(|s| s.meta.as_ref());
                let why = meta.and_then(|meta| meta.stopped.clone()).unwrap_or_default();
                Attention::VoterStopped { node, why }
            }
            VoterState::Unheard => {
                let listed = self.spec.node.iter().find(|n| n.name == node).map(|n| &n.addr);
                let member = self.members(leader)?.iter().find(|m| m.voting && m.node == node);
                let called_at = member.map(|m| m.addr.clone()).filter(|addr| Some(addr) != listed);
                Attention::VoterUnheard { node, called_at }
            }
        })
    }

    /// Nodes without a vote that do not answer.
    fn silent_others<'b>(&'b self, voters: &'b [Voter]) -> impl Iterator<Item = Attention> + 'b {
        let silent = self.spec.node.iter().zip(self.nodes).filter(|(_, status)| status.is_none());
        let others = silent.filter(|(node, _)| voters.iter().all(|v| v.node != node.name));
        others.map(|(node, _)| Attention::NodeSilent { node: node.name.clone() })
    }

    fn targets_attention<'b>(&'b self, view: &'b ClusterView) -> impl Iterator<Item = Attention> + 'b {
        let strange = self.nodes.iter().flatten().filter(|s| !s.unadmitted.is_empty());
        let blank = strange.map(|s| Attention::TargetBlank { node: s.node.clone() });
        let unusable = self.nodes.iter().flatten().flat_map(|status| {
            status.unusable.iter().map(|target| Attention::TargetUnusable {
                node: status.node.clone(),
                path: target.path.clone(),
                why: target.why.clone(),
            })
        });
        let bad = view.live.iter().filter(|live| live.failed || !live.up || live.damaged_rows > 0);
        let bad = bad.filter_map(move |live| {
            let node = view.map.target(live.id)?.node.clone();
            if live.failed {
                return Some(Attention::TargetFailed { node, target: live.id });
            }
            if live.up {
                return Some(Attention::RowsDamaged { node, target: live.id, rows: live.damaged_rows });
            }
            // Nodes that do not answer, and those with blank disks, are listed as such.
            let status = self.status(&node)?;
            status.unadmitted.is_empty().then_some(Attention::TargetDown { node, target: live.id })
        });
        blank.chain(unusable).chain(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_base::ClusterId;
    use isobar_config::NodeSpec;
    use isobar_wire::message::cluster::{ClusterMap, TargetInfo, TargetLive};

    fn addr(node: usize) -> Address {
        format!("h{node}:1").parse().unwrap()
    }

    /// Six nodes, n1 to n6, of which the first five vote.
    fn spec() -> ClusterSpec {
        let node = |at: usize| NodeSpec {
            name: format!("n{at}"),
            addr: addr(at),
            voter: at <= 5,
            domain: String::new(),
        };
        ClusterSpec {
            version: 1,
            cluster: "0123456789abcdef".to_owned(),
            name: "fs".to_owned(),
            data_rows: 4,
            parity_rows: 2,
            credentials: ".".into(),
            encrypt: true,
            node: (1..=6).map(node).collect(),
            base: "".into(),
        }
    }

    fn meta(at: usize) -> MetaStatus {
        let member = |at: usize| VoterStatus {
            id: at as u64,
            node: format!("n{at}"),
            addr: addr(at),
            voting: true,
            matched: None,
        };
        MetaStatus {
            apply_ms_max: 0,
            id: at as u64,
            initialized: true,
            term: 3,
            leader: Some("n1".to_owned()),
            last_log: 9,
            applied: 9,
            state_hash: None,
            members: (1..=5).map(member).collect(),
            stopped: None,
            waiting: None,
        }
    }

    /// All six up, n1 leads.
    fn nodes() -> Vec<Option<NodeStatus>> {
        let node = |at: usize| NodeStatus {
            unusable: Vec::new(),
            node: format!("n{at}"),
            cluster: ClusterId(1),
            version: String::new(),
            pid: 1,
            cpu_milliseconds: 0,
            served: Default::default(),
            targets: Vec::new(),
            unadmitted: Vec::new(),
            meta: (at <= 5).then(|| meta(at)),
        };
        (1..=6).map(|at| Some(node(at))).collect()
    }

    fn view(down: &[u64], failed: &[u64]) -> ClusterView {
        let target = |id: u64| TargetInfo {
            id: TargetId(id),
            node: format!("n{id}"),
            slot: 0,
            addr: addr(id as usize),
            domain: String::new(),
            capacity_bytes: 1,
        };
        let live = |id: u64| TargetLive {
            damaged_rows: 0,
            id: TargetId(id),
            up: !down.contains(&id),
            failed: failed.contains(&id),
            used_bytes: 0,
            free_bytes: 0,
            rebuild: None,
        };
        let (groups, replacing) = (Vec::new(), Vec::new());
        let map =
            ClusterMap { epoch: 1, fs: None, targets: (1..=6).map(target).collect(), groups, replacing };
        ClusterView { map, live: (1..=6).map(live).collect(), reclaiming: false }
    }

    fn judged(nodes: &[Option<NodeStatus>]) -> Health {
        health(&spec(), nodes, Some(&view(&[], &[])), None)
    }

    fn meta_of(nodes: &mut [Option<NodeStatus>], at: usize) -> &mut MetaStatus {
        nodes[at - 1].as_mut().unwrap().meta.as_mut().unwrap()
    }

    #[test]
    fn what_may_be_lost_counts_the_voters_that_live_now() {
        let mut nodes = nodes();
        let all = judged(&nodes);
        assert!(all.is_good(), "{all:?}");
        assert_eq!((all.voters_may_be_lost, all.leader.as_deref()), (Some(2), Some("n1")));
        nodes[4] = None;
        let four = judged(&nodes);
        assert_eq!((four.voters_may_be_lost, four.voter("n5")), (Some(1), Some(VoterState::Silent)));
        assert_eq!(four.attention, [Attention::NodeSilent { node: "n5".into() }]);
        nodes[3] = None;
        assert_eq!(judged(&nodes).voters_may_be_lost, Some(0));
    }

    #[test]
    fn a_node_that_takes_itself_for_the_leader_is_none_when_no_majority_confirms_it() {
        let mut nodes = nodes();
        nodes[2..5].fill(None);
        let lost = health(&spec(), &nodes, None, None);
        assert_eq!((lost.leader.as_deref(), lost.voters_may_be_lost), (None, None));
        let missing = ["n3", "n4", "n5"].map(String::from).to_vec();
        assert_eq!(lost.attention, [Attention::NoQuorum { missing }]);
        let unconfirmed = health(&spec(), &self::nodes(), None, None);
        assert_eq!((unconfirmed.leader.as_deref(), unconfirmed.voters_may_be_lost), (None, Some(2)));
        assert_eq!(unconfirmed.attention, [Attention::NoLeader]);
        // One that was deposed and has not noticed is none either.
        nodes = self::nodes();
        (2..=5).for_each(|at| {
            (meta_of(&mut nodes, at).term, meta_of(&mut nodes, at).leader) = (4, Some("n2".into()))
        });
        let deposed = judged(&nodes);
        assert_eq!((deposed.leader.as_deref(), deposed.voter("n1")), (Some("n2"), Some(VoterState::Unheard)));
    }

    #[test]
    fn a_voter_counts_only_with_its_disk_its_replica_and_the_leader_in_its_ear() {
        let mut nodes = nodes();
        let blank = meta_of(&mut nodes, 2);
        (blank.id, blank.initialized, blank.leader) = (77, false, None);
        meta_of(&mut nodes, 3).stopped = Some("the log cannot be written".into());
        let found = judged(&nodes);
        assert_eq!(found.voters_may_be_lost, Some(0));
        let why = "the log cannot be written".to_owned();
        assert_eq!(
            found.attention,
            [Attention::VoterBlank { node: "n2".into() }, Attention::VoterStopped { node: "n3".into(), why }]
        );
        let mut nodes = self::nodes();
        meta_of(&mut nodes, 4).id = 99;
        assert_eq!(judged(&nodes).voter("n4"), Some(VoterState::OtherDisk));
        let newcomer = VoterStatus { id: 99, voting: false, ..meta(1).members[3].clone() };
        meta_of(&mut nodes, 1).members.push(newcomer);
        assert_eq!(judged(&nodes).voter("n4"), Some(VoterState::CatchingUp));
    }

    #[test]
    fn a_voter_that_the_others_look_for_elsewhere_is_out_of_the_quorum() {
        let mut nodes = nodes();
        meta_of(&mut nodes, 5).leader = None;
        let unheard = |called_at| Attention::VoterUnheard { node: "n5".into(), called_at };
        assert_eq!(judged(&nodes).attention, [unheard(None)]);
        let mut moved = spec();
        moved.node[4].addr = addr(55);
        let found = health(&moved, &nodes, Some(&view(&[], &[])), None);
        assert_eq!((found.attention, found.voters_may_be_lost), (vec![unheard(Some(addr(5)))], Some(1)));
    }

    #[test]
    fn before_the_founding_it_says_who_is_missing() {
        let mut nodes = nodes();
        for at in 1..=4 {
            let meta = meta_of(&mut nodes, at);
            (meta.initialized, meta.leader) = (false, None);
            meta.members.clear();
            meta.waiting = Some(FoundingWait::Voters(vec!["n5".into()]));
        }
        nodes[4] = None;
        let found = health(&spec(), &nodes, None, None);
        let waiting = Some(FoundingWait::Voters(vec!["n5".into()]));
        assert_eq!(found.founding, Some(Founding { silent: vec!["n5".into()], waiting }));
        assert_eq!((found.attention, found.voters_may_be_lost), (Vec::new(), None));
        let nobody = health(&spec(), &[None, None, None, None, None, None], None, None);
        assert_eq!((nobody.founding, nobody.voters.len()), (None, 5), "nobody says that it is not founded");
    }

    #[test]
    fn targets_that_failed_are_down_or_are_unknown_are_named() {
        let mut nodes = nodes();
        nodes[5] = None;
        nodes[1].as_mut().unwrap().unadmitted.push(TargetId(9));
        let found = health(&spec(), &nodes, Some(&view(&[2, 3, 6], &[4])), None);
        assert_eq!(
            found.attention,
            [
                Attention::NodeSilent { node: "n6".into() },
                Attention::TargetBlank { node: "n2".into() },
                Attention::TargetDown { node: "n3".into(), target: TargetId(3) },
                Attention::TargetFailed { node: "n4".into(), target: TargetId(4) }
            ]
        );
    }
}
