//! Log entries: what the leader stamps, and the operations.
//!
//! The operations are the wire's own types, unlike everything in `record`: the log holds what was asked, word
//! for word, and a copy of thirty operations would say the same twice. So their encoding on the wire is that
//! of the log, frozen in `golden` with a line for each: another encoding is another [`ENTRY_VERSION`], and a
//! new operation goes to the end of its enum. Replies that are kept for repetitions are the wire's likewise.

use isobar_base::limits::OPS_PER_ENTRY_MAX;
use isobar_wire::message::files::Time;
use isobar_wire::message::ops::{FileOp, Mutation, Op};
use serde::{Deserialize, Serialize};

use crate::codec;

/// First byte of every encoded entry.
const ENTRY_VERSION: u8 = 2;

/// One entry of the log: operations that are executed in order, at one moment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The leader's clock when it proposed the entry.
    pub time: Time,
    /// The operations, at most [`OPS_PER_ENTRY_MAX`].
    pub ops: Vec<Mutation>,
}

/// An entry with more than so many operations, ...
const OPS_SOON_DONE_MAX: usize = 64;
/// ... or extents in a COMMIT, may take a millisecond or more.
const EXTENTS_SOON_DONE_MAX: usize = 256;

/// Why bytes are not an entry.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// Written by a program this one does not know.
    #[error("log entry of format {0}; this program knows {ENTRY_VERSION}")]
    Version(u8),
    /// Not an entry.
    #[error("log entry damaged: {0}")]
    Damaged(postcard::Error),
    /// No bytes at all.
    #[error("log entry empty")]
    Empty,
    /// More operations than an entry may have.
    #[error("log entry with {0} operations, at most {OPS_PER_ENTRY_MAX}")]
    TooManyOps(usize),
}

impl Entry {
    /// The bytes to put in the log.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode_versioned(ENTRY_VERSION, 32 + 96 * self.ops.len(), self)
    }

    /// The entry that was put in the log.
    pub fn decode(bytes: &[u8]) -> Result<Entry, DecodeError> {
        let (&version, rest) = bytes.split_first().ok_or(DecodeError::Empty)?;
        if version != ENTRY_VERSION {
            return Err(DecodeError::Version(version));
        }
        let entry: Entry = postcard::from_bytes(rest).map_err(DecodeError::Damaged)?;
        if entry.ops.len() > OPS_PER_ENTRY_MAX {
            return Err(DecodeError::TooManyOps(entry.ops.len()));
        }
        Ok(entry)
    }

    /// Whether applying it may take a millisecond or more: it has many operations, or one that visits more of
    /// the state than it names. No entry takes much longer ([`crate::Room`]).
    pub fn may_take_long(&self) -> bool {
        self.ops.len() > OPS_SOON_DONE_MAX || self.ops.iter().any(|mutation| visits_much(&mutation.op))
    }
}

#[deny(clippy::wildcard_enum_match_arm)]
fn visits_much(op: &Op) -> bool {
    match op {
        Op::Session(_) | Op::Cluster(_) => true,
        Op::File(op) => match op {
            FileOp::Create { .. }
            | FileOp::Delegate { .. }
            | FileOp::ReturnDelegation { .. }
            | FileOp::RevokeDelegation { .. }
            | FileOp::Link { .. }
            | FileOp::Unlink { .. }
            | FileOp::Rmdir { .. }
            | FileOp::Rename { .. }
            | FileOp::SetXattr { .. }
            | FileOp::RemoveXattr { .. }
            | FileOp::Lock { .. }
            | FileOp::UnlockAll { .. } => false,
            FileOp::SetAttr { set, .. } => set.size.is_some(),
            FileOp::Commit(commit) => commit.extents.len() > EXTENTS_SOON_DONE_MAX,
            FileOp::Punch { .. }
            | FileOp::Replace(_)
            | FileOp::ReleaseOrphans { .. }
            | FileOp::Purge { .. } => true,
        },
    }
}
