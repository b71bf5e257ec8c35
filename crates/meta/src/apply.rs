//! Applying an entry: sessions and repetition first, then the operation.
//!
//! ```text
//! nobody .................................. idempotent by itself: execute
//! session unknown ......................... SessionGone (I5)
//! seq below what was acknowledged ......... Repeated
//! a reply is stored for (session, seq) .... that reply (I12)
//! otherwise ............................... execute, store the reply, forget acknowledged ones
//! ```

use isobar_base::limits::OPS_PER_ENTRY_MAX;
use isobar_base::{Errno, GroupId, Kv, SessionId};
use isobar_wire::message::ops::{ClusterOp, FileOp, Mutation, Op, OpError, OpReply, OpResult, SessionOp};

use crate::codec::{decode, encode};
use crate::entry::Entry;
use crate::key;
use crate::limits::{REPLIES_FORGOTTEN_MAX, REPLIES_PER_SESSION_MAX, Room};
use crate::ops;
use crate::state::State;

/// Executes the operations of the entry at log index `index` of a metadata group; one result for each, in
/// order.
///
/// # Panics
/// When the state breaks an invariant: the replica must stop rather than differ from the others (I11).
/// Nothing that a client can ask for causes it.
pub fn apply(kv: &mut dyn Kv, group: GroupId, index: u64, entry: &Entry) -> Vec<OpResult> {
    apply_within(kv, group, index, entry, Room::OF_ENTRY)
}

/// [`apply`] with other bounds, for tests: small states then do what only large ones do otherwise.
///
/// # Panics
/// Like [`apply`].
pub fn apply_within(kv: &mut dyn Kv, group: GroupId, index: u64, entry: &Entry, room: Room) -> Vec<OpResult> {
    assert!(entry.ops.len() <= OPS_PER_ENTRY_MAX, "entry {index} has {} operations", entry.ops.len());
    let mut state = State::new(kv, group, index, entry.time.into(), room);
    let results = entry.ops.iter().map(|mutation| execute_once(&mut state, mutation)).collect();
    state.finish();
    results
}

/// The entry at `index` of the log.
///
/// # Panics
/// When the bytes are not an entry: a replica that cannot read the log must stop.
pub fn read_entry(index: u64, entry: &[u8]) -> Entry {
    match Entry::decode(entry) {
        Ok(entry) => entry,
        Err(error) => panic!("I11: log index {index}: {error}"),
    }
}

/// [`apply`]; gives the postcard of the results (`Vec<OpResult>`).
///
/// # Panics
/// Like [`apply`].
pub fn apply_to_bytes(kv: &mut dyn Kv, group: GroupId, index: u64, entry: &Entry) -> Vec<u8> {
    match postcard::to_stdvec(&apply(kv, group, index, entry)) {
        Ok(bytes) => bytes,
        Err(error) => panic!("results of log index {index} cannot be encoded: {error}"),
    }
}

fn execute_once(state: &mut State, mutation: &Mutation) -> OpResult {
    let Mutation { session: id, seq, .. } = *mutation;
    if id == SessionId::NOBODY {
        return match needs_session(&mutation.op) {
            true => Err(Errno::EPROTO.into()),
            false => ops::execute(state, id, &mutation.op),
        };
    }
    let Some(session) = state.session(id) else {
        return match mutation.op {
            Op::Session(SessionOp::Close) => Ok(OpReply::Done),
            Op::Session(SessionOp::Open { .. } | SessionOp::Expire { .. } | SessionOp::CleanUp { .. })
            | Op::Cluster(_)
            | Op::File(_) => Err(OpError::SessionGone),
        };
    };
    let (acked_below, highest_seq) = (session.acked_below, session.highest_seq);
    if seq < acked_below {
        return Err(OpError::Repeated);
    }
    let reply_key = key::reply(id, seq);
    if seq <= highest_seq
        && let Some(reply) = state.kv.get(&reply_key)
    {
        return decode(&reply);
    }
    // Numbers that were never used have no replies.
    let used = highest_seq.saturating_add(1).saturating_sub(acked_below);
    let reach = if used > REPLIES_FORGOTTEN_MAX { acked_below + REPLIES_FORGOTTEN_MAX } else { u64::MAX };
    let acknowledged = mutation.acked_below.min(seq).min(reach).max(acked_below);
    if seq - acknowledged >= REPLIES_PER_SESSION_MAX {
        return Err(Errno::EAGAIN.into());
    }
    let result = ops::execute(state, id, &mutation.op);
    if state.session(id).is_none() {
        return result; // The operation ended the session.
    }
    state.kv.put(&reply_key, encode(&result));
    forget_replies(state, id, acked_below, acknowledged, highest_seq);
    state.change_session(id, |session| {
        session.highest_seq = highest_seq.max(seq);
        session.acked_below = acknowledged;
    });
    result
}

/// Forgets the replies in `[from, to)`.
fn forget_replies(state: &mut State, id: SessionId, from: u64, to: u64, highest_seq: u64) {
    let to = to.min(highest_seq.saturating_add(1));
    for seq in from..to {
        state.kv.delete(&key::reply(id, seq));
    }
}

/// Whether repeating the operation could do harm, so that it must carry a session and a number.
fn needs_session(op: &Op) -> bool {
    match op {
        Op::Session(op) => match op {
            SessionOp::Close => true,
            SessionOp::Open { .. } | SessionOp::Expire { .. } | SessionOp::CleanUp { .. } => false,
        },
        Op::Cluster(op) => match op {
            ClusterOp::Format(_)
            | ClusterOp::RegisterTarget(_)
            | ClusterOp::BuildPlacement { .. }
            | ClusterOp::AllowReplace { .. }
            | ClusterOp::TargetRebuilt { .. }
            | ClusterOp::Collected { .. } => false,
        },
        Op::File(op) => match op {
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
            | FileOp::Replace(_)
            | FileOp::Lock { .. }
            | FileOp::UnlockAll { .. }
            | FileOp::ReleaseOrphans { .. } => true,
            FileOp::RevokeDelegation { .. } | FileOp::Purge { .. } => false,
        },
    }
}
