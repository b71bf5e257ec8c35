//! What this client knows of names, and who else may change them.
//!
//! ```text
//! events (Namespace) ─┬─► dentries      names told lately
//!                     ├─► attrs         attributes told lately
//!                     ├─► complete      directories of which every name is known
//!                     ├─► delegations   directories this client answers for
//!                     ├─► intents       opens and last unlinks under way
//!                     ├─► losses        directories in which something answered for was lost
//!                     └─► lookahead     how many neighbours to ask for
//! ```
//! [`Namespace`] owns them all and has one method for each thing that can happen; whoever calls the cluster
//! tells it what came of it, and nobody else touches a cache. Nothing here sends or waits for a message.
//!
//! **Lock order**: delegations, then complete, then the shards of dentries and attrs. Operations are sent
//! while the lock of the delegations is held (the order of the answers is that of the log), so the locks of
//! `cluster` come last.

mod attrs;
mod complete;
mod delegations;
mod dentries;
mod events;
mod intents;
mod lookahead;
mod losses;

pub(crate) use delegations::Delegation;
pub(crate) use events::{Answer, Namespace};
pub(crate) use losses::DirectoryErrors;
