//! The cluster: its settings, targets and placement groups, who is alive, and what operators ask.

use isobar_base::{ClusterId, GroupId, Ino, PgId, SegmentId, SessionId, TargetId};
use serde::{Deserialize, Serialize};

use crate::Address;

/// Properties of the file system, fixed when it is made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FsSettings {
    /// Identity of the cluster.
    pub cluster: ClusterId,
    /// Name of the file system, for people.
    pub name: String,
    /// Most data rows of a segment. Programs that read it as JSON know it as `n`.
    #[serde(rename = "n")]
    pub data_rows: u8,
    /// Parity rows of every segment: so many nodes may be lost. In JSON `k`.
    #[serde(rename = "k")]
    pub parity_rows: u8,
}

/// One storage target.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TargetInfo {
    /// The disk's random identity (I13).
    pub id: TargetId,
    /// Name of its node.
    pub node: String,
    /// Which of the node's targets it is, from 0.
    pub slot: u32,
    /// Where the node listens.
    pub addr: Address,
    /// Fault domain (rack, Azure fault domain), for people and placement.
    pub domain: String,
    /// Size of the device.
    pub capacity_bytes: u64,
}

/// Who holds one position of a placement group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Position {
    /// The target.
    pub target: TargetId,
    /// Log index at which it took the position: it may lack rows of segments committed before.
    pub since: u64,
    /// It has all rows it should have.
    pub clean: bool,
}

/// A placement group: targets on distinct nodes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlacementGroup {
    /// Its number.
    pub id: PgId,
    /// Its positions, N + K of them.
    pub positions: Vec<Position>,
}

/// Everything about the cluster that the log decides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClusterMap {
    /// Log index of the last change.
    pub epoch: u64,
    /// The file system, once made.
    pub fs: Option<FsSettings>,
    /// Known targets; those replaced are not listed.
    pub targets: Vec<TargetInfo>,
    /// Placement groups, empty before they are built.
    pub groups: Vec<PlacementGroup>,
    /// Nodes whose blank replacement was allowed and has not arrived.
    pub replacing: Vec<String>,
}

/// What the leader knows of a target at the moment; no safety depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TargetLive {
    /// Which target.
    pub id: TargetId,
    /// Its node reports.
    pub up: bool,
    /// Its device failed: it takes no data.
    pub failed: bool,
    /// Rows on it that are known to be of no use: damaged and not written again, or not the parity of their
    /// data.
    pub damaged_rows: u64,
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes that can still be written.
    pub free_bytes: u64,
    /// Rows rebuilt so far and to rebuild, while it is being rebuilt.
    pub rebuild: Option<(u64, u64)>,
}

/// The map and who is alive.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClusterView {
    /// What the log says.
    pub map: ClusterMap,
    /// What the leader sees, a row per target of the map.
    pub live: Vec<TargetLive>,
    /// Room is being freed, or might be: who finds none may hope for more.
    pub reclaiming: bool,
}

/// Reply to [`crate::Opcode::Cluster`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ClusterReply {
    /// The view.
    View(ClusterView),
    /// This node does not lead. Ask the one named, if any.
    NotLeader(Option<Address>),
}

/// A client keeps its session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RenewRequest {
    /// The metadata group that granted the session.
    pub group: GroupId,
    /// The session.
    pub session: SessionId,
    /// The epoch of the client's cluster map.
    pub epoch: u64,
}

/// Reply to a renewal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RenewReply {
    /// Renewed from the moment the request was sent.
    Renewed {
        /// The map, when the client's is older, and who is alive.
        map: Option<ClusterMap>,
        /// What the leader sees of each target.
        live: Vec<TargetLive>,
        /// Nameless inodes: answer with [`super::ops::FileOp::ReleaseOrphans`] for those not open.
        orphans: Vec<Ino>,
    },
    /// The session has ended.
    Gone,
    /// This node does not lead. Ask the one named, if any.
    NotLeader(Option<Address>),
}

/// A node tells the leader how it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Name of the node.
    pub node: String,
    /// Where it listens.
    pub addr: Address,
    /// The epoch of its cluster map.
    pub epoch: u64,
    /// Its targets and how they are.
    pub targets: Vec<(TargetInfo, TargetLive)>,
    /// Some of the segments with a row on them that is not the parity of its data.
    pub contradicting: Vec<SegmentId>,
    /// Identity of its metadata voter, if its configuration makes it one.
    pub voter: Option<u64>,
}

