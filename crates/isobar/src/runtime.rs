//! The runtimes that commands run their futures on.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};

/// Runs a future on a small runtime of its own.
pub fn block_on<T>(future: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| format!("cannot start a runtime: {e}"))?
        .block_on(future)
}

/// Most threads of a mount's runtime unless more are asked for.
const THREADS_MAX: usize = 8;

/// One thread a CPU, up to [`THREADS_MAX`].
pub fn threads_for_this_machine() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX)
}

/// A runtime of `count` worker threads.
pub fn threads(count: usize) -> Result<Runtime, String> {
    Builder::new_multi_thread()
        .worker_threads(count)
        .enable_all()
        .build()
        .map_err(|e| format!("cannot start threads: {e}"))
}
