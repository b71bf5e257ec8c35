//! Where a voter stands: what it answers to a candidate-to-be and to a leader that confirms a read.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::ids::{LogId, Vote};

/// One voter's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// Its vote, from before it was promised to anybody.
    pub vote: Option<Vote>,
    /// The end of its log.
    pub last: Option<LogId>,
    /// Since when it has not heard a leader.
    pub silent_ms: u64,
}

/// When a leader was last heard.
#[derive(Debug)]
pub(crate) struct Heard(Mutex<Instant>);

impl Heard {
    pub fn now() -> Heard {
        Heard(Mutex::new(Instant::now()))
    }

    /// A leader sent something, or somebody stands who deserves the time to win.
    pub fn note(&self) {
        *self.0.lock() = Instant::now();
    }

    pub fn silence(&self) -> Duration {
        self.0.lock().elapsed()
    }
}
