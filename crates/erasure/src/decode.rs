//! From any n rows to any other rows.

use crate::combine::combine;
use crate::encode::check_shape;
use crate::error::ErasureError;
use crate::gf::mul;
use crate::kernel::Kernel;
use crate::matrix::{K_MAX, N_MAX, PARITY_MATRIX, inverted};
use crate::plan::Coefficients;

const ROWS_MAX: usize = N_MAX + K_MAX;

/// Recomputes rows of a code word of `n` data rows and `k` parity rows.
///
/// `have` names at least n distinct rows by index (data 0..n, parity n..n + k) with their bytes; further
/// rows and repetitions are ignored. `want` names the rows to compute, data or parity; they are overwritten.
/// All slices are equally long and hold the same range of their rows, which may be any part of them.
///
/// # Errors
/// [`ErasureError::BadShape`] for an n or k out of range, [`ErasureError::BadRow`] for an index not below
/// n + k, [`ErasureError::LengthMismatch`] when slices differ in length, [`ErasureError::TooFewRows`] when
/// `have` has fewer than n distinct rows.
pub fn reconstruct(
    n: u8,
    k: u8,
    have: &[(u8, &[u8])],
    want: &mut [(u8, &mut [u8])],
) -> Result<(), ErasureError> {
    check_shape(usize::from(n), usize::from(k))?;
    let lengths = have.iter().map(|(row, bytes)| (*row, bytes.len()));
    let lengths = lengths.chain(want.iter().map(|(row, bytes)| (*row, bytes.len())));
    let mut expected = None;
    for (row, len) in lengths {
        if row >= n + k {
            return Err(ErasureError::BadRow { row, rows: n + k });
        }
        let expected = *expected.get_or_insert(len);
        if len != expected {
            return Err(ErasureError::LengthMismatch { row, len, expected });
        }
    }

    let mut at_hand: [Option<&[u8]>; ROWS_MAX] = [None; ROWS_MAX];
    for (row, bytes) in have {
        at_hand[usize::from(*row)] = Some(bytes);
    }
    let basis = Basis::choose(usize::from(n), &at_hand)?;
    let mut inputs: [&[u8]; N_MAX] = [&[]; N_MAX];
    for (slot, &row) in inputs.iter_mut().zip(basis.rows()) {
        *slot = at_hand[row].expect("a basis is chosen among the rows at hand");
    }

    for group in want.chunks_mut(K_MAX) {
        let mut rows = [[0; N_MAX]; K_MAX];
        let mut outputs: [&mut [u8]; K_MAX] = [&mut [], &mut [], &mut [], &mut []];
        let group_len = group.len();
        for ((coefficients, output), (row, bytes)) in rows.iter_mut().zip(&mut outputs).zip(group) {
            *coefficients = basis.coefficients(usize::from(*row));
            *output = bytes;
        }
        combine(Kernel::best(), &rows[..group_len], &inputs[..usize::from(n)], &mut outputs[..group_len]);
    }
    Ok(())
}

/// The n rows that everything is computed from: all data rows at hand, then as many parity rows as data
/// rows are lost. The lowest parity rows are taken, since row 0 makes for the cheapest plans.
struct Basis {
    n: usize,
    /// The rows of the basis, data rows first; n of them.
    rows: [usize; N_MAX],
    /// The data rows that are not among them.
    lost: [usize; K_MAX],
    lost_len: usize,
    /// Lost data row `lost[a]` = sum over b of `solution[a][b]` · (parity row b of the basis less the
    /// data rows at hand).
    solution: [[u8; K_MAX]; K_MAX],
}

impl Basis {
    fn choose(n: usize, at_hand: &[Option<&[u8]>; ROWS_MAX]) -> Result<Basis, ErasureError> {
        let count = at_hand.iter().flatten().count();
        if count < n {
            return Err(ErasureError::TooFewRows { have: count, need: n });
        }
        let mut rows = [0; N_MAX];
        let present = (0..ROWS_MAX).filter(|&row| at_hand[row].is_some());
        rows.iter_mut().take(n).zip(present).for_each(|(slot, row)| *slot = row);

        let mut lost = [0; K_MAX];
        let mut lost_len = 0;
        for row in (0..n).filter(|&row| at_hand[row].is_none()) {
            lost[lost_len] = row;
            lost_len += 1;
        }
        let mut system = [[0; K_MAX]; K_MAX];
        for (equation, &parity) in system.iter_mut().zip(&rows[n - lost_len..n]) {
            for (factor, &data) in equation.iter_mut().zip(&lost[..lost_len]) {
                *factor = PARITY_MATRIX[parity - n][data];
            }
        }
        Ok(Basis { n, rows, lost, lost_len, solution: inverted(system, lost_len) })
    }

    fn rows(&self) -> &[usize] {
        &self.rows[..self.n]
    }

    /// Coefficients of `row` over the rows of the basis.
    fn coefficients(&self, row: usize) -> Coefficients {
        let mut coefficients = [0; N_MAX];
        if let Some(i) = self.rows().iter().position(|&have| have == row) {
            coefficients[i] = 1;
        } else if row < self.n {
            let a = self.lost[..self.lost_len].iter().position(|&lost| lost == row);
            coefficients = self.lost_row(a.expect("a data row is in the basis or lost"));
        } else {
            let factors = &PARITY_MATRIX[row - self.n];
            for (coefficient, &data) in coefficients.iter_mut().zip(&self.rows[..self.n - self.lost_len]) {
                *coefficient = factors[data];
            }
            for (a, &data) in self.lost[..self.lost_len].iter().enumerate() {
                for (coefficient, part) in coefficients.iter_mut().zip(self.lost_row(a)) {
                    *coefficient ^= mul(factors[data], part);
                }
            }
        }
        coefficients
    }

    /// Coefficients of lost data row `lost[a]`.
    fn lost_row(&self, a: usize) -> Coefficients {
        let mut coefficients = [0; N_MAX];
        let (data, parity) = self.rows().split_at(self.n - self.lost_len);
        for (b, &parity) in parity.iter().enumerate() {
            let factor = self.solution[a][b];
            coefficients[data.len() + b] = factor;
            for (coefficient, &data) in coefficients.iter_mut().zip(data) {
                *coefficient ^= mul(factor, PARITY_MATRIX[parity - self.n][data]);
            }
        }
        coefficients
    }
}
