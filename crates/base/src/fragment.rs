//! What identifies and describes one row of a segment, on the wire and on the device.

use serde::{Deserialize, Serialize};

use crate::{Geometry, SegmentId, limits::UNIT_BYTES};

/// Which row of which segment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct FragmentKey {
    /// The segment.
    pub segment: SegmentId,
    /// The row: the data rows first, then the parity rows.
    pub row: u8,
}

impl std::fmt::Display for FragmentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.segment, self.row)
    }
}

/// A fragment without its payload. Made by the client before encoding is sent, stored beside the
/// payload, so that a device alone tells what it holds (I9).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FragmentHeader {
    /// Which row of which segment this is.
    pub key: FragmentKey,
    /// The metadata group that names the segment.
    pub group: u16,
    /// Data rows, parity rows and length of the segment.
    pub geometry: Geometry,
    /// CRC32C of each 4 KiB unit of the row; the row's length is the units times 4 KiB.
    pub unit_crcs: Vec<u32>,
}

impl FragmentHeader {
    /// Length of the payload in bytes, always a multiple of 4 KiB.
    pub fn payload_bytes(&self) -> u64 {
        self.unit_crcs.len() as u64 * UNIT_BYTES
    }
}
