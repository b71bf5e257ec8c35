//! One file that is open or has bytes on their way: the state every handle of it shares.
//!
//! ```text
//! write → dirty ──freeze──→ sent: waiting for receipts → durable ──COMMIT, oldest first──→ extents
//! ```
//! Reads look at these from left to right. Bytes leave `sent` only when their COMMIT has applied or
//! they are given up, and then every handle learns of the error once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use isobar_base::{Errno, Ino, SessionId};
use isobar_cluster::BootTime;
use isobar_wire::message::files::{Attr, Time};
use isobar_wire::message::ops::NewSegment;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::budget::Reservation;
use super::dirty::{Dirty, Package};
use super::extents::{Extents, MapRoom};
use crate::errseq::ErrorSequence;

/// One inode in use.
#[derive(Debug)]
pub(crate) struct Inode {
    pub ino: Ino,
    pub state: Mutex<State>,
    /// Something in `sent` moved on.
    pub moved: Notify,
    /// Held by truncations and appends, which need the file to stand still.
    pub order: tokio::sync::Mutex<()>,
    /// Bytes that were lost. Rises under the lock of `state` only.
    pub errors: ErrorSequence,
}

#[derive(Debug)]
pub(crate) struct State {
    /// As the cluster last said.
    pub attr: Attr,
    /// When it was asked for that: it was not older then.
    pub checked: BootTime,
    /// Handles.
    pub open: usize,
    pub dirty: Dirty,
    pub dirty_reservation: Reservation,
    /// The session under which what is dirty was written: it is not committed under another (I5).
    pub session: SessionId,
    /// When the oldest dirty byte was written.
    pub dirty_since: Option<Instant>,
    /// Bytes that go to the end of the file, wherever that is then.
    pub append: Vec<u8>,
    pub append_reservation: Reservation,
    pub sent: VecDeque<Sent>,
    pub next_sent: u64,
    /// Some task is committing.
    pub committing: bool,
    pub extents: Extents,
    /// When the last write was made here, if it is not committed yet.
    pub written: Option<Time>,
}

/// Bytes on their way.
#[derive(Debug)]
pub(crate) struct Sent {
    pub number: u64,
    pub package: Arc<Package>,
    pub append: bool,
    pub stage: Stage,
    pub session: SessionId,
    pub written: Option<Time>,
    pub _reservation: Reservation,
}

/// How far they are.
#[derive(Debug)]
pub(crate) enum Stage {
    /// PUTs under way.
    Putting,
    /// All receipts are here; `None` for bytes that ride inside the COMMIT.
    Durable(Option<NewSegment>),
    /// Given up.
    Failed(Errno),
}

impl Inode {
    pub fn new(attr: Attr, asked: BootTime, room: MapRoom) -> Inode {
        Inode {
            ino: attr.ino,
            state: Mutex::new(State {
                attr,
                checked: asked,
                open: 0,
                dirty: Dirty::default(),
                dirty_reservation: Reservation::default(),
                session: SessionId::default(),
                dirty_since: None,
                append: Vec::new(),
                append_reservation: Reservation::default(),
                sent: VecDeque::new(),
                next_sent: 1,
                committing: false,
                extents: Extents::new(room),
                written: None,
            }),
            moved: Notify::new(),
            order: tokio::sync::Mutex::default(),
            errors: ErrorSequence::default(),
        }
    }
}

impl State {
    /// Size without appended bytes, whose place only the log knows.
    pub fn placed_size(&self) -> u64 {
        let sent = self.sent.iter().filter(|s| !s.append).map(|s| s.package.end()).max().unwrap_or(0);
        self.attr.size.max(sent).max(self.dirty.end())
    }

    /// Size as applications on this mount see it.
    pub fn size(&self) -> u64 {
        let appended: u64 =
            self.sent.iter().filter(|s| s.append).map(|s| s.package.data.len() as u64).sum::<u64>()
                + self.append.len() as u64;
        self.placed_size() + appended
    }

    /// Bytes that are waiting to be committed.
    fn pending_bytes(&self) -> u64 {
        let sent: usize = self.sent.iter().map(|s| s.package.data.len()).sum();
        (self.dirty.bytes() + self.append.len() + sent) as u64
    }

    /// Nothing is waiting to be committed.
    pub fn is_clean(&self) -> bool {
        self.dirty.is_empty() && self.append.is_empty() && self.sent.is_empty()
    }

    /// Attributes as applications on this mount see them.
    pub fn merged(&self, mut attr: Attr) -> Attr {
        if !self.is_clean() {
            attr.size = attr.size.max(self.size());
            // Who sees a size without blocks takes the file for a hole.
            let allocated = attr.allocated_bytes + self.pending_bytes();
            attr.allocated_bytes = allocated.min(attr.size).max(attr.allocated_bytes);
            if let Some(written) = self.written {
                attr.mtime = attr.mtime.max(written);
                attr.ctime = attr.ctime.max(written);
            }
        }
        attr
    }

    /// Takes over what the cluster said of the inode, unless it is older than what is known.
    /// `ours`: the change came from this client, so what it knew stays true.
    pub fn adopt(&mut self, attr: Attr, ours: bool) {
        if attr.version < self.attr.version {
            return;
        }
        if !ours && self.committing && self.sent.front().is_some_and(|s| s.append) {
            // It may or may not count the bytes that are being appended; the reply to that says it exactly.
            return;
        }
        if !ours && (attr.data_version != self.attr.data_version || attr.incarnation != self.attr.incarnation)
        {
            self.extents.forget();
        }
        self.attr = attr;
    }

    /// Takes over what was asked for at `asked`.
    pub fn learn(&mut self, attr: Attr, asked: BootTime) {
        self.adopt(attr, false);
        self.checked = self.checked.max(asked);
    }
}
