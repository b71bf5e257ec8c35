//! What can be wrong with a call.

use isobar_base::Errno;

/// Why rows were not computed. Nothing was written to any output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ErasureError {
    /// The number of data or parity rows is outside 1..=16 or 1..=4. A mistake of the caller: do not retry.
    #[error("no code has {data_rows} data rows and {parity_rows} parity rows")]
    BadShape {
        /// Data rows asked for.
        data_rows: usize,
        /// Parity rows asked for.
        parity_rows: usize,
    },
    /// A row index is not below the number of rows. A mistake of the caller: do not retry.
    #[error("row {row} of a code word of {rows} rows")]
    BadRow {
        /// The index given.
        row: u8,
        /// Rows in the code word, data and parity.
        rows: u8,
    },
    /// Fewer distinct rows are at hand than there are data rows. Fetch more rows and retry.
    #[error("{have} distinct rows where {need} are needed")]
    TooFewRows {
        /// Distinct rows given.
        have: usize,
        /// Rows needed: as many as there are data rows.
        need: usize,
    },
    /// A slice is not as long as the others (or, encoding, a data row is longer than the parity rows).
    /// A mistake of the caller: do not retry.
    #[error("row {row} has {len} bytes where {expected} are expected")]
    LengthMismatch {
        /// Row the slice is for; the parity rows follow the data rows.
        row: u8,
        /// Its length in bytes.
        len: usize,
        /// The length of the other rows in bytes.
        expected: usize,
    },
}

impl ErasureError {
    /// What an application sees: EIO when rows are missing, EINVAL when the call was wrong.
    pub fn errno(&self) -> Errno {
        match self {
            ErasureError::TooFewRows { .. } => Errno::EIO,
            ErasureError::BadShape { .. }
            | ErasureError::BadRow { .. }
            | ErasureError::LengthMismatch { .. } => Errno::EINVAL,
        }
    }
}
