//! The state: a checkpoint in an embedded LSM tree and everything newer in memory.
//!
//! The Raft log is the only write-ahead log. `apply` changes the *overlay* in memory. From time to time the
//! overlay is frozen (a new one takes further changes) and written to the tree as **one atomic, synced batch
//! together with the log id it ends at**. After a restart the state is the tree's, and the log is replayed
//! from that id. A batch torn by a power loss is therefore no loss: the tree comes back at the id before it.
//!
//! - **S1** `synced` never exceeds the log id inside the last synced batch; the log is purged up to it at
//!   most.
//! - **S2** readers see overlay, then frozen overlay, then tree: a checkpoint changes nothing they can see.
//! - **S3** a snapshot is installed into a fresh directory and switched to by a pointer file (`pointer.rs`).
//! - **S4** log id, membership and the mark of an installed snapshot live in a key space of their own.
//!
//! Start reading at `store.rs`, then `state.rs` and `checkpoint.rs`.

mod applied;
mod cache;
mod checkpoint;
mod open;
mod pointer;
mod snapshot;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use applied::Applied;
pub(crate) use checkpoint::CheckpointHandle;
pub(crate) use snapshot::export;
pub(crate) use store::StateStore;
