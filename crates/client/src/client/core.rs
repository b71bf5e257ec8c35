//! The client itself: what all its calls share.

use std::sync::Arc;

use isobar_base::{Errno, Ino};
use isobar_cluster::{Begun, BootTime, Cluster, Session};
use isobar_segments::{ReadStats, WriteStats};
use isobar_wire::message::files::Attr;
use isobar_wire::message::ops::{Op, OpError, OpReply};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::file::{FileHandle, Files};
use crate::lock_owners::LockOwners;
use crate::namespace::{DirectoryErrors, Namespace};

/// What a call gives.
pub type Result<T> = std::result::Result<T, Errno>;

/// An open file. Cheap to clone; closed by [`Client::release`].
#[derive(Clone, Debug)]
pub struct OpenFile(pub(crate) Arc<FileHandle>);

/// An open directory: who syncs it hears of what was lost in it. Closed when dropped.
#[derive(Debug)]
pub struct OpenDirectory {
    pub(super) dir: Ino,
    pub(super) errors: DirectoryErrors,
    pub(super) namespace: Arc<Namespace>,
}

impl Drop for OpenDirectory {
    fn drop(&mut self) {
        self.namespace.close_directory(self.dir);
    }
}

/// What came of making a file that is opened with it.
#[derive(Debug)]
pub enum Created {
    /// It was made, and is open.
    New(OpenFile, Attr),
    /// It was there already, and is not open.
    Found(Attr),
}

/// A mount's connection to the cluster: one session, its caches and its write-behind buffers.
/// Cheap to clone. All calls must be made from within the tokio runtime it was opened on, except
/// those named `try_…`, which never wait and may be called from any thread.
#[derive(Clone, Debug)]
pub struct Client(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub cluster: Cluster,
    pub session: Session,
    pub namespace: Arc<Namespace>,
    pub files: Files,
    pub locks: LockOwners,
    /// To whoever hears what became of what was answered for.
    pub answered: mpsc::UnboundedSender<Answered>,
    pub background: Mutex<Vec<JoinHandle<()>>>,
}

/// Something this client has answered for.
#[derive(Debug)]
pub(super) struct Answered {
    pub begun: Begun,
    pub dir: Ino,
    pub name: Box<[u8]>,
    pub ino: Ino,
    pub asked: BootTime,
}

impl Client {
    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.0.cluster
    }

    /// How reading went so far.
    pub fn read_stats(&self) -> ReadStats {
        self.0.files.segments.read_stats()
    }

    /// Extents of files' maps that are known here.
    pub fn map_extents(&self) -> usize {
        self.0.files.maps.extents()
    }

    /// How writing went so far.
    pub fn write_stats(&self) -> WriteStats {
        self.0.files.segments.write_stats()
    }

    /// A new session is in use: what the old one had not committed is lost, and so are its locks and
    /// delegations. Whoever relied on them hears of it from its next call on the file.
    pub(super) fn session_lost(&self) {
        let now = self.0.session.id();
        self.0.files.lose_uncommitted();
        self.0.namespace.session_lost(now);
        for ino in self.0.locks.lose_all_but(now) {
            self.0.files.fail(ino, Errno::EIO);
        }
    }

    /// Executes one operation, exactly once.
    pub(super) async fn mutate(&self, op: impl Into<Op>) -> Result<OpReply> {
        match self.0.session.mutate(op).await {
            Ok(reply) => Ok(reply),
            Err(OpError::Errno(errno)) => Err(errno),
            Err(OpError::SessionGone) => {
                self.session_lost();
                Err(Errno::EIO)
            }
            Err(OpError::StaleIncarnation) => Err(Errno::ESTALE),
            Err(_) => Err(Errno::EIO),
        }
    }

    /// Whether the inode is open here, or about to be.
    pub(super) fn is_in_use(&self, ino: Ino) -> bool {
        self.0.namespace.is_opening(ino) || self.0.files.is_open(ino)
    }
}
