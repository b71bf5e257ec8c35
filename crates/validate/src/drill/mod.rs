//! The fault drill: a node is stopped while files are read and written, and started again.
//!
//! ```text
//! prepare │ read and write ──────────┬───────────────────┬──────────────► end │ verify │ until whole again
//!         0                     a third: stop       two thirds: start
//! ```
//! However the workload ends, a node that was stopped is started again.
//!
//! `choose` says which node, or why none; `fault` stops and starts it beside the load; `conduct` runs both
//! and looks at what clients saw.

mod choose;
mod conduct;
mod control;
mod events;
mod fault;
mod outcome;

pub(crate) use choose::{NoDrill, choose};
pub(crate) use conduct::conduct;
pub use control::{Control, NodeControl};
pub(crate) use fault::SECONDS_MIN;
pub use outcome::Drill;
