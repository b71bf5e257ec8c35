//! Open files: write-behind, commit, read.

mod budget;
mod commit;
mod dirty;
mod extents;
mod inode;
mod read;
mod rows;
mod write;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use isobar_base::{BufPool, Errno, Ino};
use isobar_wire::message::files::Attr;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

pub(crate) use budget::Budget;
pub(crate) use commit::Freeze;
pub(crate) use inode::Inode;
pub(crate) use rows::Rows;
pub(crate) use write::now;

use crate::OpenOptions;
use crate::names::Names;
use isobar_cluster::{Cluster, Session};
use isobar_segments::Segments;

/// Dirty bytes are committed after this long even when nobody asks.
const WRITE_BACK_AFTER: Duration = Duration::from_secs(3);

/// All files in use by one client. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub cluster: Cluster,
    pub session: Session,
    pub segments: Segments,
    pub names: Arc<Names>,
    pub rows: Rows,
    pub runtime: Handle,
    pub pool: BufPool,
    pub budget: Budget,
    pub read_ahead_bytes: u64,
    puts: Arc<Semaphore>,
    inodes: Arc<Mutex<HashMap<Ino, Arc<Inode>>>>,
}

/// One handle.
#[derive(Debug)]
pub(crate) struct FileHandle {
    pub inode: Arc<Inode>,
    pub options: OpenOptions,
    /// Errors of the inode this handle has reported.
    pub seen_errors: AtomicU64,
    /// Where the last read ended, to notice sequential reading.
    pub read_end: AtomicU64,
    /// How far has been read ahead.
    pub ahead_end: AtomicU64,
    pub streaming: AtomicBool,
}

impl Files {
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        session: Session,
        segments: Segments,
        rows: Rows,
        runtime: Handle,
        pool: BufPool,
        dirty_bytes_max: usize,
        read_ahead_bytes: u64,
    ) -> Files {
        Files {
            cluster: session.cluster().clone(),
            session,
            segments,
            names: Arc::default(),
            rows,
            runtime,
            pool,
            budget: Budget::new(dirty_bytes_max),
            read_ahead_bytes,
            puts: Arc::new(Semaphore::new(Files::puts_max())),
            inodes: Arc::default(),
        }
    }

    /// The inode, if it is in use here.
    pub fn get(&self, ino: Ino) -> Option<Arc<Inode>> {
        self.inodes.lock().get(&ino).cloned()
    }

    /// A new handle. `attr` is fresh.
    pub fn open(&self, attr: &Attr, options: OpenOptions) -> Arc<FileHandle> {
        let inode = {
            let mut inodes = self.inodes.lock();
            let inode = inodes.entry(attr.ino).or_insert_with(|| Arc::new(Inode::new(*attr))).clone();
            inode.state.lock().open += 1;
            inode
        };
        inode.state.lock().adopt(*attr, false);
        let seen_errors = AtomicU64::new(inode.errors.load(std::sync::atomic::Ordering::Acquire));
        Arc::new(FileHandle {
            inode,
            options,
            seen_errors,
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

    /// Whether applications have the inode open here.
    pub fn is_open(&self, ino: Ino) -> bool {
        self.inodes.lock().contains_key(&ino)
    }

    /// Attributes as applications on this mount see them.
    pub fn merged(&self, attr: Attr) -> Attr {
        match self.get(attr.ino) {
            Some(inode) => {
                let mut state = inode.state.lock();
                state.adopt(attr, false);
                let attr = state.attr;
                state.merged(attr)
            }
            None => attr,
        }
    }

    /// Commits what has been dirty for long; everything when `all`.
    pub async fn write_back_old(&self, all: bool) {
        let inodes: Vec<_> = self.inodes.lock().values().cloned().collect();
        let mut writing = tokio::task::JoinSet::new();
        for inode in inodes {
            let due = {
                let state = inode.state.lock();
                let old = state.dirty_since.is_some_and(|since| since.elapsed() >= WRITE_BACK_AFTER);
                (old || all) && !state.is_clean()
            };
            if due {
                let this = self.clone();
                writing.spawn(async move { this.write_back(&inode).await });
            }
        }
        while writing.join_next().await.is_some() {}
    }

    /// Starts writing back everything, because memory is short.
    pub fn relieve(&self) {
        let inodes: Vec<_> = self.inodes.lock().values().cloned().collect();
        for inode in inodes {
            if !inode.state.lock().is_clean() {
                self.freeze(&inode, Freeze::All);
                let this = self.clone();
                self.runtime.spawn(async move { this.commit_ready(&inode).await });
            }
        }
    }

    /// Makes sure that what is known of a file is not older than the lease.
    pub async fn revalidate(&self, inode: &Inode, lease: Duration) -> Result<(), Errno> {
        let fresh = {
            let state = inode.state.lock();
            state.checked.elapsed() < lease
        };
        if fresh {
            return Ok(());
        }
        let asked = Instant::now();
        let attr = self.cluster.query_attr(inode.ino).await?;
        let mut state = inode.state.lock();
        state.adopt(attr, false);
        state.checked = state.checked.max(asked);
        Ok(())
    }
}
