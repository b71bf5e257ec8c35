//! How the bytes of a segment are laid out over its rows.

use serde::{Deserialize, Serialize};

use crate::limits::{DATA_ROWS_MAX, PARITY_ROWS_MAX, ROW_BYTES_MIN, SEGMENT_BYTES_MAX, UNIT_BYTES};

/// Shape of one segment: `n` data rows, `k` parity rows, `len` file bytes.
///
/// Row r of the data rows holds segment bytes `[r * row_bytes, (r + 1) * row_bytes)`, zero-padded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Geometry {
    /// Data rows, 1..=16.
    pub n: u8,
    /// Parity rows, 1..=4.
    pub k: u8,
    /// File bytes in the segment, 1..=8 MiB.
    pub len: u32,
}

impl Geometry {
    /// Whether the shape is one that may exist.
    pub fn is_valid(&self) -> bool {
        (1..=DATA_ROWS_MAX).contains(&self.n)
            && (1..=PARITY_ROWS_MAX).contains(&self.k)
            && self.len > 0
            && u64::from(self.len) <= SEGMENT_BYTES_MAX
    }

    /// Length of every row: `ceil(len / n)` rounded up to 4 KiB.
    pub fn row_bytes(&self) -> u64 {
        u64::from(self.len).div_ceil(u64::from(self.n)).next_multiple_of(UNIT_BYTES)
    }

    /// All rows, data and parity.
    pub fn rows(&self) -> u8 {
        self.n + self.k
    }

    /// Bytes on all targets together.
    pub fn stored_bytes(&self) -> u64 {
        self.row_bytes() * u64::from(self.rows())
    }
}

/// Data rows for a new segment of `len` bytes when `healthy` targets on distinct nodes can take rows:
/// `clamp(len / ROW_BYTES_MIN, 1, min(N, healthy - K))`, or `None` when even one data row and K parity
/// rows do not fit. K never shrinks (I7).
pub fn segment_width(len: u64, n_max: u8, k: u8, healthy: usize) -> Option<u8> {
    let room = healthy.checked_sub(usize::from(k)).filter(|&room| room > 0)?;
    let most = usize::from(n_max).min(room) as u64;
    Some((len / ROW_BYTES_MIN).clamp(1, most) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_shrinks_with_missing_nodes_and_k_never_does() {
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
            for n in 1..=16 {
                let shape = Geometry { n, k: 2, len };
                assert_eq!(shape.row_bytes() % UNIT_BYTES, 0);
                assert!(shape.row_bytes() * u64::from(n) >= u64::from(len));
            }
        }
    }
}
