//! All files in use by one client.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use isobar_base::{BufPool, Errno, Ino};
use isobar_cluster::{BootTime, Cluster, Session};
use isobar_segments::Segments;
use isobar_wire::message::files::Attr;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::budget::Budget;
use super::extents::MapRoom;
use super::inode::Inode;
use super::rows::Rows;
use crate::errseq::Seen;
use crate::namespace::Namespace;
use crate::options::{ClientOptions, OpenOptions};

/// Dirty bytes are committed after this long even when nobody asks.
pub(super) const WRITE_BACK_AFTER: Duration = Duration::from_secs(3);
/// Segments of one client being written at a time, at most: so many, ...
const PUTS_MAX: usize = 256;
/// ... and so many bytes.
const PUT_BYTES_MAX: usize = 64 << 20;

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
    pub maps: MapRoom,
    pub read_ahead_bytes: u64,
    pub(super) puts: Arc<Semaphore>,
    /// Rises with every segment that is durable and every COMMIT.
    pub(super) progress: Arc<AtomicU64>,
    pub(super) inodes: Arc<Mutex<HashMap<Ino, Arc<Inode>>>>,
    /// No bytes are taken any more.
    closing: Arc<AtomicBool>,
    /// Why bytes were lost of some file that is closed, if nobody was told.
    untold: Arc<Mutex<Option<Errno>>>,
}

/// One handle.
#[derive(Debug)]
pub(crate) struct FileHandle {
    pub inode: Arc<Inode>,
    pub options: OpenOptions,
    /// Errors of the inode that fsync has reported through this handle.
    pub seen: Seen,
    /// Those that write(2) has, which leaves them to fsync.
    pub told_writer: Seen,
    /// Where the last read ended, to notice sequential reading, and how many in a row were near the one
    /// before.
    pub read_end: AtomicU64,
    pub near_reads: AtomicU32,
    /// How far has been read ahead, and from where the map has been asked for ahead.
    pub ahead_end: AtomicU64,
    pub map_ahead: AtomicU64,
}

impl Files {
    pub fn new(
        session: Session,
        segments: Segments,
        namespace: Arc<Namespace>,
        rows: Rows,
        runtime: Handle,
        options: &ClientOptions,
    ) -> Files {
        Files {
            cluster: session.cluster().clone(),
            segments,
            namespace,
            rows,
            runtime,
            pool: session.cluster().channels().pool().clone(),
            budget: Budget::new(options.dirty_bytes_max),
            maps: MapRoom::new(options.map_extents_max),
            session,
            read_ahead_bytes: options.read_ahead_bytes,
            puts: Arc::new(Semaphore::new(PUTS_MAX)),
            progress: Arc::default(),
            inodes: Arc::default(),
            closing: Arc::default(),
            untold: Arc::default(),
        }
    }

    /// Permits to take of `puts` for a segment of so many bytes.
    pub(super) fn put_permits(bytes: usize) -> u32 {
        bytes.div_ceil(PUT_BYTES_MAX / PUTS_MAX).clamp(1, PUTS_MAX) as u32
    }

    /// Forgets what was used longest ago of the maps of all files, when more is known than there is room for.
    pub(super) fn trim_maps(&self) {
        if !self.maps.is_over() {
            return;
        }
        let inodes = self.all();
        let mut windows = Vec::new();
        for (at, inode) in inodes.iter().enumerate() {
            let of_inode = inode.state.lock();
            windows.extend(of_inode.extents.windows().map(|(window, used)| (used, at, window)));
        }
        windows.sort_unstable();
        for (_, at, window) in windows {
            if self.maps.is_low() {
                break;
            }
            inodes[at].state.lock().extents.forget_window(window);
        }
    }

    /// The inode, if it is in use here.
    pub fn get(&self, ino: Ino) -> Option<Arc<Inode>> {
        self.inodes.lock().get(&ino).cloned()
    }

    /// All inodes in use here.
    pub(super) fn all(&self) -> Vec<Arc<Inode>> {
        self.inodes.lock().values().cloned().collect()
    }

    /// A new handle. `attr` was asked for at `asked`.
    pub fn open(&self, attr: &Attr, options: OpenOptions, asked: BootTime) -> Arc<FileHandle> {
        let inode = {
            let mut inodes = self.inodes.lock();
            let new = || Arc::new(Inode::new(*attr, asked, self.maps.clone()));
            let inode = inodes.entry(attr.ino).or_insert_with(new).clone();
            inode.state.lock().open += 1;
            inode
        };
        inode.state.lock().learn(*attr, asked);
        let (seen, told_writer) = (inode.errors.sample(), inode.errors.sample());
        Arc::new(FileHandle {
            inode,
            options,
            seen,
            told_writer,
            read_end: AtomicU64::new(0),
            near_reads: AtomicU32::new(0),
            ahead_end: AtomicU64::new(0),
            map_ahead: AtomicU64::new(0),
        })
    }

    /// Gives up a handle. What nobody takes at the moment keeps the inode in use until it is committed.
    pub async fn close(&self, handle: &FileHandle) {
        let inode = &handle.inode;
        if self.write_back(inode).await.is_ok() {
            return self.closed(inode);
        }
        let (this, inode) = (self.clone(), inode.clone());
        self.runtime.spawn(async move {
            while this.write_back(&inode).await.is_err() {}
            this.closed(&inode);
        });
    }

    fn closed(&self, inode: &Inode) {
        let mut inodes = self.inodes.lock();
        let mut state = inode.state.lock();
        state.open -= 1;
        if state.open == 0 {
            inodes.remove(&inode.ino);
            if let Some(errno) = inode.errors.untold() {
                *self.untold.lock() = Some(errno);
            }
        }
    }

    /// From now on writes fail.
    pub fn refuse_writes(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Whether writes fail. To be asked under the lock of the inode: what is buffered before the refusal is
    /// found there by whoever refuses.
    pub(super) fn refuses_writes(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Whether bytes were lost that nobody has been told of: no write, fsync or close has failed for them.
    ///
    /// # Errors
    /// Why.
    pub fn untold_loss(&self) -> Result<(), Errno> {
        let untold = self.all().iter().find_map(|inode| inode.errors.untold()).or(*self.untold.lock());
        untold.map_or(Ok(()), Err)
    }

    /// The log has an inode this client has answered for at `asked`.
    pub fn confirmed(&self, attr: Attr, asked: BootTime) {
        if let Some(inode) = self.get(attr.ino) {
            let mut state = inode.state.lock();
            state.adopt(attr, true);
            state.checked = state.checked.max(asked);
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
                state.adopt(attr, false);
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
            if state.checked >= since {
                return Ok(state.merged(state.attr));
            }
        }
        let asked = BootTime::now();
        let attr = self.cluster.query_attr(inode.ino).await?;
        let mut state = inode.state.lock();
        state.learn(attr, asked);
        Ok(state.merged(state.attr))
    }
}
