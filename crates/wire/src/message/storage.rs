//! What a storage target does.

use isobar_base::{Errno, FragmentHeader, FragmentKey, Geometry, TargetId};
use serde::{Deserialize, Serialize};

/// Makes a row durable. The payload is the row.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PutRequest {
    /// The target, by its disk's identity (I13).
    pub target: TargetId,
    /// What the row is, with its CRCs.
    pub header: FragmentHeader,
}

/// Reads units of a row.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GetRequest {
    /// The target.
    pub target: TargetId,
    /// Which row.
    pub key: FragmentKey,
    /// First 4 KiB unit.
    pub first_unit: u32,
    /// How many units; 0 means to the end of the row.
    pub units: u32,
}

/// What was read; the payload is the units.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GetReply {
    /// Which row, as the device says.
    pub key: FragmentKey,
    /// Shape of its segment, as the device says.
    pub geometry: Geometry,
    /// The first unit sent.
    pub first_unit: u32,
    /// CRC32C of each unit sent.
    pub unit_crcs: Vec<u32>,
    /// Of a parity row: CRC32C of the same units of each data row, row after row, where the row has them.
    pub data_crcs: Vec<u32>,
}

/// Removes rows; those missing are removed already.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DeleteRequest {
    /// The target.
    pub target: TargetId,
    /// Which rows.
    pub keys: Vec<FragmentKey>,
}

/// Lists rows in order of their keys.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ListRequest {
    /// The target.
    pub target: TargetId,
    /// Continue after this row.
    pub after: Option<FragmentKey>,
    /// At most this many.
    pub limit: u32,
}

/// Rows of a target.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ListReply {
    /// Key and shape of each.
    pub rows: Vec<(FragmentKey, Geometry)>,
}

/// Why a target did not do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
pub enum StorageError {
    /// The row is not here.
    #[error("no such fragment")]
    NotFound,
    /// The target is being rebuilt and may not have the row yet.
    #[error("the target is being rebuilt")]
    NotReady,
    /// The row is here and its bytes are wrong.
    #[error("fragment damaged on the device")]
    Corrupt,
    /// What arrived does not have the checksum it was sent with.
    #[error("damaged on the way")]
    ChecksumMismatch,
    /// Another payload has this key (I1).
    #[error("another fragment of that name exists")]
    Conflict,
    /// The ledger names the row.
    #[error("a file uses the fragment")]
    InUse,
    /// No room.
    #[error("target full")]
    Full,
    /// The target is not on this node.
    #[error("no such target here")]
    NoSuchTarget,
    /// The device failed.
    #[error("device failed: {0}")]
    Device(String),
}

impl StorageError {
    /// As the application would see it, were there no other rows.
    pub fn errno(&self) -> Errno {
        match self {
            StorageError::Full => Errno::ENOSPC,
            _ => Errno::EIO,
        }
    }
}
