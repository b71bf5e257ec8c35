//! Between those who lease directories and those who want them.
//!
//! A lessee asks again and again what it should give up, and waits for the answer; whoever is refused because of a
//! lease asks for the directory, and waits until it is free. A lessee that has not asked for [`DEAF`] loses the lease of
//! a directory that others want: what it answered for and had not sent is lost, as with an expired session.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_base::{Ino, SessionId};
use isobar_wire::message::leases::{LeaseReply, LeaseRequest};
use isobar_wire::message::ops::Op;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::metadata::Metadata;

/// A request waits at most this long.
const PATIENCE: Duration = Duration::from_millis(900);
/// How often somebody who wants a directory looks whether it is free.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// A lessee that has not asked for so long does not hear.
const DEAF: Duration = Duration::from_secs(5);
/// Lessees not heard of for this long are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// The lessees this node has heard of while it leads.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<HashMap<SessionId, Lessee>>);

#[derive(Debug)]
struct Lessee {
    asked: Instant,
    wanted: BTreeSet<Ino>,
    more: Arc<Notify>,
}

impl Leases {
    /// This node begins to lead: everybody gets the time to be heard.
    pub(crate) fn begin(&self) {
        self.0.lock().clear();
    }

    fn with<R>(&self, session: SessionId, change: impl FnOnce(&mut Lessee) -> R) -> R {
        let mut lessees = self.0.lock();
        if !lessees.contains_key(&session) {
            lessees.retain(|_, lessee| lessee.asked.elapsed() < FORGOTTEN);
        }
        let new = || Lessee { asked: Instant::now(), wanted: BTreeSet::new(), more: Arc::default() };
        change(lessees.entry(session).or_insert_with(new))
    }

    /// What a lessee should give up, as soon as there is something.
    async fn wanted(&self, session: SessionId) -> Vec<Ino> {
        let more = self.with(session, |lessee| {
            lessee.asked = Instant::now();
            lessee.more.clone()
        });
        let take = || self.with(session, |lessee| std::mem::take(&mut lessee.wanted));
        let at_once = take();
        if !at_once.is_empty() {
            return at_once.into_iter().collect();
        }
        // Something may have come in between: then the notification is kept for us.
        tokio::time::timeout(PATIENCE, more.notified()).await.ok();
        self.with(session, |lessee| lessee.asked = Instant::now());
        take().into_iter().collect()
    }

    /// Has a directory given up; returns when it is free, or after a while.
    async fn want(&self, meta: &Metadata, dir: Ino) {
        let begun = Instant::now();
        let mut told = None;
        while begun.elapsed() < PATIENCE && meta.group.is_leader() {
            let Some(lessee) = meta.group.read(|kv| isobar_meta::lessee(kv, dir)) else { return };
            let deaf = self.with(lessee, |l| {
                if told != Some(lessee) {
                    l.wanted.insert(dir);
                    l.more.notify_one();
                }
                l.asked.elapsed() > DEAF
            });
            told = Some(lessee);
            if deaf {
                tracing::warn!(session = %lessee, %dir, "the lessee of a directory does not hear: the lease is revoked");
                meta.execute(vec![Op::Revoke { dir, session: lessee }]).await.ok();
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Answers one request about leases.
pub(crate) async fn leases(meta: &Metadata, request: LeaseRequest) -> LeaseReply {
    if !meta.group.is_leader() {
        return LeaseReply::NotLeader(meta.other_leader());
    }
    match request {
        LeaseRequest::Await { session } => LeaseReply::Wanted(meta.leases.wanted(session).await),
        LeaseRequest::Want { dir } => {
            meta.leases.want(meta, dir).await;
            LeaseReply::Again
        }
    }
}
