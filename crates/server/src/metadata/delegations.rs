//! Between those who hold a delegation of a directory and those who want the directory.
//!
//! A holder asks again and again what it should give up, and waits for the answer; whoever is refused because
//! of a delegation asks for a recall, and waits until the directory is free. A holder that has not asked for
//! [`HOLDER_TIMEOUT`] loses the delegation of a directory that others want: what it answered for and had not
//! sent is lost, as with an expired session.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_base::{Ino, SessionId};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// A request about delegations waits at most this long.
pub(super) const RECALL_WAIT_MAX: Duration = Duration::from_millis(900);
/// A holder that has not asked for so long does not hear.
const HOLDER_TIMEOUT: Duration = Duration::from_secs(5);
/// Holders not heard of for this long are forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(60);

/// The holders this node has heard of while it leads.
#[derive(Debug, Default)]
pub(crate) struct Delegations(Mutex<HashMap<SessionId, Holder>>);

#[derive(Debug)]
struct Holder {
    /// When it last asked what it should give up.
    asked: Instant,
    wanted: BTreeSet<Ino>,
    more: Arc<Notify>,
}

impl Delegations {
    /// This node begins to lead: everybody gets the time to be heard.
    pub(crate) fn begin(&self) {
        self.0.lock().clear();
    }

    fn with<R>(&self, session: SessionId, change: impl FnOnce(&mut Holder) -> R) -> R {
        let mut holders = self.0.lock();
        if !holders.contains_key(&session) {
            holders.retain(|_, holder| holder.asked.elapsed() < FORGET_AFTER);
        }
        let new = || Holder { asked: Instant::now(), wanted: BTreeSet::new(), more: Arc::default() };
        change(holders.entry(session).or_insert_with(new))
    }

    /// What a holder should give up, as soon as there is something.
    pub(super) async fn wanted(&self, session: SessionId) -> Vec<Ino> {
        let more = self.with(session, |holder| {
            holder.asked = Instant::now();
            holder.more.clone()
        });
        let take = || self.with(session, |holder| std::mem::take(&mut holder.wanted));
        let at_once = take();
        if !at_once.is_empty() {
            return at_once.into_iter().collect();
        }
        // Something may have come in between: then the notification is kept for us.
        tokio::time::timeout(RECALL_WAIT_MAX, more.notified()).await.ok();
        self.with(session, |holder| holder.asked = Instant::now());
        take().into_iter().collect()
    }

    /// Tells a holder that others want `dir`, if that is new; true when the holder is not heard of any more.
    pub(super) fn note_wanted(&self, session: SessionId, dir: Option<Ino>) -> bool {
        self.with(session, |holder| {
            if let Some(dir) = dir {
                holder.wanted.insert(dir);
                holder.more.notify_one();
            }
            holder.asked.elapsed() > HOLDER_TIMEOUT
        })
    }
}
