//! Log entries: what the leader stamps, and the operations.
//!
//! The operations are the wire's own types, unlike everything in `record`: the log holds what was asked, word
//! for word, and a copy of thirty operations would say the same twice. So their encoding on the wire is that
//! of the log, frozen in `golden` with a line for each: another encoding is another [`ENTRY_VERSION`], and a
//! new operation goes to the end of its enum. Replies that are kept for repetitions are the wire's likewise.

use isobar_base::limits::OPS_PER_ENTRY_MAX;
use isobar_wire::message::files::Time;
use isobar_wire::message::ops::{ClusterOp, Commit, FileOp, Mutation, Op, Replace};
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

/// Most that operations of one entry should weigh together ([`weight`]): some ten milliseconds of work. One
/// that weighs more is alone in its entry.
pub const ENTRY_WEIGHT_MAX: usize = 1024;
/// An entry that weighs more may take a millisecond or more.
const SOON_DONE_WEIGHT_MAX: usize = 64;

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

    /// Whether applying it is likely to take a millisecond or more: it weighs much, or an operation visits
    /// more of the state than it names. What others overwrite or remove beside that is bounded
    /// ([`crate::Room`]).
    pub fn may_take_long(&self) -> bool {
        let weight: usize = self.ops.iter().map(|mutation| weight(&mutation.op)).sum();
        weight > SOON_DONE_WEIGHT_MAX || self.ops.iter().any(|mutation| visits_much(&mutation.op))
    }
}

/// What applying an operation costs: what it names, beside itself, each some microseconds.
#[deny(clippy::wildcard_enum_match_arm)]
pub fn weight(op: &Op) -> usize {
    match op {
        Op::File(
            FileOp::Commit(Commit { extents, segments, .. })
            | FileOp::Replace(Replace { extents, segments, .. }),
        ) => 1 + extents.len().max(segments.len()),
        Op::File(FileOp::ReleaseOrphans { inos }) => 1 + inos.len(),
        Op::Cluster(ClusterOp::Collected { segments }) => 1 + segments.len(),
        Op::Session(_) | Op::Cluster(_) | Op::File(_) => 1,
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
            | FileOp::Commit(_)
            | FileOp::Replace(_)
            | FileOp::Lock { .. }
            | FileOp::UnlockAll { .. } => false,
            FileOp::SetAttr { set, .. } => set.size.is_some(),
            FileOp::Punch { .. } | FileOp::ReleaseOrphans { .. } | FileOp::Purge { .. } => true,
        },
    }
}

#[cfg(test)]
mod tests {
    use isobar_base::{Ino, SegmentId};

    use super::*;

    #[test]
    fn what_names_or_visits_much_may_take_long() {
        let long = |ops: Vec<FileOp>| {
            let ops = ops.into_iter().map(Mutation::of_nobody).collect();
            Entry { time: Time::default(), ops }.may_take_long()
        };
        let unlock = || FileOp::UnlockAll { ino: Ino(7), owner: 1 };
        assert!(!long(vec![unlock(); SOON_DONE_WEIGHT_MAX]));
        assert!(long(vec![unlock(); SOON_DONE_WEIGHT_MAX + 1]), "many operations");
        assert!(long(vec![FileOp::Purge { ino: Ino(7) }]), "one that visits what it does not name");
        let truncate = isobar_wire::message::ops::SetAttr { size: Some(0), ..Default::default() };
        assert!(long(vec![FileOp::SetAttr { ino: Ino(7), set: truncate }]));
        let segments = vec![SegmentId { session: isobar_base::SessionId(1), counter: 1 }; 100];
        assert_eq!(weight(&ClusterOp::Collected { segments }.into()), 101);
        assert_eq!(weight(&FileOp::ReleaseOrphans { inos: vec![Ino(7); 5] }.into()), 6);
    }
}
