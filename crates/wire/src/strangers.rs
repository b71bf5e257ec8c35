//! Those who have connected and not proved the secret yet: how many a node puts up with, and how often it
//! speaks of them.
//!
//! When there are too many, of one source or in all, the one that has waited longest is dropped for the one
//! that comes: whoever knows the secret proves it within a round trip, whoever does not only waits.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::task::AbortHandle;

/// Connections without proof, in all.
const UNPROVEN_MAX: usize = 256;
/// Connections without proof from one source.
const UNPROVEN_PER_SOURCE_MAX: usize = 128;
/// Refused strangers are logged at most this often.
const LINE_EVERY: Duration = Duration::from_secs(60);

/// Those without proof.
#[derive(Debug, Default)]
pub(crate) struct Strangers {
    table: Mutex<Table>,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    /// Oldest first.
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    source: String,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Log {
    last: Option<Instant>,
    /// Refused since the last line.
    silent: u64,
}

impl Strangers {
    /// Runs the proof of one that comes from `from` as a task of its own.
    pub(crate) fn prove(self: &Arc<Strangers>, from: &str, proof: impl Future<Output = ()> + Send + 'static) {
        let source = from.rsplit_once(':').map_or(from, |(host, _)| host).to_owned();
        let mut table = self.table.lock();
        table.make_room(&source);
        let id = table.next;
        table.next += 1;
        let leave = Leave { strangers: self.clone(), id };
        let task = tokio::spawn(async move {
            let _leave = leave;
            proof.await;
        });
        table.waiting.push_back(Waiting { id, source, task: task.abort_handle() });
    }

    /// How many were refused since it was logged last, when it is time to log it again.
    pub(crate) fn worth_a_line(&self) -> Option<u64> {
        let mut log = self.log.lock();
        log.silent += 1;
        if log.last.is_some_and(|last| last.elapsed() < LINE_EVERY) {
            return None;
        }
        log.last = Some(Instant::now());
        Some(std::mem::take(&mut log.silent))
    }
}

impl Table {
    fn make_room(&mut self, source: &str) {
        let same = |w: &Waiting| w.source == source;
        let oldest = if self.waiting.iter().filter(|w| same(w)).count() >= UNPROVEN_PER_SOURCE_MAX {
            self.waiting.iter().position(same)
        } else {
            (self.waiting.len() >= UNPROVEN_MAX).then_some(0)
        };
        if let Some(dropped) = oldest.and_then(|at| self.waiting.remove(at)) {
            dropped.task.abort();
        }
    }
}

/// Takes one off the list, whatever way its proof ended.
struct Leave {
    strangers: Arc<Strangers>,
    id: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.strangers.table.lock().waiting.retain(|w| w.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(strangers: &Strangers, source: &str) -> usize {
        strangers.table.lock().waiting.iter().filter(|w| w.source == source).count()
    }

    #[tokio::test]
    async fn strangers_are_bounded_by_source_and_in_all_and_the_oldest_goes() {
        let strangers = Arc::new(Strangers::default());
        for port in 0..1000 {
            strangers.prove(&format!("one:{port}"), std::future::pending());
        }
        assert_eq!(waiting(&strangers, "one"), UNPROVEN_PER_SOURCE_MAX);
        for source in 0..1000 {
            strangers.prove(&format!("s{source}:1"), std::future::pending());
        }
        assert_eq!(strangers.table.lock().waiting.len(), UNPROVEN_MAX);
        assert_eq!((waiting(&strangers, "s0"), waiting(&strangers, "s999")), (0, 1));
    }

    #[tokio::test]
    async fn whoever_has_proved_it_leaves() {
        let strangers = Arc::new(Strangers::default());
        let (sender, receiver) = tokio::sync::oneshot::channel();
        strangers.prove("one:1", async move { sender.send(()).unwrap() });
        receiver.await.unwrap();
        while waiting(&strangers, "one") > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn a_line_a_minute_counts_the_others() {
        let strangers = Strangers::default();
        assert_eq!(strangers.worth_a_line(), Some(1));
        assert_eq!((strangers.worth_a_line(), strangers.worth_a_line()), (None, None));
        strangers.log.lock().last = Instant::now().checked_sub(LINE_EVERY);
        assert_eq!(strangers.worth_a_line(), Some(3));
    }
}
