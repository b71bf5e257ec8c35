//! A bounded number of dirty bytes; those who want more wait.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes are counted in units of this many.
const GRAIN: usize = 1024;

/// Room for dirty bytes, shared by all files of a client.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    room: Arc<Semaphore>,
    total: usize,
}

/// Room taken; dropped, it is free again.
#[derive(Debug, Default)]
pub(crate) struct Reservation(Option<OwnedSemaphorePermit>);

impl Budget {
    pub fn new(bytes: usize) -> Budget {
        let total = (bytes / GRAIN).max(16 << 10);
        Budget { room: Arc::new(Semaphore::new(total)), total }
    }

    /// Takes room for a write if there is some.
    pub fn try_take(&self, bytes: usize) -> Option<Reservation> {
        let permit = self.room.clone().try_acquire_many_owned(grains(bytes)).ok()?;
        Some(Reservation(Some(permit)))
    }

    /// Waits for room.
    pub async fn take(&self, bytes: usize) -> Reservation {
        // The semaphore is never closed.
        Reservation(self.room.clone().acquire_many_owned(grains(bytes)).await.ok())
    }

    /// More than half is taken: time to write back.
    pub fn is_over_half(&self) -> bool {
        self.room.available_permits() < self.total / 2
    }
}

fn grains(bytes: usize) -> u32 {
    bytes.div_ceil(GRAIN) as u32
}

impl Reservation {
    /// Joins two.
    pub fn merge(&mut self, other: Reservation) {
        match (&mut self.0, other.0) {
            (Some(mine), Some(other)) => mine.merge(other),
            (mine, other) => *mine = other,
        }
    }

    /// Splits off everything.
    pub fn take(&mut self) -> Reservation {
        Reservation(self.0.take())
    }
}

impl Reservation {
    /// Splits off room for `bytes` bytes, or all there is.
    pub fn split(&mut self, bytes: usize) -> Reservation {
        let Some(mine) = &mut self.0 else { return Reservation(None) };
        let count = (bytes / GRAIN).min(mine.num_permits());
        Reservation(mine.split(count))
    }
}
