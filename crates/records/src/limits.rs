//! Bounds of what is kept, listed and waited for.

use std::time::Duration;

/// Rows of one list, at most: a thousand, and one that says whether there are more. Further ones are asked
/// for with where the last list ended.
pub const LIST_MAX: u32 = 1001;
/// A document kept in a row (a resource's body, an operation's input, outputs or error, an entry's detail)
/// as text, at most.
pub const DOCUMENT_BYTES_MAX: usize = 4 << 20;
/// Lists and objects inside each other in such a document, at most: what `serde_json` reads back.
pub const DOCUMENT_DEPTH_MAX: usize = 127;

/// An entry of the audit log that is older than this has none in front of it that is still to come. Its time
/// is that of its request, which takes a minute at most until it is written; whoever wrote one in front of it
/// by then has ended within another, or was ended; and clocks of control planes differ by less than the
/// third.
pub const AUDIT_SETTLED_MS: i64 = 180_000;

/// How long a free connection, a turn to write or a row that somebody else changes is waited for.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(10);
/// A PostgreSQL server ends a transaction whose owner is silent for so long.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Connections to one SQLite file: a writer and readers beside it. Each has a thread.
pub(crate) const SQLITE_CONNECTIONS_MAX: u32 = 8;
/// Connections to a PostgreSQL server, whose default is to allow 100 in all.
pub(crate) const POSTGRES_CONNECTIONS_MAX: u32 = 16;
/// How often an operation is added again when the one in its way ends at the same moment.
pub(crate) const INSERTS_MAX: u32 = 4;
/// How often a SQLite file is tried again that somebody else is just turning to write-ahead logging.
pub(crate) const WAL_RETRY_EVERY: Duration = Duration::from_millis(20);
