//! The bytes of messages: the envelope of every request, and the replies that are not openraft's own.

use openraft::error::SnapshotMismatch;
use openraft::raft::InstallSnapshotResponse;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ConsensusError;
use crate::ids::{LogId, Vote};

/// Bytes before the request.
const ENVELOPE_BYTES: usize = 18;

/// Encodes a message.
pub(super) fn encode(
    group: u16,
    from: u64,
    to: u64,
    request: &impl Serialize,
    bytes_hint: usize,
) -> Result<Vec<u8>, ConsensusError> {
    let mut out = Vec::with_capacity(ENVELOPE_BYTES + 256 + bytes_hint);
    out.extend_from_slice(&group.to_le_bytes());
    out.extend_from_slice(&from.to_le_bytes());
    out.extend_from_slice(&to.to_le_bytes());
    postcard::to_extend(request, out).map_err(|e| ConsensusError::Malformed(e.to_string()))
}

/// Decodes a message meant for `me` in `group`.
pub(crate) fn decode<T: DeserializeOwned>(group: u16, me: u64, body: &[u8]) -> Result<T, ConsensusError> {
    let malformed = || ConsensusError::Malformed(format!("message of {} bytes", body.len()));
    let (head, request) = body.split_at_checked(ENVELOPE_BYTES).ok_or_else(malformed)?;
    let to_group = u16::from_le_bytes([head[0], head[1]]);
    let to = u64::from_le_bytes(head[10..18].try_into().map_err(|_| malformed())?);
    if (to_group, to) != (group, me) {
        return Err(ConsensusError::WrongPeer { to, group: to_group, me, my_group: group });
    }
    postcard::from_bytes(request).map_err(|e| ConsensusError::Malformed(e.to_string()))
}

/// Who sent a message.
pub(crate) fn sender(body: &[u8]) -> Option<u64> {
    body.get(2..10)?.try_into().ok().map(u64::from_le_bytes)
}

/// What one voter answers to a pre-vote, and to a leader that confirms a read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PreVoteState {
    /// Its vote, from before it was promised to anybody.
    pub vote: Option<Vote>,
    /// The end of its log.
    pub last: Option<LogId>,
    /// Since when it has not heard a leader.
    pub silent_ms: u64,
    /// It should not lead: its devices fail it, or it led nowhere.
    pub unfit: bool,
}

/// A reply to a piece of a snapshot.
#[derive(Serialize, Deserialize)]
pub(crate) enum SnapshotReply {
    Taken(InstallSnapshotResponse<u64>),
    Mismatch(SnapshotMismatch),
}
