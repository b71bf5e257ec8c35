//! Arithmetic in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11d), for building coefficients and tables.
//!
//! Addition is XOR. 2 generates the multiplicative group, so products go through logarithms.

const POLYNOMIAL: u16 = 0x11d;

/// `EXP[i]` = 2^i, twice over so that the sum of two logarithms needs no reduction.
const EXP: [u8; 510] = exp_table();
/// `LOG[EXP[i]]` = i for i < 255; `LOG[0]` means nothing.
const LOG: [u8; 256] = log_table();

/// `PRODUCTS[c][x]` = c · x.
pub(crate) static PRODUCTS: [[u8; 256]; 256] = products_table();

const fn exp_table() -> [u8; 510] {
    let mut table = [0; 510];
    let mut power = 1u16;
    let mut i = 0;
    while i < 255 {
        table[i] = power as u8;
        table[i + 255] = power as u8;
        power <<= 1;
        if power & 0x100 != 0 {
            power ^= POLYNOMIAL;
        }
        i += 1;
    }
    table
}

const fn log_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 255 {
        table[EXP[i] as usize] = i as u8;
        i += 1;
    }
    table
}

const fn products_table() -> [[u8; 256]; 256] {
    let mut table = [[0; 256]; 256];
    let mut a = 1;
    while a < 256 {
        let mut b = 1;
        while b < 256 {
            table[a][b] = EXP[LOG[a] as usize + LOG[b] as usize];
            b += 1;
        }
        a += 1;
    }
    table
}

/// a · b.
pub(crate) const fn mul(a: u8, b: u8) -> u8 {
    if a == 0 || b == 0 { 0 } else { EXP[LOG[a as usize] as usize + LOG[b as usize] as usize] }
}

/// 1 / a. Panics when `a` is 0: a Cauchy denominator or a pivot that is 0 is a broken invariant.
pub(crate) const fn inv(a: u8) -> u8 {
    assert!(a != 0, "0 has no inverse");
    EXP[255 - LOG[a as usize] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Multiplies as polynomials, then reduces: shares nothing with the tables.
    fn long_multiplication(a: u8, b: u8) -> u8 {
        let mut product =
            (0..8).filter(|bit| b >> bit & 1 == 1).fold(0u16, |sum, bit| sum ^ u16::from(a) << bit);
        for bit in (8..16).rev() {
            if product >> bit & 1 == 1 {
                product ^= POLYNOMIAL << (bit - 8);
            }
        }
        product as u8
    }

    #[test]
    fn products_equal_long_multiplication() {
        for a in 0..=255 {
            for b in 0..=255 {
                let expected = long_multiplication(a, b);
                assert_eq!(mul(a, b), expected);
                assert_eq!(PRODUCTS[usize::from(a)][usize::from(b)], expected);
            }
        }
    }

    #[test]
    fn every_element_but_zero_has_an_inverse() {
        for a in 1..=255 {
            assert_eq!(mul(a, inv(a)), 1);
        }
    }
}
