//! Whether a cluster is ready: pre-flight, benchmarks and a fault drill, each measurement beside its target
//! and beside what the model predicts, with a verdict and the way it was got.
//!
//! Start reading at [`run`]: [`preflight`] asks nodes (messages of [`isobar_wire::message::probe`]),
//! [`measure`] runs the workloads of `isobar-bench`, [`drill`] stops and starts a node under load,
//! [`recovery`] looks at the rates around it, `judge` compares with [`Targets`], [`html`] and [`summary`]
//! show a [`Report`].
//!
//! ```text
//! Targets ─────────────────────────────┐
//! pre-flight ──► facts ──► prediction ─┼─► judge ──► Report ──► summary | JSON | HTML
//! workloads, drill ──► measurements ───┘
//! ```
//!
//! **Invariant.** A number that was not measured is never shown as one: it is absent, with the reason.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod drill;
mod error;
pub mod html;
mod judge;
mod matrix;
pub mod measure;
pub mod preflight;
mod quantity;
pub mod recovery;
mod report;
mod run;
pub mod summary;
pub mod targets;
mod verdict;

pub use drill::NodeControl;
pub use error::{Result, ValidateError};
pub use matrix::Matrix;
pub use quantity::Quantity;
pub use report::{Command, Report};
pub use run::{Control, Options, Skip, Watcher, run};
pub use targets::Targets;
pub use verdict::{Check, Group, Overall, Verdict};
