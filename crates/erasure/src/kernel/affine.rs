//! Multiplication by a constant as the 8x8 bit matrix that `gf2p8affineqb` takes.

/// `MATRICES[c]` is the operand that makes `gf2p8affineqb` multiply by c modulo 0x11d (the instruction's
/// own multiplication, `gf2p8mulb`, is modulo 0x11b and of no use here).
///
/// The instruction computes bit i of a result as the parity of byte 7 - i of the operand AND the source
/// byte (Intel SDM volume 2, GF2P8AFFINEQB). So byte 7 - i has bit j set when c · 2^j has bit i set.
pub(super) static MATRICES: [u64; 256] = {
    let mut matrices = [0; 256];
    let mut factor = 0;
    while factor < 256 {
        matrices[factor] = matrix(factor as u8);
        factor += 1;
    }
    matrices
};

const fn matrix(factor: u8) -> u64 {
    let mut matrix = 0;
    let mut j = 0;
    while j < 8 {
        let column = crate::gf::mul(factor, 1 << j);
        let mut i = 0;
        while i < 8 {
            matrix |= ((column >> i & 1) as u64) << (8 * (7 - i) + j);
            i += 1;
        }
        j += 1;
    }
    matrix
}

/// What `gf2p8affineqb` does to one byte, step by step as in the manual, with a zero immediate.
#[cfg(test)]
pub(super) fn emulated(source: u8, matrix: u64) -> u8 {
    let rows = matrix.to_le_bytes();
    (0..8).fold(0, |result, i| result | ((rows[7 - i] & source).count_ones() as u8 & 1) << i)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gf::mul;

    #[test]
    fn the_matrix_of_1_is_the_identity_operand_of_the_manual() {
        assert_eq!(MATRICES[1], 0x0102_0408_1020_4080);
        assert_eq!(MATRICES[0], 0);
    }

    #[test]
    fn the_instruction_multiplies_by_every_factor() {
        for factor in 0..=255 {
            for byte in 0..=255 {
                assert_eq!(emulated(byte, MATRICES[usize::from(factor)]), mul(factor, byte));
            }
        }
    }
}
