//! All files in use by one client.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use isobar_base::{BufPool, Errno, Ino};
use isobar_cluster::{BootTime, Cluster, Session};
use isobar_segments::Segments;
use isobar_wire::message::files::Attr;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::budget::Budget;
use super::errseq::Seen;
use super::inode::Inode;
use super::rows::Rows;
use crate::namespace::Namespace;
use crate::options::OpenOptions;

/// Dirty bytes are committed after this long even when nobody asks.
pub(super) const WRITE_BACK_AFTER: Duration = Duration::from_secs(3);
/// Segments of one client being written at a time.
const PUTS_MAX: usize = 8;

/// All files in use by one client. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub cluster: Cluster,
    pub session: Session,
    pub segments: Segments,
    pub namespace: Arc<Namespace>,
    pub rows: Rows,
    pub runtime: Handle,
    pub pool: BufPool,
    pub budget: Budget,
    pub read_ahead_bytes: u64,
    pub(super) puts: Arc<Semaphore>,
    pub(super) inodes: Arc<Mutex<HashMap<Ino, Arc<Inode>>>>,
}

/// One handle.
#[derive(Debug)]
pub(crate) struct FileHandle {
    pub inode: Arc<Inode>,
    pub options: OpenOptions,
    /// Errors of the inode this handle has reported.
    pub seen: Seen,
    /// Where the last read ended, to notice sequential reading.
    pub read_end: AtomicU64,
    /// How far has been read ahead.
    pub ahead_end: AtomicU64,
    pub streaming: AtomicBool,
}

impl Files {
    pub fn new(
        session: Session,
        segments: Segments,
        namespace: Arc<Namespace>,
        rows: Rows,
        runtime: Handle,
        dirty_bytes_max: usize,
        read_ahead_bytes: u64,
    ) -> Files {
        Files {
            cluster: session.cluster().clone(),
            segments,
            namespace,
            rows,
            runtime,
            pool: session.cluster().channels().pool().clone(),
            budget: Budget::new(dirty_bytes_max),
            session,
            read_ahead_bytes,
            puts: Arc::new(Semaphore::new(PUTS_MAX)),
            inodes: Arc::default(),
        }
    }

    /// The inode, if it is in use here.
    pub fn get(&self, ino: Ino) -> Option<Arc<Inode>> {
        self.inodes.lock().get(&ino).cloned()
    }

    /// A new handle. `attr` was asked for at `asked`.
    pub fn open(&self, attr: &Attr, options: OpenOptions, asked: BootTime) -> Arc<FileHandle> {
        let inode = {
            let mut inodes = self.inodes.lock();
            let new = || Arc::new(Inode::new(*attr, asked));
            let inode = inodes.entry(attr.ino).or_insert_with(new).clone();
            inode.state.lock().open += 1;
            inode
        };
        inode.state.lock().adopt(*attr, false, asked);
        let seen = inode.errors.sample();
        Arc::new(FileHandle {
            inode,
            options,
            seen,
            read_end: AtomicU64::new(0),
            ahead_end: AtomicU64::new(0),
            streaming: AtomicBool::new(false),
        })
    }

    /// Gives up a handle; true when it was the last of its inode.
    pub async fn close(&self, handle: &FileHandle) -> bool {
        if !handle.inode.state.lock().is_clean() {
            self.write_back(&handle.inode).await;
        }
        let mut inodes = self.inodes.lock();
        let mut state = handle.inode.state.lock();
        state.open -= 1;
        let last = state.open == 0;
        if last {
            inodes.remove(&handle.inode.ino);
        }
        last
    }

    /// The log has an inode this client has answered for at `asked`.
    pub fn confirmed(&self, attr: Attr, asked: BootTime) {
        if let Some(inode) = self.get(attr.ino) {
            inode.state.lock().adopt(attr, true, asked);
        }
    }

    /// Something that whoever has the inode open relied on is lost.
    pub fn fail(&self, ino: Ino, errno: Errno) {
        if let Some(inode) = self.get(ino) {
            let _errors_rise_under_it = inode.state.lock();
            inode.errors.fail(errno);
        }
    }

    /// Whether applications have the inode open here.
    pub fn is_open(&self, ino: Ino) -> bool {
        self.inodes.lock().contains_key(&ino)
    }

    /// Attributes as applications on this mount see them.
    pub fn merged(&self, attr: Attr) -> Attr {
        match self.get(attr.ino) {
            Some(inode) => {
                let mut state = inode.state.lock();
                // Whoever has these attributes says nothing of when they were asked for.
                let asked = state.asked;
                state.adopt(attr, false, asked);
                let attr = state.attr;
                state.merged(attr)
            }
            None => attr,
        }
    }

    /// Makes sure that what is known of a file is not older than the lease.
    pub async fn revalidate(&self, inode: &Inode, lease: Duration) -> Result<(), Errno> {
        self.revalidate_since(inode, BootTime::now().earlier_by(lease)).await.map(drop)
    }

    /// Makes sure that what is known of a file was not asked for before `since`; gives its attributes as this
    /// mount sees them.
    pub async fn revalidate_since(&self, inode: &Inode, since: BootTime) -> Result<Attr, Errno> {
        {
            let state = inode.state.lock();
            if state.asked >= since {
                return Ok(state.merged(state.attr));
            }
        }
        let asked = BootTime::now();
        let attr = self.cluster.query_attr(inode.ino).await?;
        let mut state = inode.state.lock();
        state.adopt(attr, false, asked);
        Ok(state.merged(state.attr))
    }
}
