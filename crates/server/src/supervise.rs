//! Background work of a node does not end with one bad piece of it: a duty that panics is started again,
//! after a pause that grows as long as it keeps panicking.
//!
//! A duty that returns has done what it had to. One that is supervised ends with the future that supervises
//! it.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinSet};

/// Pause before a duty is started again.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The same after it has panicked again and again. A duty that has run for this long begins anew.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Runs what `start` makes, again whenever it panics, until it returns.
pub(crate) async fn supervise<F>(duty: &'static str, start: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut pause = PAUSE_MIN;
    loop {
        let begun = Instant::now();
        let mut task = JoinSet::new();
        task.spawn(start());
        match task.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                if begun.elapsed() > PAUSE_MAX {
                    pause = PAUSE_MIN;
                }
                let (why, pause_ms) = (words(error), pause.as_millis());
                tracing::error!(
                    duty,
                    why,
                    pause_ms,
                    "INVARIANT: a background duty panicked; it starts again"
                );
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            // It has returned, or the runtime is going down.
            Some(Ok(()) | Err(_)) | None => return,
        }
    }
}

/// What a panic said.
fn words(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
            (Some(words), _) => (*words).to_owned(),
            (_, Some(words)) => words.clone(),
            _ => String::new(),
        },
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_duty_that_panics_is_started_again_until_it_is_done() {
        let starts = Arc::new(AtomicU32::new(0));
        let counted = starts.clone();
        let begun = Instant::now();
        supervise("test", move || {
            let start = counted.fetch_add(1, Ordering::Relaxed);
            async move { assert!(start >= 3, "not yet") }
        })
        .await;
        assert_eq!(starts.load(Ordering::Relaxed), 4);
        assert!(begun.elapsed() >= PAUSE_MIN * 7, "each pause is twice as long as the one before");
    }

    #[tokio::test]
    async fn a_duty_ends_with_whoever_supervises_it() {
        let held = Arc::new(());
        let of_duty = held.clone();
        let supervised = tokio::spawn(supervise("test", move || {
            let held = of_duty.clone();
            async move {
                std::future::pending::<()>().await;
                drop(held);
            }
        }));
        while Arc::strong_count(&held) < 3 {
            tokio::task::yield_now().await;
        }
        supervised.abort();
        supervised.await.unwrap_err();
        while Arc::strong_count(&held) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
