//! The coefficients of the parity rows. **They are an on-disk format.**
//!
//! Version 1 takes the Cauchy matrix `C[i][j] = 1 / (x_i + y_j)` over GF(2^8) mod 0x11d at the points
//! `x_i = i` (i < 4, parity rows) and `y_j = 4 + j` (j < 16, data rows), which are 20 distinct elements,
//! and scales it: every column is divided by its entry in row 0, then every row by its entry in column 0:
//!
//! ```text
//! M[i][j] = (x_0 + y_j) (x_i + y_0) / ((x_i + y_j) (x_0 + y_0))
//! ```
//!
//! Every square submatrix of a Cauchy matrix is invertible, and multiplying rows and columns by non-zero
//! constants keeps that (Bloemer et al., ICSI TR-95-048, 1995), so any `data_rows` rows of a code word
//! decode. The scaling buys two things: parity row 0 is the plain XOR of the data rows, and column 0 is all
//! ones, so the rows of a segment with one data row are mirrors.
//!
//! A code uses the first `parity_rows` rows and the first `data_rows` columns of `M`. So a parity row does
//! not depend on how many there are, and a narrower code word is a wider one whose last data rows are zero.

use isobar_base::limits::{DATA_ROWS_MAX, PARITY_ROWS_MAX};

use crate::gf::{inv, mul};

/// Most data rows of a code word.
pub(crate) const DATA_MAX: usize = DATA_ROWS_MAX as usize;
/// Most parity rows of a code word.
pub(crate) const PARITY_MAX: usize = PARITY_ROWS_MAX as usize;

// A change of the limits would need a new version of the matrix, or at least a look at this one.
const _: () = assert!(DATA_MAX == 16 && PARITY_MAX == 4);

/// Version of [`PARITY_MATRIX`]; another matrix would have another number and live beside this one.
pub const PARITY_MATRIX_VERSION: u16 = 1;

/// `PARITY_MATRIX[i][j]` is the coefficient of data row j in parity row i. Frozen: see the module's header.
pub const PARITY_MATRIX: [[u8; DATA_MAX]; PARITY_MAX] = scaled_cauchy();

const fn scaled_cauchy() -> [[u8; DATA_MAX]; PARITY_MAX] {
    let mut matrix = [[0; DATA_MAX]; PARITY_MAX];
    let mut i = 0;
    while i < PARITY_MAX {
        let mut j = 0;
        while j < DATA_MAX {
            let (x0, y0, xi, yj) = (0, 4, i as u8, 4 + j as u8);
            matrix[i][j] = mul(mul(x0 ^ yj, xi ^ y0), inv(mul(xi ^ yj, x0 ^ y0)));
            j += 1;
        }
        i += 1;
    }
    matrix
}

/// Inverse of the leading `size` x `size` part of `matrix`, by Gauss-Jordan elimination.
///
/// Panics when it is singular, which no square submatrix of [`PARITY_MATRIX`] is.
pub(crate) fn inverted(
    mut matrix: [[u8; PARITY_MAX]; PARITY_MAX],
    size: usize,
) -> [[u8; PARITY_MAX]; PARITY_MAX] {
    let mut inverse = [[0; PARITY_MAX]; PARITY_MAX];
    for (i, row) in inverse.iter_mut().enumerate() {
        row[i] = 1;
    }
    for pivot in 0..size {
        let below = (pivot..size).find(|&row| matrix[row][pivot] != 0);
        let Some(row) = below else { panic!("every square submatrix of a Cauchy matrix is invertible") };
        matrix.swap(pivot, row);
        inverse.swap(pivot, row);
        let scale = inv(matrix[pivot][pivot]);
        for column in 0..size {
            matrix[pivot][column] = mul(matrix[pivot][column], scale);
            inverse[pivot][column] = mul(inverse[pivot][column], scale);
        }
        for row in (0..size).filter(|&row| row != pivot) {
            let factor = matrix[row][pivot];
            for column in 0..size {
                matrix[row][column] ^= mul(factor, matrix[pivot][column]);
                inverse[row][column] ^= mul(factor, inverse[pivot][column]);
            }
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_square_submatrix_is_invertible() {
        let mut seen = 0;
        for parities in 1u32..1 << PARITY_MAX {
            let size = parities.count_ones() as usize;
            for columns in (1u32..1 << DATA_MAX).filter(|set| set.count_ones() as usize == size) {
                let rows = (0..PARITY_MAX).filter(|i| parities >> i & 1 == 1);
                let mut part = [[0; PARITY_MAX]; PARITY_MAX];
                for (a, i) in rows.enumerate() {
                    for (b, j) in (0..DATA_MAX).filter(|j| columns >> j & 1 == 1).enumerate() {
                        part[a][b] = PARITY_MATRIX[i][j];
                    }
                }
                let inverse = inverted(part, size);
                for (a, row) in part.iter().take(size).enumerate() {
                    let entry = |b: usize| (0..size).fold(0, |sum, c| sum ^ mul(row[c], inverse[c][b]));
                    assert!((0..size).all(|b| entry(b) == u8::from(a == b)));
                }
                seen += 1;
            }
        }
        // C(20, 16) ways to lose 4 of 20 rows, less the one that loses parity only.
        assert_eq!(seen, 4844);
    }
}
