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
        let permit = self.room.clone().try_acquire_many_owned(self.grains(bytes)).ok()?;
        Some(Reservation(Some(permit)))
    }

    /// Waits for room.
    pub async fn take(&self, bytes: usize) -> Reservation {
        // The semaphore is never closed.
        Reservation(self.room.clone().acquire_many_owned(self.grains(bytes)).await.ok())
    }

    /// What is more than all there is has to do with that.
    fn grains(&self, bytes: usize) -> u32 {
        bytes.div_ceil(GRAIN).min(self.total) as u32
    }

    /// Bytes there is room for when nothing is dirty.
    pub fn bytes_max(&self) -> usize {
        self.total * GRAIN
    }

    /// Bytes of it that are taken.
    pub fn taken_bytes(&self) -> usize {
        (self.total - self.room.available_permits()) * GRAIN
    }

    /// More than half is taken: time to write back.
    pub fn is_over_half(&self) -> bool {
        self.room.available_permits() < self.total / 2
    }
}

impl Reservation {
    /// Joins two.
    pub fn merge(&mut self, other: Reservation) {
        match (&mut self.0, other.0) {
            (Some(mine), Some(other)) => mine.merge(other),
            (mine, other) => *mine = other,
        }
    }

    /// Bytes it is good for.
    pub fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |permit| permit.num_permits() * GRAIN)
    }

    /// Gives back what is not needed for `bytes` bytes.
    pub fn trim(&mut self, bytes: usize) {
        if let Some(mine) = &mut self.0 {
            drop(mine.split(mine.num_permits().saturating_sub(bytes.div_ceil(GRAIN))));
        }
    }

    /// Splits off everything.
    pub fn take(&mut self) -> Reservation {
        Reservation(self.0.take())
    }

    /// Splits off room for `bytes` bytes, or all there is.
    pub fn split(&mut self, bytes: usize) -> Reservation {
        let Some(mine) = &mut self.0 else { return Reservation(None) };
        let count = (bytes / GRAIN).min(mine.num_permits());
        Reservation(mine.split(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let budget = Budget::new(16 << 20);
        let mut mine = budget.try_take(budget.bytes_max() + 1).unwrap();
        assert!(budget.try_take(1).is_none());
        mine.trim(1500);
        assert_eq!(mine.bytes(), 2 * GRAIN);
        mine.trim(10_000);
        assert_eq!(mine.bytes(), 2 * GRAIN);
        let rest = budget.try_take(budget.bytes_max() - mine.bytes()).unwrap();
        assert!(budget.try_take(1).is_none());
        drop((mine.split(GRAIN), rest));
        assert!(budget.try_take(budget.bytes_max() - GRAIN).is_some());
    }
}
