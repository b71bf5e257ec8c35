//! Sessions.

use serde::{Deserialize, Serialize};

/// A live session.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) name: String,
    pub(crate) nonce: u64,
    /// Replies below are acknowledged and forgotten.
    pub(crate) acked_below: u64,
    /// Highest operation number executed: a higher one cannot be a repetition.
    pub(crate) highest_seq: u64,
    /// No COMMIT names a segment with a counter below this any more (I5).
    pub(crate) low_water: u64,
    /// No segment with this counter or a higher one has been named yet.
    pub(crate) named_below: u64,
    /// Collected segments whose counters are not below `low_water` yet: `g` keys with value 0.
    pub(crate) collected: u64,
}
