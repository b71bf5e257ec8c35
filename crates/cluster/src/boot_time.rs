//! A clock that also runs while the machine sleeps (CLOCK_BOOTTIME), for whatever is good for a limited time
//! only (I10): a frozen machine that wakes up must not take what it knew for fresh.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A moment, as time since the machine started.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct BootTime(Duration);

impl BootTime {
    /// Now.
    pub fn now() -> BootTime {
        let now = clock_gettime(ClockId::Boottime);
        BootTime(Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32))
    }

    /// How long ago it was; zero for a moment to come.
    pub fn elapsed(self) -> Duration {
        BootTime::now().0.saturating_sub(self.0)
    }

    /// The moment so much earlier, but not before the machine started.
    #[must_use]
    pub fn earlier_by(self, by: Duration) -> BootTime {
        BootTime(self.0.saturating_sub(by))
    }
}
