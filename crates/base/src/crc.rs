//! CRC32C over whole buffers and over the 4 KiB units that data is checked in.

use crate::limits::UNIT_BYTES;

/// CRC32C (Castagnoli, reflected, as in iSCSI) of `data`.
pub fn crc32c(data: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, data) as u32
}

/// One CRC32C for each 4 KiB unit of `data`; the last unit may be short.
pub fn unit_crcs(data: &[u8]) -> Vec<u32> {
    data.chunks(UNIT_BYTES as usize).map(crc32c).collect()
}

/// Whether each 4 KiB unit of `data` has the CRC expected of it, and there are as many as units.
pub fn verify_units(data: &[u8], expected: &[u32]) -> bool {
    data.len().div_ceil(UNIT_BYTES as usize) == expected.len()
        && data.chunks(UNIT_BYTES as usize).zip(expected).all(|(unit, &crc)| crc32c(unit) == crc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32c_has_the_value_of_rfc_3720() {
        assert_eq!(crc32c(&[0u8; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn a_changed_bit_or_a_missing_unit_is_noticed() {
        let mut data = vec![7u8; 10_000];
        let crcs = unit_crcs(&data);
        assert_eq!(crcs.len(), 3);
        assert!(verify_units(&data, &crcs));
        assert!(!verify_units(&data[..8192], &crcs));
        data[9_999] ^= 1;
        assert!(!verify_units(&data, &crcs));
    }
}
