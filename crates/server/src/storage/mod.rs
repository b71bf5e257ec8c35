//! The storage role: targets, requests to them, and the duties of whoever owns one.
//!
//! ```text
//! handler ─► requests ──┐
//! orphans ◄──┐          ├─► target ─► the store of one device
//! rebuild ◄─ scrub ─────┘
//! ```

pub(crate) mod orphans;
pub(crate) mod rebuild;
mod requests;
pub(crate) mod scrub;
pub(crate) mod target;

pub(crate) use requests::handle;
pub(crate) use target::Target;
