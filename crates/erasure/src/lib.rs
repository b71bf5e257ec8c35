//! The erasure code of a segment: a systematic Reed-Solomon code over GF(2^8).
//!
//! A code word has `data_rows` data rows and `parity_rows` parity rows (literature: k and m), and any
//! `data_rows` of its rows decode. The data rows come first and are the data as it is.
//!
//! Bytes in, bytes out: no I/O, no threads, no heap. Parity byte b depends only on byte b of the data rows,
//! so any sub-range of the rows can be encoded or reconstructed alone.
//!
//! Where to start reading: `matrix` is the on-disk format, `encode` and `decode` turn calls into
//! coefficients, `plan` arranges those for speed, and `kernel` does the arithmetic on the bytes.
//!
//! Only `kernel` contains `unsafe`: vector instructions chosen at run time.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]
#![deny(unsafe_code, unsafe_op_in_unsafe_fn)]
#![warn(clippy::undocumented_unsafe_blocks)]

mod combine;
mod decode;
mod encode;
mod error;
mod gf;
#[allow(unsafe_code)]
mod kernel;
mod matrix;
mod plan;

pub use decode::reconstruct;
pub use encode::encode;
pub use error::ErasureError;
pub use matrix::{PARITY_MATRIX, PARITY_MATRIX_VERSION};

/// Name of the kernel chosen at run time: "gfni-512", "gfni-256", "avx2" or "scalar".
pub fn kernel_name() -> &'static str {
    kernel::Kernel::best().name()
}
