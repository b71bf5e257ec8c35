//! From as many rows as there are data rows, whichever they are, to any other rows.

use crate::combine::combine;
use crate::encode::check_shape;
use crate::error::ErasureError;
use crate::gf::mul;
use crate::kernel::Kernel;
use crate::matrix::{DATA_MAX, PARITY_MATRIX, PARITY_MAX, inverted};
use crate::plan::Coefficients;

const ROWS_MAX: usize = DATA_MAX + PARITY_MAX;

/// Recomputes rows of a code word of `data_rows` data rows and `parity_rows` parity rows.
///
/// `have` names at least `data_rows` distinct rows by index (the data rows first, then the parity rows) with
/// their bytes; further rows and repetitions are ignored. `want` names the rows to compute, data or parity;
/// they are overwritten. All slices are equally long and hold the same range of their rows, which may be any
/// part of them.
///
/// # Errors
/// [`ErasureError::BadShape`] for a number of rows out of range, [`ErasureError::BadRow`] for an index that
/// no row has, [`ErasureError::LengthMismatch`] when slices differ in length, [`ErasureError::TooFewRows`]
/// when `have` has fewer than `data_rows` distinct rows.
pub fn reconstruct(
    data_rows: u8,
    parity_rows: u8,
    have: &[(u8, &[u8])],
    want: &mut [(u8, &mut [u8])],
) -> Result<(), ErasureError> {
    check_shape(usize::from(data_rows), usize::from(parity_rows))?;
    let rows = data_rows + parity_rows;
    let lengths = have.iter().map(|(row, bytes)| (*row, bytes.len()));
    let lengths = lengths.chain(want.iter().map(|(row, bytes)| (*row, bytes.len())));
    let mut expected = None;
    for (row, len) in lengths {
        if row >= rows {
            return Err(ErasureError::BadRow { row, rows });
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
    let basis = Basis::choose(usize::from(data_rows), &at_hand)?;
    let mut inputs: [&[u8]; DATA_MAX] = [&[]; DATA_MAX];
    for (slot, &row) in inputs.iter_mut().zip(basis.rows()) {
        let Some(bytes) = at_hand[row] else { panic!("a basis is chosen among the rows at hand") };
        *slot = bytes;
    }

    for group in want.chunks_mut(PARITY_MAX) {
        let mut rows = [[0; DATA_MAX]; PARITY_MAX];
        let mut outputs: [&mut [u8]; PARITY_MAX] = [&mut [], &mut [], &mut [], &mut []];
        let group_len = group.len();
        for ((coefficients, output), (row, bytes)) in rows.iter_mut().zip(&mut outputs).zip(group) {
            *coefficients = basis.coefficients(usize::from(*row));
            *output = bytes;
        }
        combine(Kernel::best(), &rows[..group_len], &inputs[..basis.data_rows], &mut outputs[..group_len]);
    }
    Ok(())
}

/// The rows that everything is computed from: all data rows at hand, then as many parity rows as data
/// rows are lost. The lowest parity rows are taken, since row 0 makes for the cheapest plans.
struct Basis {
    data_rows: usize,
    /// The rows of the basis, data rows first; `data_rows` of them.
    rows: [usize; DATA_MAX],
    /// The data rows that are not among them.
    lost: [usize; PARITY_MAX],
    lost_len: usize,
    /// Lost data row `lost[a]` = sum over b of `solution[a][b]` · (parity row b of the basis less the
    /// data rows at hand).
    solution: [[u8; PARITY_MAX]; PARITY_MAX],
}

impl Basis {
    fn choose(data_rows: usize, at_hand: &[Option<&[u8]>; ROWS_MAX]) -> Result<Basis, ErasureError> {
        let count = at_hand.iter().flatten().count();
        if count < data_rows {
            return Err(ErasureError::TooFewRows { have: count, need: data_rows });
        }
        let mut rows = [0; DATA_MAX];
        let present = (0..ROWS_MAX).filter(|&row| at_hand[row].is_some());
        rows.iter_mut().take(data_rows).zip(present).for_each(|(slot, row)| *slot = row);

        let mut lost = [0; PARITY_MAX];
        let mut lost_len = 0;
        for row in (0..data_rows).filter(|&row| at_hand[row].is_none()) {
            lost[lost_len] = row;
            lost_len += 1;
        }
        let mut system = [[0; PARITY_MAX]; PARITY_MAX];
        for (equation, &parity) in system.iter_mut().zip(&rows[data_rows - lost_len..data_rows]) {
            for (factor, &data) in equation.iter_mut().zip(&lost[..lost_len]) {
                *factor = PARITY_MATRIX[parity - data_rows][data];
            }
        }
        Ok(Basis { data_rows, rows, lost, lost_len, solution: inverted(system, lost_len) })
    }

    fn rows(&self) -> &[usize] {
        &self.rows[..self.data_rows]
    }

    /// Coefficients of `row` over the rows of the basis.
    fn coefficients(&self, row: usize) -> Coefficients {
        let mut coefficients = [0; DATA_MAX];
        if let Some(i) = self.rows().iter().position(|&have| have == row) {
            coefficients[i] = 1;
        } else if row < self.data_rows {
            let lost = self.lost[..self.lost_len].iter().position(|&lost| lost == row);
            let Some(lost) = lost else { panic!("a data row is in the basis or lost") };
            coefficients = self.lost_row(lost);
        } else {
            let factors = &PARITY_MATRIX[row - self.data_rows];
            for (coefficient, &data) in
                coefficients.iter_mut().zip(&self.rows[..self.data_rows - self.lost_len])
            {
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
        let mut coefficients = [0; DATA_MAX];
        let (data, parity) = self.rows().split_at(self.data_rows - self.lost_len);
        for (b, &parity) in parity.iter().enumerate() {
            let factor = self.solution[a][b];
            coefficients[data.len() + b] = factor;
            for (coefficient, &data) in coefficients.iter_mut().zip(data) {
                *coefficient ^= mul(factor, PARITY_MATRIX[parity - self.data_rows][data]);
            }
        }
        coefficients
    }
}
