//! From data rows to parity rows.

use crate::combine::combine;
use crate::error::ErasureError;
use crate::kernel::Kernel;
use crate::matrix::{DATA_MAX, PARITY_MATRIX, PARITY_MAX};

/// Computes the parity rows of a code word.
///
/// `data` holds the data rows (1..=16), `parity` the parity rows (1..=4), all equally long; they are
/// overwritten. Data rows may be shorter than that or empty: the missing bytes count as zeros.
///
/// # Errors
/// [`ErasureError::BadShape`] for a number of rows out of range, [`ErasureError::LengthMismatch`] when the
/// parity rows differ in length or a data row is longer than they are.
pub fn encode(data: &[&[u8]], parity: &mut [&mut [u8]]) -> Result<(), ErasureError> {
    check_shape(data.len(), parity.len())?;
    let row_bytes = parity[0].len();
    for (i, row) in parity.iter().enumerate() {
        if row.len() != row_bytes {
            return Err(ErasureError::LengthMismatch {
                row: (data.len() + i) as u8,
                len: row.len(),
                expected: row_bytes,
            });
        }
    }
    for (i, row) in data.iter().enumerate() {
        if row.len() > row_bytes {
            return Err(ErasureError::LengthMismatch { row: i as u8, len: row.len(), expected: row_bytes });
        }
    }

    // Between two row ends that follow each other the rows that reach so far are a narrower code word.
    let mut start = 0;
    while start < row_bytes {
        let ends = data.iter().map(|row| row.len()).filter(|&end| end > start);
        let end = ends.min().unwrap_or(row_bytes);
        encode_range(data, parity, start, end);
        start = end;
    }
    Ok(())
}

/// Computes bytes `start..end` of the parity from the data rows that have bytes there; they have all of them.
fn encode_range(data: &[&[u8]], parity: &mut [&mut [u8]], start: usize, end: usize) {
    let mut rows = [[0; DATA_MAX]; PARITY_MAX];
    let mut inputs: [&[u8]; DATA_MAX] = [&[]; DATA_MAX];
    let mut inputs_len = 0;
    for (j, row) in data.iter().enumerate().filter(|(_, row)| row.len() > start) {
        inputs[inputs_len] = &row[start..end];
        for i in 0..parity.len() {
            rows[i][inputs_len] = PARITY_MATRIX[i][j];
        }
        inputs_len += 1;
    }
    let parity_rows = parity.len();
    let mut outputs: [&mut [u8]; PARITY_MAX] = [&mut [], &mut [], &mut [], &mut []];
    for (slot, row) in outputs.iter_mut().zip(parity) {
        *slot = &mut row[start..end];
    }
    combine(Kernel::best(), &rows[..parity_rows], &inputs[..inputs_len], &mut outputs[..parity_rows]);
}

/// Whether there is a code with so many data and parity rows.
pub(crate) fn check_shape(data_rows: usize, parity_rows: usize) -> Result<(), ErasureError> {
    if (1..=DATA_MAX).contains(&data_rows) && (1..=PARITY_MAX).contains(&parity_rows) {
        Ok(())
    } else {
        Err(ErasureError::BadShape { data_rows, parity_rows })
    }
}
