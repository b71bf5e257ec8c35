//! The signals that end a process: those it waits for, and the one it gets when its parent ends.

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

/// Resolves on a SIGTERM or SIGINT that comes after the call. Within a runtime.
pub fn asked_to_stop() -> impl Future<Output = ()> {
    let listening = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        let (Ok(mut term), Ok(mut int)) = listening else {
            tracing::error!("cannot listen for signals");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    }
}

/// Has the kernel stop this process when the one that started it ends.
pub fn end_with_parent() {
    // Where the kernel cannot, the process ends with a signal from whoever started it.
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM)).ok();
}
