//! How directories are delegated to this client, what becomes of what it answered for, and how they are given
//! up.

use std::ops::Range;
use std::sync::Weak;
use std::time::{Duration, Instant};

use isobar_base::{Errno, Ino, SessionId};
use isobar_cluster::BootTime;
use isobar_wire::message::files::Attr;
use isobar_wire::message::ops::{FileOp, OpError, OpReply};
use isobar_wire::message::queries::{Answer, FileQuery};
use tokio::sync::mpsc;

use super::core::{Answered, Client, Inner};
use super::lookup::READDIR_ENTRIES;
use crate::namespace::Delegation;

const S_ISGID: u32 = 0o2000;
/// A directory with more names is not read for the sake of a delegation.
const NAMES_READ_MAX: u64 = 16 << 10;
/// How often idle delegations are looked for.
const IDLE_TICK: Duration = Duration::from_secs(1);

impl Client {
    /// After a change of a directory that was waited for: asks for its delegation if that is worth it.
    pub(super) fn consider_delegation(&self, dir: Ino) {
        if self.0.namespace.note_change(dir) {
            let this = self.clone();
            tokio::spawn(async move { this.acquire(dir).await });
        }
    }

    async fn acquire(&self, dir: Ino) {
        self.0.namespace.quiet(dir).await;
        let delegation = self.request(dir).await;
        tracing::debug!(%dir, granted = delegation.is_some(), "delegation of a directory");
        self.0.namespace.granted(dir, delegation);
    }

    /// Asks for a delegation; gives it back at once when it is of no use.
    async fn request(&self, dir: Ino) -> Option<Delegation> {
        let (namespace, session) = (&self.0.namespace, &self.0.session);
        let asked = BootTime::now();
        let begun = session.begin(FileOp::Delegate { dir }, None)?;
        let id = begun.session;
        let (attr, numbers) = match session.end(begun).await {
            Ok(Ok(OpReply::Delegated { attr, first, count })) => (attr, numbers(first, count)),
            Ok(refused) => {
                tracing::debug!(%dir, ?refused, "no delegation");
                return None;
            }
            Err(error) => {
                // The log may have granted it: nobody else would get the directory before it is returned.
                tracing::debug!(%dir, %error, "no delegation");
                self.spawn_return_of_unknown(dir, id);
                return None;
            }
        };
        let usable = attr.mode & S_ISGID == 0
            && (namespace.begin_holding(dir, attr.version)
                || self.read_names(dir, &attr).await && namespace.begin_holding(dir, attr.version));
        if !usable {
            session.mutate(FileOp::ReturnDelegation { dir }).await.ok();
            return None;
        }
        Some(Delegation { session: id, dir: attr, asked, confirmed: asked, numbers, refilling: false })
    }

    /// Reads all names of a directory that nobody can change; false when they are many, or it failed.
    async fn read_names(&self, dir: Ino, attr: &Attr) -> bool {
        if attr.size > NAMES_READ_MAX {
            return false;
        }
        let asked = BootTime::now();
        let (mut names, mut cookie) = (Vec::new(), 0);
        loop {
            let query = FileQuery::ReadDir { ino: dir, cookie, limit: READDIR_ENTRIES };
            let Ok(Answer::Dir { entries, end, dir_version }) = self.0.cluster.query(query).await else {
                return false;
            };
            if dir_version != attr.version {
                return false;
            }
            self.0.namespace.listed(dir, &entries, None, asked);
            cookie = entries.last().map_or(cookie, |entry| entry.cookie);
            names.extend(entries.into_iter().map(|entry| (entry.name.into_boxed_slice(), entry.attr.ino)));
            if end {
                break;
            }
        }
        self.0.namespace.listed_as_holder(dir, attr.version, names.into_iter());
        true
    }

    /// Asks for more inode numbers.
    pub(super) fn spawn_refill(&self, dir: Ino) {
        let this = self.clone();
        self.0.files.runtime.spawn(async move {
            let more = match this.0.session.mutate(FileOp::Delegate { dir }).await {
                Ok(OpReply::Delegated { first, count, .. }) => Some(numbers(first, count)),
                _ => None,
            };
            this.0.namespace.refilled(dir, more);
        });
    }

