//! The index in RAM: where each fragment is.

use std::collections::BTreeMap;
use std::ops::Bound;

use isobar_base::limits::{PACKED_BYTES_MAX, UNIT_BYTES};
use isobar_base::{FragmentKey, Geometry};
use serde::{Deserialize, Serialize};

use crate::frame::encoded_bytes;
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

/// What the index knows of one fragment. Also the format of log records and checkpoints.
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

/// One line of [`crate::Store::list`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FragmentInfo {
    /// The fragment.
    pub key: FragmentKey,
    /// Shape of its segment.
    pub geometry: Geometry,
    /// Length of its payload.
    pub payload_bytes: u64,
}

/// All fragments, ordered.
#[derive(Debug, Default)]
pub(crate) struct Index {
    map: BTreeMap<FragmentKey, Entry>,
    encoded_bytes: u64,
    used_blocks: u64,
}

impl Index {
    /// An index of entries in the order of their keys: made in one go, its nodes are full.
    pub(crate) fn from_sorted(entries: Vec<(FragmentKey, Entry)>) -> Index {
        let encoded_bytes = entries.iter().map(encoded_bytes).sum();
        let used_blocks = entries.iter().map(|(_, entry)| entry.runs.blocks()).sum();
        Index { map: entries.into_iter().collect(), encoded_bytes, used_blocks }
    }

    pub(crate) fn get(&self, key: &FragmentKey) -> Option<&Entry> {
        self.map.get(key)
    }

    pub(crate) fn len(&self) -> u64 {
        self.map.len() as u64
    }

    /// Length of the checkpoint of this index.
    pub(crate) fn encoded_bytes(&self) -> u64 {
        self.encoded_bytes
    }

    /// Blocks of all fragments.
    pub(crate) fn used_blocks(&self) -> u64 {
        self.used_blocks
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&FragmentKey, &Entry)> {
        self.map.iter()
    }

    /// Adds a fragment; returns what had the key before.
    pub(crate) fn insert(&mut self, key: FragmentKey, entry: Entry) -> Option<Entry> {
        self.encoded_bytes += encoded_bytes(&(&key, &entry));
        self.used_blocks += entry.runs.blocks();
        let old = self.map.insert(key, entry);
        if let Some(old) = &old {
            self.forget(&key, old);
        }
        old
    }

    pub(crate) fn remove(&mut self, key: &FragmentKey) -> Option<Entry> {
        let entry = self.map.remove(key)?;
        self.forget(key, &entry);
        Some(entry)
    }

    fn forget(&mut self, key: &FragmentKey, entry: &Entry) {
        self.encoded_bytes -= encoded_bytes(&(key, entry));
        self.used_blocks -= entry.runs.blocks();
    }

    /// At most `limit` fragments that come after `after`.
    pub(crate) fn list(&self, after: Option<FragmentKey>, limit: usize) -> Vec<FragmentInfo> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let infos = self.map.range((start, Bound::Unbounded)).take(limit).map(|(&key, entry)| FragmentInfo {
            key,
            geometry: entry.geometry,
            payload_bytes: entry.geometry.row_bytes(),
        });
        infos.collect()
    }
}
