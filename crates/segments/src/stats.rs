//! How reading and writing went, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Segments;

/// How reading went since the client started.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadStats {
    /// Requests for rows or parts of them.
    pub gets: u64,
    /// Those of them that were made because the answer to another one was late.
    pub hedged: u64,
    /// Ranges that had to be decoded from other rows.
    pub decoded: u64,
    /// Rows written again because they were missing or damaged.
    pub repaired: u64,
}

/// How writing went since the client started.
#[derive(Clone, Copy, Debug, Default)]
pub struct WriteStats {
    /// Segments whose rows were sent.
    pub rounds: u64,
    /// Those of them that were given up because a target failed or was late.
    pub abandoned: u64,
    /// Rows that slow targets were tried with.
    pub trials: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub gets: AtomicU64,
    pub hedged: AtomicU64,
    pub decoded: AtomicU64,
    pub repaired: AtomicU64,
    pub rounds: AtomicU64,
    pub abandoned: AtomicU64,
    pub trials: AtomicU64,
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Segments {
    /// How reading went so far.
    pub fn read_stats(&self) -> ReadStats {
        let stats = &self.0.stats;
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ReadStats {
            gets: of(&stats.gets),
            hedged: of(&stats.hedged),
            decoded: of(&stats.decoded),
            repaired: of(&stats.repaired),
        }
    }

    /// How writing went so far.
    pub fn write_stats(&self) -> WriteStats {
        let stats = &self.0.stats;
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WriteStats { rounds: of(&stats.rounds), abandoned: of(&stats.abandoned), trials: of(&stats.trials) }
    }
}
