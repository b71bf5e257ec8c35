//! What the user of this crate provides: a way to call a peer.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::{Member, TransportError};

/// Which request a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Rpc {
    /// Entries, commit index, heartbeat.
    AppendEntries = 1,
    /// Request for a vote.
    Vote = 2,
    /// A piece of a snapshot.
    InstallSnapshot = 3,
    /// Pre-vote: how far a voter's log reaches, for whom it voted, and whether it hears a leader.
    Standing = 4,
}

impl TryFrom<u8> for Rpc {
    type Error = u8;
    fn try_from(byte: u8) -> Result<Rpc, u8> {
        [Rpc::AppendEntries, Rpc::Vote, Rpc::InstallSnapshot, Rpc::Standing]
            .into_iter()
            .find(|&rpc| rpc as u8 == byte)
            .ok_or(byte)
    }
}

/// A reply under way.
pub type Reply = Pin<Box<dyn Future<Output = Result<Vec<u8>, TransportError>> + Send>>;

/// Carries messages to peers. Losing, delaying, repeating and reordering them is harmless.
pub trait Transport: Send + Sync + 'static {
    /// Sends `body` to `peer`, whose [`Group::handle`](crate::Group::handle) answers it.
    fn call(&self, peer: &Member, rpc: Rpc, body: Vec<u8>, timeout: Duration) -> Reply;
}
