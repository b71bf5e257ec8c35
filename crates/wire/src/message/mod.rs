//! What is said: every request and reply, as plain serialisable types.
//!
//! [`ops`] and [`queries`] are the metadata service, executed by the state machine; [`storage`] is
//! what a storage target does; [`cluster`] describes the cluster to clients and operators; [`probe`]
//! is what a node measures of itself and of the way to another one.

pub mod admin;
pub mod cluster;
pub mod delegations;
pub mod files;
pub mod ops;
pub mod probe;
pub mod queries;
pub mod storage;

/// What a message asks for. The numbers are part of the wire format and never reused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u16)]
pub enum Opcode {
    /// [`ops::MutateRequest`] → [`ops::MutateReply`].
    Mutate = 1,
    /// [`queries::QueryRequest`] → [`queries::QueryReply`].
    Query = 2,
    /// [`cluster::RenewRequest`] → [`cluster::RenewReply`].
    Renew = 3,
    /// `()` → [`cluster::ClusterView`], from the metadata leader.
    Cluster = 4,
    /// [`cluster::Heartbeat`] → [`cluster::HeartbeatReply`], to the metadata leader.
    Heartbeat = 5,
    /// `()` → [`cluster::NodeStatus`], from any node.
    NodeStatus = 6,
    /// [`admin::AdminRequest`] → [`admin::AdminReply`], to the metadata leader.
    Admin = 7,
    /// [`delegations::DelegationRequest`] → [`delegations::DelegationReply`], to the metadata leader.
    Delegation = 8,
    /// [`probe::ProbeRequest`] → [`probe::ProbeReply`], from any node.
    Probe = 9,
    /// Raft AppendEntries; the body belongs to the consensus crate.
    RaftAppend = 16,
    /// Raft Vote.
    RaftVote = 17,
    /// Raft InstallSnapshot.
    RaftSnapshot = 18,
    /// Where a voter stands; the body belongs to the consensus crate.
    RaftStanding = 19,
    /// [`storage::PutRequest`] with the row as payload → `()`.
    Put = 32,
    /// [`storage::GetRequest`] → [`storage::GetReply`] with the units as payload.
    Get = 33,
    /// [`storage::DeleteRequest`] → `()`.
    Delete = 34,
    /// [`storage::ListRequest`] → [`storage::ListReply`].
    List = 35,
    /// [`storage::PutRequest`] with the row as payload → `()`: a row that is missing or damaged is stored
    /// again, one that is whole stays as it is.
    Rewrite = 36,
    /// [`storage::DeleteRequest`] → `()`: rows of segments that whoever wrote them will never commit. Refused
    /// where the ledger names one.
    Withdraw = 37,
}

impl Opcode {
    /// The opcode with this number, if there is one.
    pub fn from_number(number: u16) -> Option<Opcode> {
        use Opcode::*;
        [
            Mutate,
            Query,
            Renew,
            Cluster,
            Heartbeat,
            NodeStatus,
            Admin,
            Delegation,
            Probe,
            RaftAppend,
            RaftVote,
            RaftSnapshot,
            RaftStanding,
            Put,
            Get,
            Delete,
            List,
            Rewrite,
            Withdraw,
        ]
        .into_iter()
        .find(|op| *op as u16 == number)
    }
}
