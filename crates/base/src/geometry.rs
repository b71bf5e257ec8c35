//! How the bytes of a segment are laid out over its rows.

use serde::{Deserialize, Serialize};

use crate::limits::{DATA_ROWS_MAX, PARITY_ROWS_MAX, ROW_BYTES_MIN, SEGMENT_BYTES_MAX, UNIT_BYTES};

/// Shape of one segment: data rows, parity rows and file bytes.
///
/// Row r of the data rows holds segment bytes `[r * row_bytes, (r + 1) * row_bytes)`, zero-padded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Geometry {
    /// Data rows, 1..=16.
    pub data: u8,
    /// Parity rows, 1..=4.
    pub parity: u8,
    /// File bytes in the segment, 1..=8 MiB.
    pub len: u32,
}

impl Geometry {
    /// Whether the shape is one that may exist.
    pub fn is_valid(&self) -> bool {
        (1..=DATA_ROWS_MAX).contains(&self.data)
            && (1..=PARITY_ROWS_MAX).contains(&self.parity)
            && self.len > 0
            && u64::from(self.len) <= SEGMENT_BYTES_MAX
    }

    /// Length of every row: `ceil(len / data)` rounded up to 4 KiB.
    pub fn row_bytes(&self) -> u64 {
        u64::from(self.len).div_ceil(u64::from(self.data)).next_multiple_of(UNIT_BYTES)
    }

    /// All rows, data and parity.
    pub fn rows(&self) -> u8 {
        self.data + self.parity
    }

    /// Bytes on all targets together.
    pub fn stored_bytes(&self) -> u64 {
        self.row_bytes() * u64::from(self.rows())
    }
}

/// Data rows for a new segment of `len` bytes when `healthy` targets on distinct nodes can take rows:
/// `clamp(len / ROW_BYTES_MIN, 1, min(data_max, healthy - parity))`, or `None` when even one data row and all
/// parity rows do not fit. Parity never shrinks (I7).
pub fn segment_width(len: u64, data_max: u8, parity: u8, healthy: usize) -> Option<u8> {
    let room = healthy.checked_sub(usize::from(parity)).filter(|&room| room > 0)?;
    let most = usize::from(data_max).min(room) as u64;
    Some((len / ROW_BYTES_MIN).clamp(1, most) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_shrinks_with_missing_nodes_and_parity_never_does() {
        let full = SEGMENT_BYTES_MAX;
        assert_eq!(segment_width(full, 6, 2, 8), Some(6));
        assert_eq!(segment_width(full, 6, 2, 7), Some(5));
        assert_eq!(segment_width(full, 6, 2, 6), Some(4));
        assert_eq!(segment_width(full, 6, 2, 5), Some(3));
        assert_eq!(segment_width(full, 6, 2, 3), Some(1));
        assert_eq!(segment_width(full, 6, 2, 2), None);
        assert_eq!(segment_width(4096, 6, 2, 8), Some(1));
        assert_eq!(segment_width(32 << 10, 6, 2, 8), Some(2));
    }

    #[test]
    fn rows_are_whole_units_and_hold_the_segment() {
        for len in [1u32, 4096, 4097, 100_000, 8 << 20] {
            for data in 1..=16 {
                let shape = Geometry { data, parity: 2, len };
                assert_eq!(shape.row_bytes() % UNIT_BYTES, 0);
                assert!(shape.row_bytes() * u64::from(data) >= u64::from(len));
            }
        }
    }
}
