//! Log entries: what the leader stamps, and the operations.
//!
//! The operations are the wire's own types, unlike everything in `record`: the log holds what was asked, word
//! for word, and a copy of thirty operations would say the same twice. So their encoding on the wire is that
//! of the log, frozen in `golden` with a line for each: another encoding is another [`ENTRY_VERSION`], and a
//! new operation goes to the end of its enum. Replies that are kept for repetitions are the wire's likewise.

use isobar_base::limits::OPS_PER_ENTRY_MAX;
use isobar_wire::message::files::Time;
use isobar_wire::message::ops::Mutation;
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
}
