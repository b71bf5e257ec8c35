//! Sizing: which machines and how many a target needs, what they would reach and what they would survive.
//!
//! Everything here is arithmetic on data: no I/O, no clock, no randomness. Files come in as text.
//!
//! Where to start reading: [`model`] is the arithmetic (one line for each limit), [`rank`] turns a
//! [`Request`] into a [`Plan`], [`predict`] answers for a cluster that exists, [`survive`] counts what may
//! be lost, [`explain`] says each number with the figures it came from, [`report`] puts a plan into words.
//! What the numbers rest on is data: `data/azure-l-series.json` ([`Catalogue`]) and `data/assumptions.json`
//! ([`Assumptions`]).
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod assumptions;
mod calibrate;
mod catalogue;
mod code;
mod error;
pub mod explain;
mod inputs;
pub mod limits;
mod machine;
pub mod model;
mod predict;
pub mod rank;
mod rebuild;
pub mod report;
pub mod survive;
mod units;

pub use assumptions::{Assumption, Assumptions, Basis};
pub use catalogue::{Catalogue, Entry};
pub use code::{Code, CodingPath};
pub use error::PlanError;
pub use inputs::{MetadataRates, Order, Request, SMALL_FILE_BYTES, SmallFiles};
pub use machine::{Machine, MachineFacts, Status};
pub use model::{Limit, Need};
pub use predict::{ClientFacts, ClusterFacts, FileRate, OperationRate, Prediction, Rate, predict};
pub use rank::{Alternative, LeftOut, Plan, plan};
pub use rebuild::{Rebuild, rebuild};
pub use survive::{Survival, survival};
pub use units::{Bytes, BytesPerSecond, PerSecond, Seconds};
