//! What an engine needs from outside: the time, randomness, and somebody who looks on. Tests bring their own.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use isobar_records::Operation;

/// Tells the time. Only leases and waits depend on it, and no state's correctness.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;
}

/// The clock of this machine.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// Gives random bytes.
pub trait Random: Send + Sync + 'static {
    /// Fills all of them.
    ///
    /// # Errors
    /// Why there are none.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), String>;
}

/// Randomness of the operating system.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), String> {
        getrandom::fill(bytes).map_err(|error| error.to_string())
    }
}

/// What happens to an operation in an engine.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Event<'a> {
    /// It was claimed.
    Claimed(&'a Operation),
    /// Its present step, or the undoing of it, begins.
    StepBegins(&'a Operation),
    /// It is about to be saved as it is here. A save that fails is tried again.
    Saving(&'a Operation),
    /// It was saved.
    Saved(&'a Operation),
    /// It has ended.
    Ended(&'a Operation),
    /// Somebody else has claimed it meanwhile.
    Lost(&'a Operation),
}

/// Looks on, to count or to log. It is called in between the work and has to return at once.
pub trait Observer: Send + Sync + 'static {
    /// What happens.
    fn see(&self, event: Event<'_>);
}

/// Looks away.
struct Nobody;

impl Observer for Nobody {
    fn see(&self, _: Event<'_>) {}
}

/// All of it together. The default is the real one, with nobody looking on.
#[derive(Clone)]
pub struct Environment {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for ids.
    pub random: Arc<dyn Random>,
    /// Who looks on.
    pub observer: Arc<dyn Observer>,
}

impl Default for Environment {
    fn default() -> Self {
        Environment {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            observer: Arc::new(Nobody),
        }
    }
}
