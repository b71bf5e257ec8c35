//! What identifies and describes one row of a segment, on the wire and on the device.

use serde::{Deserialize, Serialize};

use crate::limits::{PACKED_BYTES_MAX, UNIT_BYTES};
use crate::{Geometry, SegmentId, crc32c};

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
    /// Data rows, parity rows and length of the segment.
    pub geometry: Geometry,
    /// CRC32C of each 4 KiB unit of the row; the row's length is the units times 4 KiB.
    pub unit_crcs: Vec<u32>,
    /// In a parity row that is long enough for parts of it to be read alone (at least [`PACKED_BYTES_MAX`]):
    /// the unit CRCs of all data rows, row after row. Units that are decoded with a parity row are checked
    /// against them. Empty in all other rows.
    pub data_crcs: Vec<u32>,
}

/// Whether parts of a row of this length are decoded alone, so that parity rows carry the unit CRCs of data
/// rows; shorter rows are decoded whole.
pub fn is_decoded_in_parts(row_bytes: u64) -> bool {
    row_bytes >= PACKED_BYTES_MAX
}

/// What the ledger keeps of a row: CRC32C over its unit CRCs, little-endian.
pub fn row_crc(unit_crcs: &[u32]) -> u32 {
    let bytes: Vec<u8> = unit_crcs.iter().flat_map(|crc| crc.to_le_bytes()).collect();
    crc32c(&bytes)
}

impl FragmentHeader {
    /// Length of the payload in bytes, always a multiple of 4 KiB.
    pub fn payload_bytes(&self) -> u64 {
        self.unit_crcs.len() as u64 * UNIT_BYTES
    }
}
