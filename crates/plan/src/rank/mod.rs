//! From a request to ranked alternatives, one for each size that may be used.
//!
//! `choose` settles which sizes, which code and how many nodes, and the order of the answers; `describe` says
//! all there is to say about one of them, with what `reach` finds it can do. The arithmetic of each is
//! [`crate::model`]'s.

mod alternative;
mod choose;
mod describe;
mod reach;

pub use alternative::{Alternative, LeftOut, Plan};
pub use choose::plan;
pub use reach::Reach;
pub(crate) use reach::{planned_with, work};
