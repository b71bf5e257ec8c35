//! Messages between the replicas of a group.
//!
//! A message is `group, sender, addressee` and the request in postcard. **The addressee is checked**: a blank
//! disk that took over an address is a stranger and must not answer for the disk before it (I13).
//!
//! Three rules make a round cheap:
//! - Only as many followers as a majority needs get entries at once (`fanout`).
//! - A reply to entries is handed to openraft only when this node's own copy is durable (L5 in `log`).
//! - openraft sends an empty message to every follower whenever the commit index moves. A follower that
//!   answered within the last heartbeat interval does not need one: the commit index is deferred. It rides on
//!   the next entries, or is sent by `commit_delay_ms` later when there are none. Only messages whose
//!   previous log id this follower has itself confirmed to this client are ever left out, and read
//!   confirmations (fresh clients) never are.
//!
//! Start reading at `transport.rs`, what this crate asks of its user; `outbound.rs` sends, `client.rs` is
//! openraft's view of one peer.

mod client;
mod fanout;
mod memory_of_peers;
mod message;
mod outbound;
mod transport;

pub(crate) use client::Factory;
pub(crate) use fanout::Fanout;
pub(crate) use message::{PreVoteState, SnapshotReply, decode, sender};
pub(crate) use outbound::Network;
pub use transport::{Reply, Rpc, Transport};
