//! The storage role: targets, requests to them, and the duties of whoever owns one.
//!
//! ```text
//! handler ─► requests ───────────────┐
//! attach ─┬► orphans, rebuild ◄ scrub ├─► target ─► the store of one device
//!         └► open ────────────────────┘
//! orphans ─► settled: which rows need not be asked about      requests, target ─► reserve: of room
//! ```

pub(crate) mod attach;
pub(crate) mod open;
mod orphans;
mod rebuild;
mod requests;
mod reserve;
mod scrub;
mod settled;
mod target;

pub(crate) use requests::handle;
pub(crate) use target::Target;
