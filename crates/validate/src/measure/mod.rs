//! The workloads, and what of their reports is judged and shown.
//!
//! `workloads` runs them under a [`Load`], `results` takes from their reports what is kept, `commands` says
//! how to measure the same by hand.

mod commands;
mod load;
mod progress;
mod results;
mod workloads;

pub use commands::Commands;
pub use load::Load;
pub(crate) use load::TRANSFER_BYTES;
pub(crate) use progress::describe_rates;
pub use results::{Measured, Percentiles};
pub(crate) use workloads::{mixed_load, run, small_file_bytes};
