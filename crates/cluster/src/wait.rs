//! Waiting for a condition that others make true and then notify.

use tokio::sync::Notify;

/// Waits until `ready` gives something. It is asked at once and after every notification of all waiters; one
/// that comes between the question and the wait is not missed.
pub async fn wait_until<T>(changed: &Notify, mut ready: impl FnMut() -> Option<T>) -> T {
    loop {
        let notified = changed.notified();
        tokio::pin!(notified);
        notified.as_mut().enable();
        if let Some(value) = ready() {
            return value;
        }
        notified.await;
    }
}
