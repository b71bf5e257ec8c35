//! Committed segments.

use isobar_base::{Geometry, Ino, PgId, SegmentId};
use isobar_wire::message::files::SegmentInfo;
use serde::{Deserialize, Serialize};

/// Where a segment's rows are and how much of it is alive.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub(crate) pg: PgId,
    pub(crate) geometry: Geometry,
    pub(crate) positions: Vec<u8>,
    pub(crate) row_crcs: Vec<u32>,
    pub(crate) ino: Ino,
    pub(crate) live_bytes: u64,
    pub(crate) version: u64,
}

impl Segment {
    /// Worth rewriting: less than half of it is named.
    pub(crate) fn is_low_live(&self) -> bool {
        self.live_bytes * 2 < u64::from(self.geometry.len)
    }

    pub(crate) fn wire(self, id: SegmentId) -> SegmentInfo {
        let Segment { pg, geometry, positions, row_crcs, ino, live_bytes, version } = self;
        SegmentInfo { id, pg, geometry, positions, row_crcs, ino, live_bytes, version }
    }
}
