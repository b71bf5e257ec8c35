//! What can be wrong with a call.

use isobar_base::Errno;

/// Why rows were not computed. Nothing was written to any output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ErasureError {
    /// The number of data or parity rows is outside 1..=16 or 1..=4. A mistake of the caller: do not retry.
    #[error("no code has {n} data rows and {k} parity rows")]
    BadShape {
        /// Data rows asked for.
        n: usize,
        /// Parity rows asked for.
        k: usize,
    },
    /// A row index is not below n + k. A mistake of the caller: do not retry.
    #[error("row {row} of a code word of {rows} rows")]
    BadRow {
        /// The index given.
        row: u8,
        /// Rows in the code word, n + k.
        rows: u8,
    },
    /// Fewer than n distinct rows are at hand. Fetch more rows and retry.
    #[error("{have} distinct rows where {need} are needed")]
    TooFewRows {
        /// Distinct rows given.
        have: usize,
        /// Rows needed, n.
        need: usize,
    },
    /// A slice is not as long as the others (or, encoding, a data row is longer than the parity rows).
    /// A mistake of the caller: do not retry.
    #[error("row {row} has {len} bytes where {expected} are expected")]
    LengthMismatch {
        /// Row the slice is for; parity row i is row n + i.
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
