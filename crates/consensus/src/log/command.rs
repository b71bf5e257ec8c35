//! What the writer is asked for, and whom it tells when that is durable.

use std::io;

use openraft::storage::LogFlushed;
use tokio::sync::oneshot;

use crate::ids::{LogId, Vote};
use crate::types::{Entry, Types};

/// One request in the writer's queue. Requests take effect in the order of the queue.
pub(super) enum Command {
    /// Adds entries that follow the last one.
    Append(Vec<Entry>, Done),
    /// Records a vote.
    Vote(Vote, Done),
    /// Voids the entries from this index on.
    Truncate(u64),
    /// Frees the entries up to and with this one.
    Purge(LogId),
    /// Ends the writer.
    Stop,
}

/// Whom to tell when a write is durable.
pub(super) enum Done {
    /// openraft.
    Flushed(LogFlushed<Types>),
    /// A caller that waits.
    Channel(oneshot::Sender<io::Result<()>>),
    /// It was reported before (L5).
    Nobody,
}

impl Done {
    pub(super) fn call(self, result: Result<(), &io::Error>) {
        let result = result.map_err(|e| io::Error::new(e.kind(), e.to_string()));
        match self {
            Done::Flushed(callback) => callback.log_io_completed(result),
            // The receiver is gone only when its caller was cancelled.
            Done::Channel(sender) => drop(sender.send(result)),
            Done::Nobody => {}
        }
    }
}
