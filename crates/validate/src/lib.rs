//! Whether a cluster is ready: pre-flight, benchmarks and a fault drill, each measurement beside its target
//! and beside what the model predicts, with a verdict and the way it was got.
//!
//! Start reading at [`run`]: [`preflight`] asks nodes (messages of [`isobar_wire::message::probe`]),
//! [`measure`] runs the workloads of `isobar-bench`, [`drill`] stops and starts a node under load,
//! [`recovery`] looks at the rates around it, `judge` compares with [`Targets`] (a file for each subject),
//! [`html`] and [`summary`] show a [`Report`].
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

mod caveats;
mod check;
mod client_machine;
mod command;
pub mod drill;
mod error;
pub mod html;
mod judge;
mod matrix;
pub mod measure;
mod options;
mod overall;
mod prediction;
pub mod preflight;
mod quantity;
pub mod recovery;
mod report;
mod run;
pub mod summary;
pub mod targets;
mod verdict;
mod watcher;

pub use check::Check;
pub use client_machine::ClientMachine;
pub use command::Command;
pub use drill::{Control, NodeControl};
pub use error::{Result, ValidateError};
pub use matrix::Matrix;
pub use options::{Options, Skip};
pub use overall::Overall;
pub use quantity::Quantity;
pub use report::{ClusterFile, Report};
pub use run::run;
pub use targets::Targets;
pub use verdict::{Group, Verdict};
pub use watcher::Watcher;
