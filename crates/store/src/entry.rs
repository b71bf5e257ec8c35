//! What the index knows of one fragment.

use isobar_base::Geometry;
use isobar_base::limits::{PACKED_BYTES_MAX, UNIT_BYTES};
use serde::{Deserialize, Serialize};

use crate::space::Runs;

/// The unit CRCs of a fragment, as far as they are kept in RAM, in the log and in checkpoints.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Crcs {
    /// In the descriptor behind the payload (large fragments).
    InDescriptor,
    /// Of a packed fragment of one unit.
    One(u32),
    /// Of a longer packed fragment.
    Many(Box<[u32]>),
}

impl Crcs {
    pub(crate) fn packed(crcs: &[u32]) -> Crcs {
        match crcs {
            [crc] => Crcs::One(*crc),
            _ => Crcs::Many(crcs.into()),
        }
    }

    /// The CRCs, unless they are in the descriptor.
    pub(crate) fn as_slice(&self) -> Option<&[u32]> {
        match self {
            Crcs::InDescriptor => None,
            Crcs::One(crc) => Some(std::slice::from_ref(crc)),
            Crcs::Many(crcs) => Some(crcs),
        }
    }
}

/// Where a fragment is and what it has to be. Also the format of log records and of pages of the index.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub geometry: Geometry,
    /// CRC32C of the encoded header: tells a repeated PUT from a conflicting one, and the right
    /// descriptor from another's.
    pub header_crc: u32,
    pub crcs: Crcs,
    /// The payload, followed by the descriptor of a large fragment.
    pub runs: Runs,
}

impl Entry {
    /// 4 KiB units of payload.
    pub(crate) fn units(&self) -> u32 {
        (self.geometry.row_bytes() / UNIT_BYTES) as u32
    }
}

/// Whether a payload of this length is packed.
pub(crate) fn is_packed(payload_bytes: u64) -> bool {
    payload_bytes < PACKED_BYTES_MAX
}
