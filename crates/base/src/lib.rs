//! The vocabulary every other crate shares: ids, limits, errors with an errno, checksums, aligned
//! buffers, the geometry of a segment, numbers for people and the ordered key-value trait the state machine
//! runs on.
//!
//! This crate does no I/O, reads no clock and depends on no other crate of the project.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod buf;
pub mod bytes_serde;
mod crc;
mod errno;
mod fragment;
mod geometry;
mod ids;
mod kv;
pub mod limits;
pub mod quantity;

pub use buf::{AlignedBuf, BufPool};
pub use crc::{crc32c, unit_crcs, verify_units};
pub use errno::Errno;
pub use fragment::{FragmentHeader, FragmentKey, is_decoded_in_parts, row_crc};
pub use geometry::{Geometry, segment_width};
pub use ids::{ClusterId, GroupId, Ino, PgId, SegmentId, SessionId, TargetId, random_u64};
pub use kv::{Kv, KvRead, MemoryKv, Visit, state_hash};
