//! Work that may take long, done without stopping what else its thread has to do.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs `work`, which may take long or wait for a lock. On a runtime of several threads another one takes
/// over what this one would have done: heartbeats go on, whatever is applied or read meanwhile. That costs
/// two switches between threads: work that is soon done is better done at once.
pub fn blocking<R>(work: impl FnOnce() -> R) -> R {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
