//! What makes the machines of a cluster: apart from what a cluster is, and from who wants one.
//!
//! A [`Provider`] has machines, or processes, of some sizes. It makes the nodes of a cluster by a [`Plan`],
//! starts and stops them, blanks their disks and takes them away, and says how they are asked. It does not
//! judge whether any of that is safe for the data: whoever calls does.
//!
//! | file | what |
//! |---|---|
//! | `provider` | the calls, and what every one of them has to keep |
//! | `plan` | what is to be made, and what of it does not fit |
//! | `local` | processes of this machine |
//! | `error` | what failed, and whether it may go better another time |
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::panic))]

mod error;
mod local;
mod plan;
mod provider;

pub use error::ProviderError;
pub use local::LocalProvider;
pub use plan::{Misfit, Plan, Size};
pub use provider::{Doing, Provider, Secrets, Woken};
