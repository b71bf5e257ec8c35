//! Room of a target that only nodes may use: where everything is written full, nothing could be copied out of
//! half-dead segments any more, and so nothing be freed.
//!
//! Compaction is a node's. So is what stores again what was lost or damaged, or rebuilds: it was there
//! before.

const MIB: u64 = 1 << 20;

/// Bytes kept free of a target that has room for so many.
pub(super) fn reserve_bytes(capacity_bytes: u64) -> u64 {
    (capacity_bytes / 64).clamp(32 * MIB, 4096 * MIB).min(capacity_bytes / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_room_for_some_rows_and_never_much_of_a_target() {
        assert_eq!(reserve_bytes(64 * MIB), 8 * MIB);
        assert_eq!(reserve_bytes(1024 * MIB), 32 * MIB);
        assert_eq!(reserve_bytes(64 * 1024 * MIB), 1024 * MIB);
        assert_eq!(reserve_bytes(u64::MAX), 4096 * MIB);
        assert_eq!(reserve_bytes(0), 0);
    }
}
