//! Which role may ask for what.
//!
//! A node believes nobody who is not one: what only the leader and its nodes do among themselves is refused
//! to all others before it is looked at. That a client may ask for something does not say that it is
//! granted: an operation on a file is checked by the state machine, a user's permissions by the kernel that
//! mounts.

use isobar_identity::Role;

use crate::message::ops::{FileOp, Op, SessionOp};
use crate::message::probe::ProbeRequest;
use crate::message::queries::{ClusterQuery, Query, SessionQuery};
use crate::{Opcode, Refusal};

/// The least that is needed: each may what those before it may.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Needs {
    Client,
    Administrator,
    Node,
}

/// Whether `role` may send this; what it is told if not.
///
/// # Errors
/// [`Refusal::Forbidden`].
pub fn may_send(role: Role, opcode: Opcode) -> Result<(), Refusal> {
    let needs = match opcode {
        // Of these, what is asked for in particular decides, too.
        Opcode::Mutate | Opcode::Query | Opcode::Probe => Needs::Client,
        Opcode::Renew | Opcode::Cluster | Opcode::NodeStatus | Opcode::Delegation => Needs::Client,
        Opcode::Put | Opcode::Get | Opcode::Rewrite | Opcode::Withdraw => Needs::Client,
        Opcode::Admin | Opcode::List => Needs::Administrator,
        Opcode::Heartbeat | Opcode::Delete => Needs::Node,
        Opcode::RaftAppend | Opcode::RaftVote | Opcode::RaftSnapshot | Opcode::RaftStanding => Needs::Node,
    };
    check(role, needs)
}

/// Whether `role` may have this executed; what it is told if not.
///
/// # Errors
/// [`Refusal::Forbidden`].
#[deny(clippy::wildcard_enum_match_arm)]
pub fn may_mutate(role: Role, op: &Op) -> Result<(), Refusal> {
    let needs = match op {
        Op::Session(SessionOp::Open { .. } | SessionOp::Close) => Needs::Client,
        Op::Session(SessionOp::Expire { .. } | SessionOp::CleanUp { .. }) => Needs::Node,
        Op::Cluster(_) => Needs::Node,
        Op::File(FileOp::Replace(_) | FileOp::RevokeDelegation { .. } | FileOp::Purge { .. }) => Needs::Node,
        Op::File(
            FileOp::Create { .. }
            | FileOp::Delegate { .. }
            | FileOp::ReturnDelegation { .. }
            | FileOp::Link { .. }
            | FileOp::Unlink { .. }
            | FileOp::Rmdir { .. }
            | FileOp::Rename { .. }
            | FileOp::SetAttr { .. }
            | FileOp::SetXattr { .. }
            | FileOp::RemoveXattr { .. }
            | FileOp::Commit(_)
            | FileOp::Punch { .. }
            | FileOp::Lock { .. }
            | FileOp::UnlockAll { .. }
            | FileOp::ReleaseOrphans { .. },
        ) => Needs::Client,
    };
    check(role, needs)
}

/// Whether `role` may know this; what it is told if not.
///
/// # Errors
/// [`Refusal::Forbidden`].
#[deny(clippy::wildcard_enum_match_arm)]
pub fn may_query(role: Role, query: &Query) -> Result<(), Refusal> {
    let needs = match query {
        Query::File(_) => Needs::Client,
        Query::Cluster(ClusterQuery::Map | ClusterQuery::Counts | ClusterQuery::SegmentStates { .. }) => {
            Needs::Client
        }
        Query::Cluster(ClusterQuery::Segments { .. } | ClusterQuery::Inodes { .. })
        | Query::Session(SessionQuery::List) => Needs::Administrator,
        Query::Cluster(
            ClusterQuery::DeleteQueue { .. } | ClusterQuery::PurgeQueue { .. } | ClusterQuery::LowLive { .. },
        )
        | Query::Session(SessionQuery::Orphans { .. } | SessionQuery::Ended { .. }) => Needs::Node,
    };
    check(role, needs)
}

/// Whether `role` may have this measured; what it is told if not.
///
/// # Errors
/// [`Refusal::Forbidden`].
#[deny(clippy::wildcard_enum_match_arm)]
pub fn may_probe(role: Role, probe: &ProbeRequest) -> Result<(), Refusal> {
    let needs = match probe {
        ProbeRequest::Clock => Needs::Client,
        ProbeRequest::Sink
        | ProbeRequest::About
        | ProbeRequest::Echo { .. }
        | ProbeRequest::Device { .. }
        | ProbeRequest::Stream { .. }
        | ProbeRequest::PathMtu { .. } => Needs::Administrator,
    };
    check(role, needs)
}

fn check(role: Role, needs: Needs) -> Result<(), Refusal> {
    let has = match role {
        Role::Client => Needs::Client,
        Role::Administrator => Needs::Administrator,
        Role::Node => Needs::Node,
    };
    if has >= needs {
        return Ok(());
    }
    Err(Refusal::Forbidden(match needs {
        Needs::Client => "a client's credential".to_owned(),
        Needs::Administrator => "an administrator's credential (admin.pem)".to_owned(),
        Needs::Node => "a node's credential".to_owned(),
    }))
}
