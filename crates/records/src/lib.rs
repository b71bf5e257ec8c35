//! What the control plane remembers, in SQL: a SQLite file by default, a PostgreSQL database by a URL.
//!
//! ```text
//!  Records ──read()───► Snapshot   all records as of one moment
//!     │
//!     └─────begin()──► Tx          the same, and writes; commit() keeps all of them, dropping it none
//!                       │
//!        resources · operations · audit · settings
//! ```
//!
//! **What is promised**
//! - *All or nothing*: what one [`Tx`] writes is kept as a whole, and durable when `commit` returns.
//! - *No change is lost unseen*: a resource is changed from the revision that was read, or not at all. No
//!   revision is ever used twice, so it serves as an etag.
//! - *One operation a target*: a second one is refused with the id of the first.
//! - *Only the latest owner saves*: whoever has lost a claim cannot write over what the next owner wrote.
//! - *The audit log only grows*: the database refuses anything else, whoever asks.
//! - *The same on both databases*: one text of each statement; where statements differ is in `dialect.rs`, a
//!   page. What else differs is said there.
//!
//! Time is always given, in milliseconds since 1970: nothing here reads a clock. What a document means is not
//! known here, and no secret belongs into one.
//!
//! | file | what |
//! |---|---|
//! | `records`, `place`, `migrate` | opening: which database, its tables |
//! | `tx`, `session`, `sql`, `row`, `dialect` | transactions and statements |
//! | `resource`, `resources` | what exists |
//! | `operation`, `operations`, `claims` | what is being done; asking for it; doing it |
//! | `audit`, `settings` | who did what; small things by name |
//! | `testing` | databases for tests |
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod audit;
mod boxed;
mod claims;
mod dialect;
mod error;
pub mod limits;
mod migrate;
mod operation;
mod operations;
mod place;
mod records;
mod resource;
mod resources;
mod row;
mod session;
mod settings;
mod sql;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod tx;

pub use audit::{AuditEntry, AuditFilter};
pub use boxed::Boxed;
pub use error::RecordsError;
pub use operation::{NewOperation, Operation, OperationFilter, Status};
pub use records::Records;
pub use resource::{Resource, ResourceFilter};
pub use sql::document;
pub use tx::{Snapshot, Tx};
