//! The signals that end a process: those it waits for, and the one it gets when its parent ends.

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

/// Resolves on SIGTERM or SIGINT.
pub async fn asked_to_stop() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("cannot listen for signals");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// Has the kernel stop this process when the one that started it ends.
pub fn end_with_parent() {
    // Where the kernel cannot, the process ends with a signal from whoever started it.
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM)).ok();
}
