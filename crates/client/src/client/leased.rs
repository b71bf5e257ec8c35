//! Creating and removing files in directories leased to this client, without waiting for anybody.

use std::sync::Weak;
use std::time::{Duration, Instant};

use isobar_base::{Errno, Ino, limits};
use isobar_wire::message::files::{Attr, FileKind};
use isobar_wire::message::leases::{LeaseReply, LeaseRequest};
use isobar_wire::message::ops::{Born, Op, OpError, OpReply};
use isobar_wire::message::queries::{Answer, Query};
use tokio::sync::mpsc;

use super::{Client, Inner, READDIR_ENTRIES, Result};
use crate::file::now;
use crate::leases::Lease;
use crate::whole::Change;
use isobar_cluster::Begun;

const S_ISGID: u32 = 0o2000;
/// So few numbers left: more are asked for.
const NUMBERS_LOW: u64 = limits::LEASE_INODES / 4;
/// A directory with more names is not read for the sake of a lease.
const NAMES_READ_MAX: u64 = 16 << 10;
/// How often idle leases are looked for.
const IDLE_TICK: Duration = Duration::from_secs(1);

/// Something this client has answered for.
#[derive(Debug)]
pub(super) struct Answered {
    begun: Begun,
    dir: Ino,
    name: Box<[u8]>,
    ino: Ino,
}

impl Client {
    /// Makes a regular file if this client can answer for it: the directory is leased to it and has no such name.
    /// The log has it before anything later of this client, and at the latest when it is fsynced.
    pub fn try_create(&self, dir: Ino, name: &[u8], mode: u32, uid: u32, gid: u32) -> Option<Attr> {
        let inner = &*self.0;
        if name.len() > limits::NAME_BYTES_MAX {
            return None;
        }
        let attr = {
            let mut directories = inner.leases.directories.lock();
            let lease = directories.usable(dir, inner.session.id())?;
            let Some(known) = inner.names.whole.find_as_lessee(dir, name) else {
                // Not known whole any more: of no use.
                self.spawn_release(dir);
                return None;
            };
            if known.is_some() || !inner.cluster.unconfirmed().has_room() {
                return None;
            }
            if lease.numbers.end - lease.numbers.start < NUMBERS_LOW && !lease.refilling {
                lease.refilling = true;
                self.spawn_refill(dir);
            }
            let ino = Ino(lease.numbers.next()?);
            let time = now();
            let op = Op::Create {
                parent: dir,
                name: name.to_vec(),
                kind: FileKind::File,
                mode,
                uid,
                gid,
                rdev: 0,
                target: Vec::new(),
                exclusive: true,
                born: Some(Born { ino, time }),
            };
            self.answer(dir, name, ino, lease.session, op)?;
            lease.names_changed(1, time);
            inner.names.whole.changed_by_lessee(dir, Change::Added(name.into(), ino));
            inner.names.put_attr_of_leased(lease.dir, lease.asked);
            Attr {
                ino,
                kind: FileKind::File,
                mode: mode & 0o7777,
                nlink: 1,
                uid,
                gid,
                rdev: 0,
                size: 0,
                allocated_bytes: 0,
                atime: time,
                mtime: time,
                ctime: time,
                incarnation: 1,
                // Older than whatever the log will say.
                version: 0,
                data_version: 0,
            }
        };
        inner.names.put_entry(dir, name, attr, Instant::now());
        Some(attr)
    }

    /// Removes a file's only name if this client can answer for it: the directory is leased to it and nothing here has
    /// the file open.
    pub fn try_unlink(&self, dir: Ino, name: &[u8]) -> Option<()> {
        let inner = &*self.0;
        let attr = inner.names.entry(dir, name)?;
        if attr.kind != FileKind::File || attr.nlink != 1 {
            return None;
        }
        let _closed = inner.openings.closed(attr.ino, || inner.files.is_open(attr.ino))?;
        {
            let mut directories = inner.leases.directories.lock();
            let lease = directories.usable(dir, inner.session.id())?;
            let known = inner.names.whole.find_as_lessee(dir, name)?;
            if known != Some(attr.ino) || !inner.cluster.unconfirmed().has_room() {
                return None;
            }
            let time = now();
            let closed_here = Some(attr.ino);
            let op = Op::Unlink { parent: dir, name: name.to_vec(), closed_here, at: Some(time) };
            self.answer(dir, name, attr.ino, lease.session, op)?;
            lease.names_changed(-1, time);
            inner.names.whole.changed_by_lessee(dir, Change::Removed(name.into()));
            inner.names.put_attr_of_leased(lease.dir, lease.asked);
        }
        inner.names.forget_entry(dir, name);
        inner.names.forget_attr(attr.ino);
        Some(())
    }

    /// Waits until everything answered for in a directory is durable on a majority of the metadata voters.
    ///
    /// # Errors
    /// `EIO` when something was lost since this was asked last.
    pub async fn sync_directory(&self, dir: Ino) -> Result<()> {
        self.0.cluster.unconfirmed().settled(Some(dir)).await;
        if self.0.leases.take_lost(dir) { Err(Errno::EIO) } else { Ok(()) }
    }

    /// Sends what is answered for. Called with the lock of the leases: the order of the answers is that of the log.
    fn answer(&self, dir: Ino, name: &[u8], ino: Ino, session: isobar_base::SessionId, op: Op) -> Option<()> {
        let _in_runtime = self.0.files.runtime.enter();
        let begun = self.0.session.begin(op, Some(session))?;
        self.0.cluster.unconfirmed().begin([dir, ino]);
        // The receiver lives as long as this client.
        self.0.answered.send(Answered { begun, dir, name: name.into(), ino }).ok();
        Some(())
    }