/// Reply to a heartbeat.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum HeartbeatReply {
    /// Heard.
    Ok {
        /// The map, when the node's is older.
        map: Option<ClusterMap>,
        /// What the leader sees of each target.
        live: Vec<TargetLive>,
        /// Targets of this node that are strangers: `isobar node replace` would admit them.
        unadmitted: Vec<TargetId>,
    },
    /// This node does not lead. Ask the one named, if any.
    NotLeader(Option<Address>),
}

/// A member of the metadata quorum.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VoterStatus {
    /// The disk's random identity.
    pub id: u64,
    /// Name of the node.
    pub node: String,
    /// Where it listens.
    pub addr: Address,
    /// A voter, or a learner that is catching up.
    pub voting: bool,
    /// Last log index known to be on its disk, as the leader knows.
    pub matched: Option<u64>,
}

/// The metadata group as one member sees it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MetaStatus {
    /// This member.
    pub id: u64,
    /// False for a disk that has never been part of a group.
    pub initialized: bool,
    /// Raft term.
    pub term: u64,
    /// Name of the leader's node.
    pub leader: Option<String>,
    /// Last entry in the log.
    pub last_log: u64,
    /// Last entry applied.
    pub applied: u64,
    /// The longest that applying one entry has taken since the node started, in milliseconds.
    pub apply_ms_max: u64,
    /// Hash of the state at `applied`; only when asked for.
    pub state_hash: Option<u64>,
    /// The members.
    pub members: Vec<VoterStatus>,
    /// Why the replica stopped, if it did: it answers, and neither votes nor keeps entries.
    pub stopped: Option<String>,
    /// What a blank disk waits for.
    pub waiting: Option<FoundingWait>,
}

/// Why a blank disk is not part of a metadata group yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum FoundingWait {
    /// A cluster is founded when all voters are there.
    #[error("waiting for the voters {}", .0.join(", "))]
    Voters(Vec<String>),
    /// All are there; the first voter of the cluster file has not founded it yet.
    #[error("waiting for {0}, the first voter of the cluster file, to found the cluster")]
    Founder(String),
    /// This node is part of a group already: the disk came into an old cluster.
    #[error("{0} is part of a metadata group")]
    Member(String),
    /// This node holds data already: the disk came into an old cluster.
    #[error("{0} holds data")]
    Holder(String),
    /// Who knows what is on a target that this node cannot use?
    #[error("{0} has a target that cannot be used: see isobar status")]
    Unusable(String),
    /// The founding failed and is tried again.
    #[error("the cluster is not founded: {0}")]
    Failed(String),
}

/// A target that a node is configured to have and cannot use.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UnusableTarget {
    /// Which of the node's targets it is, from 0.
    pub slot: u32,
    /// Its file or device.
    pub path: String,
    /// Why, and what to do.
    pub why: String,
}

/// What a node has done since it started. Bytes and requests for rows are those of clients and operators:
/// what other nodes ask for is not counted, nor what the node does by itself.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Served {
    /// Drawn when the process started: counts of another one begin at zero.
    pub process: u64,
    /// Bytes of new rows made durable on its targets, parity included. A damaged row that is written again
    /// is not new.
    pub written_bytes: u64,
    /// Bytes of rows read from its targets: all of a row, too, when only its end was asked for.
    pub read_bytes: u64,
    /// Requests for rows of every kind, those refused included.
    pub storage_requests: u64,
    /// Operations and questions for the metadata that came to this node, whether it leads or not: those of
    /// other nodes, too, and each time one is sent.
    pub metadata_requests: u64,
}

/// One node as it sees itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Name.
    pub node: String,
    /// Identity of the cluster.
    pub cluster: ClusterId,
    /// Version of the software.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// CPU time used since it started.
    pub cpu_milliseconds: u64,
    /// What it has done.
    pub served: Served,
    /// Its targets.
    pub targets: Vec<(TargetInfo, TargetLive)>,
    /// Targets not admitted to the cluster.
    #[serde(rename = "strangers")]
    pub unadmitted: Vec<TargetId>,
    /// Targets of its configuration that it could not open. It tries again.
    pub unusable: Vec<UnusableTarget>,
    /// Its metadata role, if any.
    pub meta: Option<MetaStatus>,
}

impl ClusterMap {
    /// The target with this id.
    pub fn target(&self, id: TargetId) -> Option<&TargetInfo> {
        self.targets.iter().find(|t| t.id == id)
    }

    /// The placement group with this number.
    pub fn group(&self, pg: PgId) -> Option<&PlacementGroup> {
        self.groups.get(pg.0 as usize).filter(|g| g.id == pg)
    }
}
