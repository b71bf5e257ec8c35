//! The data protocol as a state model, small enough to be checked exhaustively. Only tests use it.
//!
//! ```text
//! client ── PUT ──► targets (rows, unsynced and durable)      search, deletions ── I6
//!    └── COMMIT, truncation, REPLACE ──► pending ──► ledger ── who holds what, what is named (I2, I3, I5)
//! ```
//! A [`Plan`] says who is there, what they mean to do and which faults may come; the checker tries every
//! order of events.
//! Rules are those of `meta::ops`, `meta::segments`, `segments::write`, `server::storage`, `server::leader`.
//! A [`Mutant`] leaves one of them out: the properties must notice. `docs/model.md` says what is left out.
//!
//! | file | what |
//! |---|---|
//! | `plan` | who does what, which faults, which rule is broken |
//! | `state` | all there is at a moment |
//! | `ledger` | what an entry of the log does (`meta`) |
//! | `client` | writers and compactors (`client::file`, `segments::write`, `leader::compact`) |
//! | `storage` | targets, their faults, rebuilding, collection (`server::storage`, `leader::gc`) |
//! | `reader` | one reader, slow ones included |
//! | `model` | what may happen next, and what comes of it |
//! | `properties` | the invariants, by their numbers |
//! | `quiet` | a way to rest from any state |
//! | `checked` | all of it as the checker sees it |

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod checked;
mod client;
mod ledger;
mod model;
mod plan;
pub mod plans;
mod properties;
mod quiet;
mod reader;
mod state;
mod storage;

pub use model::{Action, Model};
pub use plan::{Faults, Job, Mutant, Plan};
pub use state::{Entry, State};
