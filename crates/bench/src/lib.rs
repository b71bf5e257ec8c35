//! Measures any file system with the field's standard workloads: real processes, phases that begin at one
//! moment for all, contents that neither compress nor repeat and are verified, latency percentiles, CPU
//! time of clients and servers.
//!
//! Start reading at [`ior::run`], [`mdtest::run`], [`mixed::run`], [`smallfile::run`]: a workload is a
//! sequence of phases of a [`run::Setup`]; every phase is one task per worker process (`task/`), and a task
//! makes its calls on a [`Backend`], of which there are two: paths of a mounted file system, and Isobar's
//! client library. Reports are plain values to serialise; `report/` prints them as IOR and mdtest do.
//!
//! ```text
//! workload ──► Run ──► WorkerPool ═ pipes ═► worker process ──► Task ──► Backend ──► POSIX | client library
//!    ▲          │ Observer (rates, live)        │ Recorder (latency, bytes in 10 ms buckets, contents)
//!    └── Phase ◄┴───────────── RankReport ◄─────┘
//! ```
//!
//! As a library:
//!
//! ```no_run
//! use isobar_bench::{Cancel, CommonOptions, Launcher, OnRates, mixed};
//!
//! let common = CommonOptions { dir: Some("/mnt/x".into()), ..CommonOptions::default() };
//! // The program that is started as a worker calls `serve_worker` when it is given these arguments.
//! let setup = common.setup(Launcher::this_binary(["bench", "worker"])?, Cancel::default())?;
//! let options = mixed::MixedOptions { seconds: Some(60.0), common, ..Default::default() };
//! let report = mixed::run(&options, &setup, &mut OnRates(|phase: &str, rates: &isobar_bench::Rates| {
//!     println!("{phase} {:.0} s: {:.0} B/s read", rates.at_seconds, rates.read_bytes_per_second);
//! }))?;
//! assert!(report.is_right());
//! # Ok::<(), isobar_bench::BenchError>(())
//! ```
//!
//! **Invariant.** What a rate is made of was counted in the worker that did it, on the clock all processes
//! of the machine share; the coordinator computes rates afterwards and times nothing itself.
//! **Invariant.** Whatever way a measurement ends, what it wrote is removed unless it was told to keep it.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod backend;
mod calendar;
mod clock;
#[cfg(test)]
mod command_line;
mod content;
mod error;
pub mod ior;
mod latency;
mod location;
pub mod mdtest;
pub mod mixed;
mod mounts;
mod options;
mod phase;
mod place;
mod readers_writers;
mod record;
pub mod report;
pub mod run;
mod sides;
mod size_mix;
pub mod smallfile;
mod stats;
pub mod suite;
mod task;
#[cfg(test)]
mod tests;
mod units;
mod window;

pub use backend::{Backend, OpenFile, OpenFlags, Space, Stat, Target};
pub use calendar::CivilTime;
pub use content::{Check, Content, Difference};
pub use error::{BenchError, Result};
pub use latency::Latency;
pub use location::Location;
pub use mounts::{Mount, mount_of};
pub use options::{Api, CommonOptions, with_np};
pub use phase::{Cpu, Phase, Rank, Second};
pub use readers_writers::ReadersWriters;
pub use record::{Call, Side, Verified, WrittenFile};
pub use run::serve as serve_worker;
pub use run::{Cancel, Cold, Launcher, Observer, OnRates, Quiet, Rates, Setup, Watch, Watched};
pub use sides::{Overlap, SideRates};
pub use size_mix::Mix;
pub use stats::Stats;
pub use units::{ior_size, parse_bytes};
pub use window::{Counts, Series, Span, overlap};
