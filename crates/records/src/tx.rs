//! The two kinds of transactions that callers have. What can be read and written in them is said beside each
//! kind of record.

use std::ops::{Deref, DerefMut};

use crate::error::RecordsError;
use crate::session::Session;

/// All records as they were at one moment. Nobody waits for it, and it waits for nobody.
pub struct Snapshot {
    pub(crate) session: Session,
}

/// A transaction that writes, and reads as a [`Snapshot`] does. It is kept as a whole by
/// [`commit`](Tx::commit), or dropped and gone without a trace.
///
/// On SQLite there is one at a time, and begun ones wait in turn: do not wait for anything else
/// meanwhile, least of all for another one. On PostgreSQL two of them meet when they change the same row:
/// the later one waits. There, what one has read without a `hold_…` may change before it commits.
pub struct Tx {
    snapshot: Snapshot,
}

impl Snapshot {
    pub(crate) fn new(session: Session) -> Snapshot {
        Snapshot { session }
    }
}

impl Tx {
    pub(crate) fn new(session: Session) -> Tx {
        Tx { snapshot: Snapshot { session } }
    }

    /// Keeps what was written; it is durable when this returns.
    ///
    /// # Errors
    /// `Spoiled`, `Uncertain`, `Unavailable`, `Database`.
    pub async fn commit(self) -> Result<(), RecordsError> {
        self.snapshot.session.commit().await
    }
}

impl Deref for Tx {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.snapshot
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Snapshot {
        &mut self.snapshot
    }
}