    /// After a change of a directory that was waited for: asks for its lease if that is worth it.
    pub(super) fn consider_lease(&self, dir: Ino) {
        if self.0.leases.note_change(dir) {
            let this = self.clone();
            tokio::spawn(async move { this.acquire(dir).await });
        }
    }

    async fn acquire(&self, dir: Ino) {
        let (leases, session) = (&self.0.leases, &self.0.session);
        leases.quiet(dir).await;
        let asked = Instant::now();
        let lease = match session.begin(Op::Lease { dir }, None) {
            Some(begun) => {
                let id = begun.session;
                match session.end(begun).await {
                    Ok(Ok(OpReply::Leased { attr, first, count })) => {
                        let whole = &self.0.names.whole;
                        let usable = attr.mode & S_ISGID == 0
                            && (whole.leased(dir, attr.version)
                                || self.read_names(dir, &attr).await && whole.leased(dir, attr.version));
                        if !usable {
                            session.mutate(Op::Unlease { dir }).await.ok();
                        }
                        let numbers = first.0..first.0 + count;
                        usable.then_some(Lease { session: id, dir: attr, asked, numbers, refilling: false })
                    }
                    refused => {
                        tracing::debug!(%dir, ?refused, "no lease");
                        None
                    }
                }
            }
            None => None,
        };
        tracing::debug!(%dir, granted = lease.is_some(), "lease of a directory");
        leases.granted(dir, lease);
    }

    /// Reads all names of a directory that nobody can change; false when they are many, or it failed.
    async fn read_names(&self, dir: Ino, attr: &Attr) -> bool {
        if attr.size > NAMES_READ_MAX {
            return false;
        }
        let asked = Instant::now();
        let (mut names, mut cookie) = (Vec::new(), 0);
        loop {
            let query = Query::ReadDir { ino: dir, cookie, limit: READDIR_ENTRIES };
            let Ok(Answer::Dir { entries, end, dir_version }) = self.0.cluster.query(query).await else {
                return false;
            };
            if dir_version != attr.version {
                return false;
            }
            self.0.names.put_entries(dir, &entries, asked);
            cookie = entries.last().map_or(cookie, |entry| entry.cookie);
            names.extend(entries.into_iter().map(|entry| (entry.name.into_boxed_slice(), entry.attr.ino)));
            if end {
                break;
            }
        }
        self.0.names.whole.learn(dir, attr.version, asked, names.into_iter());
        true
    }

    fn spawn_refill(&self, dir: Ino) {
        let this = self.clone();
        self.0.files.runtime.spawn(async move {
            let reply = this.0.session.mutate(Op::Lease { dir }).await;
            if let Some(lease) = this.0.leases.directories.lock().lease(dir) {
                lease.refilling = false;
                if let Ok(OpReply::Leased { first, count, .. }) = reply {
                    lease.numbers = first.0..first.0 + count;
                }
            }
        });
    }

    fn spawn_release(&self, dir: Ino) {
        let this = self.clone();
        self.0.files.runtime.spawn(async move { this.release_lease(dir).await });
    }

    /// Gives a lease up, after everything that was answered for under it.
    async fn release_lease(&self, dir: Ino) {
        let asked = Instant::now();
        let begun = {
            let mut directories = self.0.leases.directories.lock();
            let Some(session) = directories.begin_ending(dir) else { return };
            self.0.names.whole.lease_ends(dir);
            self.0.session.begin(Op::Unlease { dir }, Some(session))
        };
        let reply = match begun {
            Some(begun) => self.0.session.end(begun).await,
            None => Err(Errno::EIO),
        };
        match reply {
            Ok(Ok(OpReply::Attr(attr))) => self.0.names.whole.lease_ended(dir, attr.version, asked),
            _ => self.0.names.whole.forget(dir),
        }
        self.0.leases.ended(dir);
    }

    async fn settle(&self, answered: Answered) {
        let Answered { begun, dir, name, ino } = answered;
        let session = begun.session;
        let error = match self.0.session.end(begun).await {
            Ok(Ok(OpReply::Entry { attr, .. })) => {
                if let Some(inode) = self.0.files.get(ino) {
                    inode.state.lock().adopt(attr, true);
                }
                if self.0.names.ino(dir, &name) == Some(ino) {
                    self.0.names.put_attr(attr);
                }
                return;
            }
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error,
            Err(errno) => OpError::Errno(errno),
        };
        tracing::warn!(%dir, name = %String::from_utf8_lossy(&name), %error, "a change of a directory is lost");
        let names = &self.0.names;
        names.forget_entry(dir, &name);
        names.forget_attr(ino);
        names.whole.forget(dir);
        self.0.leases.lose(dir);
        if let Some(inode) = self.0.files.get(ino) {
            inode.fail(&mut inode.state.lock(), Errno::EIO);
        }
        if error == OpError::SessionGone {
            self.0.session.reopen(session).await.ok();
            self.session_lost();
        }
        self.spawn_release(dir);
    }
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
pub(super) async fn give_up_leases(client: Weak<Inner>) {
    let mut looked = Instant::now();
    loop {
        let Some(client) = client.upgrade().map(Client) else { return };
        if !client.0.leases.any() {
            let inner = client.0.clone();
            drop(client);
            tokio::time::timeout(IDLE_TICK, inner.leases.changed.notified()).await.ok();
            continue;
        }
        if looked.elapsed() > IDLE_TICK {
            looked = Instant::now();
            client.0.leases.idle().into_iter().for_each(|dir| client.spawn_release(dir));
        }
        let request = LeaseRequest::Await { session: client.0.session.id() };
        match client.0.cluster.leases(&request).await {
            Ok(LeaseReply::Wanted(dirs)) => dirs.into_iter().for_each(|dir| client.spawn_release(dir)),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "nobody says which leases are wanted"),
        }
    }
}