    pub(super) fn spawn_return(&self, dir: Ino) {
        let this = self.clone();
        self.0.files.runtime.spawn(async move { this.return_delegation(dir).await });
    }

    /// Returns what may have been granted and was not heard of.
    fn spawn_return_of_unknown(&self, dir: Ino, session: SessionId) {
        if let Some(begun) = self.0.session.begin(FileOp::ReturnDelegation { dir }, Some(session)) {
            let session = self.0.session.clone();
            self.0.files.runtime.spawn(async move { session.outcome(begun).await });
        }
    }

    /// Gives a delegation up, after everything that was answered for under it, however long it takes.
    async fn return_delegation(&self, dir: Ino) {
        let send = |session| self.0.session.begin(FileOp::ReturnDelegation { dir }, Some(session));
        let Some(begun) = self.0.namespace.begin_return(dir, send) else { return };
        let reply = match begun {
            Some(begun) => self.0.session.outcome(begun).await,
            None => Err(Errno::EIO),
        };
        let version = match reply {
            Ok(Ok(OpReply::Attr(attr))) => Some(attr.version),
            _ => None,
        };
        self.0.namespace.returned(dir, version);
    }

    /// Takes note of what became of something that was answered for. It stays on its way as long as its
    /// session may live: who waits for it gives up, not this.
    async fn settle(&self, answered: Answered) {
        let Answered { begun, dir, name, ino, asked } = answered;
        let session = begun.session;
        let error = match self.0.session.outcome(begun).await {
            Ok(Ok(OpReply::Entry { attr, .. })) => {
                self.0.files.confirmed(attr, asked);
                self.0.namespace.confirmed(dir, &name, attr, asked);
                return;
            }
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error,
            Err(errno) => OpError::Errno(errno),
        };
        tracing::warn!(%dir, name = %String::from_utf8_lossy(&name), %error, "a change of a directory is lost");
        self.0.namespace.refused(dir, &name, ino);
        self.0.files.fail(ino, Errno::EIO);
        if error == OpError::SessionGone {
            self.0.session.reopen(session).await.ok();
            self.session_lost();
        }
        self.spawn_return(dir);
    }
}

fn numbers(first: Ino, count: u64) -> Range<u64> {
    first.0..first.0 + count
}

/// Hears, in order, what became of what was answered for.
pub(super) async fn settle_all(client: Weak<Inner>, mut answered: mpsc::UnboundedReceiver<Answered>) {
    while let Some(next) = answered.recv().await {
        let Some(client) = client.upgrade().map(Client) else { return };
        let inos = [next.dir, next.ino];
        client.settle(next).await;
        client.0.cluster.unconfirmed().end(inos);
    }
}

/// Gives up what others want, and what is not used.
pub(super) async fn give_up(client: Weak<Inner>) {
    let mut looked = Instant::now();
    loop {
        let Some(client) = client.upgrade().map(Client) else { return };
        if !client.0.namespace.has_delegations() {
            let namespace = client.0.namespace.clone();
            drop(client);
            tokio::time::timeout(IDLE_TICK, namespace.delegations_changed()).await.ok();
            continue;
        }
        if looked.elapsed() > IDLE_TICK {
            looked = Instant::now();
            client.0.namespace.idle_delegations().into_iter().for_each(|dir| client.spawn_return(dir));
        }
        let (sent, mut held) = (BootTime::now(), client.0.namespace.held_delegations());
        match client.0.cluster.poll_recalls(client.0.session.id(), held.clone()).await {
            Ok(recalled) => {
                held.retain(|dir| !recalled.contains(dir));
                client.0.namespace.delegations_confirmed(&held, sent);
                recalled.into_iter().for_each(|dir| client.spawn_return(dir));
            }
            Err(error) => tracing::debug!(%error, "nobody says which delegations are wanted"),
        }
    }
}
