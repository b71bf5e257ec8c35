//! Waiting for room: writers that find none ask the leader whether some may come, one for all of them, and
//! try again in turn: together they would find none again, each having taken some from the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use isobar_base::Errno;
use isobar_cluster::Cluster;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The leader is asked this often, ...
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// ... and may take so long to answer.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long there may be no hope of room before there is none: a target may be coming back, the leader
/// learns of a lack later than this side, and what could not be written together may fit one by one.
const HOPELESS_MAX: Duration = Duration::from_millis(2500);
/// How long nothing may find room while there is hope.
const LACK_MAX: Duration = Duration::from_secs(20);
/// A lack that nobody has met for so long is another one the next time.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(5);

/// The lack of room, as all writers of a client have met it.
#[derive(Debug, Default)]
pub(crate) struct Room {
    lacking: AtomicBool,
    lack: Mutex<Lack>,
    turn: Arc<Mutex<()>>,
}

/// For as long as it is held nobody else who waited for room tries.
pub(crate) type Turn = OwnedMutexGuard<()>;

#[derive(Debug, Default)]
struct Lack {
    /// Since when nothing found room.
    since: Option<Instant>,
    /// Since when the leader gives no hope.
    hopeless: Option<Instant>,
    /// When it was asked last.
    looked: Option<Instant>,
}

impl Room {
    /// Something found room.
    pub(crate) async fn found(&self) {
        if self.lacking.swap(false, Ordering::AcqRel) {
            *self.lack.lock().await = Lack::default();
        }
    }

    /// Something found no room: returns when it is its turn to look again. `hopes` says whether to wait for
    /// what others free.
    ///
    /// # Errors
    /// `ENOSPC` when there is none to be had.
    pub(crate) async fn wait(&self, cluster: &Cluster, hopes: bool) -> Result<Turn, Errno> {
        {
            let mut lack = self.lack.lock().await;
            lack.begin(Instant::now());
            self.lacking.store(true, Ordering::Release);
            if lack.is_look_due(Instant::now()) {
                // Without a leader nobody knows.
                let hope = match cluster.refresh(LOOK_TIMEOUT).await {
                    Ok(view) => hopes && view.reclaiming,
                    Err(_) => true,
                };
                lack.note(hope, Instant::now());
            }
            if lack.is_for_good(Instant::now()) {
                return Err(Errno::ENOSPC);
            }
        }
        tokio::time::sleep(LOOK_EVERY / 2).await;
        Ok(self.turn.clone().lock_owned().await)
    }
}

impl Lack {
    fn begin(&mut self, now: Instant) {
        if self.looked.is_some_and(|at| now.saturating_duration_since(at) > FORGOTTEN_AFTER) {
            *self = Lack::default();
        }
        self.since.get_or_insert(now);
    }

    fn is_look_due(&self, now: Instant) -> bool {
        self.looked.is_none_or(|at| now.saturating_duration_since(at) >= LOOK_EVERY)
    }

    fn note(&mut self, hope: bool, now: Instant) {
        self.looked = Some(now);
        self.hopeless = if hope { None } else { self.hopeless.or(Some(now)) };
    }

    fn is_for_good(&self, now: Instant) -> bool {
        let longer =
            |since: Option<Instant>, most| since.is_some_and(|at| now.saturating_duration_since(at) >= most);
        longer(self.hopeless, HOPELESS_MAX) || longer(self.since, LACK_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_is_for_good_without_hope_and_after_long_hope_in_vain() {
        let begun = Instant::now();
        let after = |milliseconds| begun + Duration::from_millis(milliseconds);
        let mut lack = Lack::default();
        lack.begin(begun);
        lack.note(false, begun);
        assert!(!lack.is_for_good(after(2400)) && lack.is_for_good(after(2500)));
        // One answer without hope among others is not the end.
        lack.note(true, after(2450));
        lack.note(false, after(3000));
        assert!(!lack.is_for_good(after(5400)) && lack.is_for_good(after(5500)));
        lack.note(true, after(5000));
        assert!(!lack.is_for_good(after(19_900)) && lack.is_for_good(after(20_000)));
        // Whoever comes soon after fails at once; much later it is another lack.
        lack.note(true, after(20_000));
        lack.begin(after(21_000));
        assert!(lack.is_for_good(after(21_000)));
        lack.begin(after(26_000));
        assert!(!lack.is_for_good(after(26_000)));
    }

    #[test]
    fn the_leader_is_asked_for_all_writers_together() {
        let mut lack = Lack::default();
        let now = Instant::now();
        assert!(lack.is_look_due(now));
        lack.note(true, now);
        assert!(!lack.is_look_due(now + LOOK_EVERY / 2) && lack.is_look_due(now + LOOK_EVERY));
    }
}
