//! Bounds of questions that operators' calls ask; those that all share are in `isobar_base::limits`.

use std::time::Duration;

/// How long a metadata leader is waited for.
pub(crate) const METADATA_WAIT: Duration = Duration::from_millis(isobar_base::limits::METADATA_WAIT_MS);
/// How long a request to one node may take.
pub(crate) const NODE_CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Rows in one list message.
pub(crate) const KEYS_PER_MESSAGE_MAX: usize = 4096;
/// Rows whose segments are asked about at once.
pub(crate) const ORPHAN_ROWS_MAX: usize = 1024;
/// Segments looked at in one step of a walk over all of them.
pub(crate) const SEGMENTS_PER_STEP: u32 = 2048;
