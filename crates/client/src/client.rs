//! The whole file system as calls: what the FUSE front end and every other one are made of.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use isobar_base::{Errno, Ino, SessionId, limits};
use isobar_wire::message::files::{Attr, DirEntry, FileKind, Lock, LockKind};
use isobar_wire::message::ops::{Op, OpError, OpReply, RenameMode, SetAttr, XattrMode};
use isobar_wire::message::queries::{Answer, Query};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::file::{FileHandle, Files, Rows};
use crate::leases::Leases;
use crate::names::Names;
use crate::openings::{Openings, Way};
use crate::whole::{Change, Name};
use isobar_cluster::{Cluster, ClusterError, Session};
use isobar_config::ClusterSpec;
use isobar_segments::Segments;

mod background;
mod leased;

/// Entries of a directory asked for at a time.
const READDIR_ENTRIES: u32 = 512;
const LOCK_PAUSE_MIN: Duration = Duration::from_millis(2);
const LOCK_PAUSE_MAX: Duration = Duration::from_millis(100);

/// What a call gives.
pub type Result<T> = std::result::Result<T, Errno>;

/// Settings of a client.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Host and mount point, for people who look at sessions.
    pub name: String,
    /// Bytes written by applications and not yet committed, at most; writers wait beyond.
    pub dirty_bytes_max: usize,
    /// Bytes of rows kept for reading, at most.
    pub cache_bytes_max: usize,
    /// How far sequential reading runs ahead.
    pub read_ahead_bytes: u64,
    /// How long a metadata call waits for a quorum before it gives EIO.
    pub metadata_wait: Duration,
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    /// Bytes may be written.
    pub write: bool,
    /// Every write goes to the end of the file (O_APPEND).
    pub append: bool,
    /// Every write is durable before it returns (O_SYNC, O_DSYNC).
    pub sync: bool,
    /// The file is cut to 0 bytes (O_TRUNC).
    pub truncate: bool,
}

/// Bytes that were read; fewer than asked for only at the end of the file.
#[derive(Clone, Debug, Default)]
pub struct ReadBytes {
    pub(crate) parts: Vec<bytes::Bytes>,
}

/// Room and counts of the file system.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)]
pub struct StatFs {
    pub total_bytes: u64,
    pub free_bytes: u64,
    pub inodes: u64,
    pub inodes_free: u64,
}

/// An open file. Cheap to clone; closed by [`Client::release`].
#[derive(Clone, Debug)]
pub struct OpenFile(pub(crate) Arc<FileHandle>);

/// A mount's connection to the cluster: one session, its caches and its write-behind buffers.
/// Cheap to clone. All calls must be made from within the tokio runtime it was opened on, except
/// those named `try_…`, which never wait and may be called from any thread.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cluster: Cluster,
    session: Session,
    names: Arc<Names>,
    files: Files,
    openings: Openings,
    /// Owners that hold locks through this client, and the session that holds them.
    lock_owners: Mutex<HashMap<(Ino, u64), SessionId>>,
    leases: Leases,
    /// To whoever hears what became of what was answered for.
    answered: mpsc::UnboundedSender<leased::Answered>,
    background: Mutex<Vec<JoinHandle<()>>>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        ClientOptions {
            name: "client".to_owned(),
            dirty_bytes_max: 128 << 20,
            cache_bytes_max: 256 << 20,
            read_ahead_bytes: 32 << 20,
            metadata_wait: Duration::from_millis(limits::METADATA_WAIT_MS),
        }
    }
}

impl Client {
    /// Opens a session.
    ///
    /// # Errors
    /// When the cluster file cannot be used or no quorum answers.
    pub async fn connect(
        spec: &ClusterSpec,
        options: ClientOptions,
    ) -> std::result::Result<Client, ClusterError> {
        let cluster = Cluster::from_spec(spec, options.metadata_wait)?;
        Client::with_cluster(cluster, options).await
    }

    /// Opens a session with a cluster already found.
    ///
    /// # Errors
    /// When no quorum answers.
    pub async fn with_cluster(
        cluster: Cluster,
        options: ClientOptions,
    ) -> std::result::Result<Client, ClusterError> {
        cluster.refresh(options.metadata_wait).await.map_err(ClusterError::NoQuorum)?;
        let session = Session::open(cluster.clone(), &options.name).await.map_err(ClusterError::Refused)?;
        let segments = Segments::new(cluster.clone());
        let rows = Rows::new(segments.clone(), options.cache_bytes_max);
        let pool = cluster.channels().pool().clone();
        let files = Files::new(
            session.clone(),
            segments,
            rows,
            Handle::current(),
            pool,
            options.dirty_bytes_max,
            options.read_ahead_bytes,
        );
        let (answered, to_settle) = mpsc::unbounded_channel();
        let client = Client(Arc::new(Inner {
            cluster,
            session,
            names: files.names.clone(),
            files,
            openings: Openings::default(),
            lock_owners: Mutex::default(),
            leases: Leases::default(),
            answered,
            background: Mutex::default(),
        }));
        let background = vec![
            tokio::spawn(background::renew(Arc::downgrade(&client.0))),
            tokio::spawn(background::write_back(Arc::downgrade(&client.0))),
            tokio::spawn(leased::settle_all(Arc::downgrade(&client.0), to_settle)),
            tokio::spawn(leased::give_up_leases(Arc::downgrade(&client.0))),
        ];
        *client.0.background.lock() = background;
        Ok(client)
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.0.cluster
    }

    /// How reading went so far.
    pub fn read_stats(&self) -> isobar_segments::ReadStats {
        self.0.files.segments.read_stats()
    }

    /// Writes everything back and closes the session.
    ///
    /// # Errors
    /// `EIO` when no quorum answered in time.
    pub async fn close(&self) -> Result<()> {
        self.0.files.write_back_old(true).await;
        self.0.cluster.unconfirmed().settled(None).await;
        for task in self.0.background.lock().drain(..) {
            task.abort();
        }
        self.mutate(Op::CloseSession).await.map(drop)
    }

    /// A new session is in use: what the old one had not committed is lost, and so are its locks. Whoever
    /// relied on them hears of it from its next call on the file.
    fn session_lost(&self) {
        self.0.files.lose_uncommitted();
        let now = self.0.session.id();
        for dir in self.0.leases.lose_all_but(now) {
            self.0.names.whole.forget(dir);
        }
        let lost: Vec<Ino> = {
            let mut owners = self.0.lock_owners.lock();
            let lost =
                owners.iter().filter(|(_, session)| **session != now).map(|((ino, _), _)| *ino).collect();
            owners.retain(|_, session| *session == now);
            lost
        };
        for inode in lost.into_iter().filter_map(|ino| self.0.files.get(ino)) {
            let mut state = inode.state.lock();
            inode.fail(&mut state, Errno::EIO);
        }
    }

    async fn mutate(&self, op: Op) -> Result<OpReply> {
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

    /// Attributes under a name, if they were told lately.
    pub fn try_lookup(&self, parent: Ino, name: &[u8]) -> Option<Result<Attr>> {
        // An entry of our own making is newer than a list that does not have it.
        let known = || self.0.names.ino(parent, name).is_some();
        if self.0.names.whole.find(parent, name) == Name::Absent && !known() {
            return Some(Err(Errno::ENOENT));
        }
        self.0.names.entry(parent, name).map(|attr| Ok(self.0.files.merged(attr)))
    }

    /// Attributes under a name.
    ///
    /// # Errors
    /// `ENOENT`, and whatever the state machine says; `EIO` without a quorum. So for all that follow.
    pub async fn lookup(&self, parent: Ino, name: &[u8]) -> Result<Attr> {
        if let Name::Stale(version) = self.0.names.whole.find(parent, name)
            && self.getattr(parent).await?.version == version
            && self.0.names.whole.find(parent, name) == Name::Absent
        {
            return Err(Errno::ENOENT);
        }
        let neighbours = self.0.names.neighbours_wanted(parent);
        let asked = Instant::now();
        let query = Query::Lookup { parent, name: name.to_vec(), neighbours };
        match self.0.cluster.query(query).await {
            Ok(Answer::Entry { attr, neighbours, .. }) => {
                self.0.names.put_entry(parent, name, attr, asked);
                self.0.names.put_entries(parent, &neighbours, asked);
                Ok(self.0.files.merged(attr))
            }
            Ok(_) => Err(Errno::EPROTO),
            Err(errno) => {
                self.0.names.neighbours_useless(parent);
                self.0.names.forget_entry(parent, name);
                Err(errno)
            }
        }
    }

    /// Attributes, if they were told lately.
    pub fn try_getattr(&self, ino: Ino) -> Option<Attr> {
        self.0.names.attr(ino).map(|attr| self.0.files.merged(attr))
    }

    /// Attributes.
    pub async fn getattr(&self, ino: Ino) -> Result<Attr> {
        let asked = Instant::now();
        let attr = self.fresh_attr(ino).await?;
        if attr.kind == FileKind::Directory {
            self.0.names.whole.confirm(ino, attr.version, asked);
        }
        Ok(self.0.files.merged(attr))
    }

    /// Attributes as the cluster has them now. An inode that is gone takes the names that led to it along:
    /// whoever meets ESTALE looks its name up again and must not be led here once more.
    async fn fresh_attr(&self, ino: Ino) -> Result<Attr> {
        let asked = Instant::now();
        let attr = self.0.cluster.query_attr(ino).await;
        match attr {
            Ok(attr) if attr.kind == FileKind::Directory && self.0.names.whole.is_leased(ino) => {
                let keep = |attr| self.0.names.put_attr_of_leased(attr, asked);
                if let Some(attr) = self.0.leases.refresh(attr, asked, keep) {
                    return Ok(attr);
                }
            }
            Ok(attr) => self.0.names.put_attr(attr),
            Err(_) => self.0.names.forget_attr(ino),
        }
        attr
    }

    /// Changes attributes. Bytes written before are committed first, so that they can neither undo an
    /// explicit time nor reappear after a truncation.
    pub async fn setattr(&self, ino: Ino, set: SetAttr) -> Result<Attr> {
        let inode = self.0.files.get(ino);
        let mut _still = None;
        if let Some(inode) = &inode {
            _still = Some(inode.order.lock().await);
            if set.size.is_some() || set.mtime.is_some() || set.atime.is_some() {
                self.0.files.write_back(inode).await;
            }
        }
        let OpReply::Attr(attr) = self.mutate(Op::SetAttr { ino, set }).await? else {
            return Err(Errno::EPROTO);
        };
        self.0.names.put_attr(attr);
        // The version of a directory changes with its attributes as it does with its names.
        if attr.kind == FileKind::Directory {
            self.0.names.whole.forget(ino);
        }
        if let (Some(inode), Some(size)) = (&inode, set.size) {
            let mut state = inode.state.lock();
            // Others may have written since the map was learnt: of all of it only the cut is certain.
            state.extents.forget();
            if attr.version >= state.attr.version {
                state.extents.truncated(size);
            }
            state.adopt(attr, true);
        }
        Ok(self.0.files.merged(attr))
    }

    /// Makes a file, directory or special node; `false` when an existing file was found.
    #[allow(clippy::too_many_arguments)]
    pub async fn create(
        &self,
        parent: Ino,
        name: &[u8],
        kind: FileKind,
        mode: u32,
        uid: u32,
        gid: u32,
        rdev: u32,
        exclusive: bool,
    ) -> Result<(Attr, bool)> {
        if kind == FileKind::File
            && let Some(attr) = self.try_create(parent, name, mode, uid, gid)
        {
            return Ok((attr, true));
        }
        let (target, name, born) = (Vec::new(), name.to_vec(), None);
        let op =
            Op::Create { parent, name: name.clone(), kind, mode, uid, gid, rdev, target, exclusive, born };
        let name = &name[..];
        self.entry(parent, name, op).await
    }

    /// Makes a symlink.
    pub async fn symlink(&self, parent: Ino, name: &[u8], target: &[u8], uid: u32, gid: u32) -> Result<Attr> {
        let op = Op::Create {
            parent,
            name: name.to_vec(),
            kind: FileKind::Symlink,
            mode: 0o777,
            uid,
            gid,
            rdev: 0,
            target: target.to_vec(),
            exclusive: true,
            born: None,
        };
        Ok(self.entry(parent, name, op).await?.0)
    }

    async fn entry(&self, parent: Ino, name: &[u8], op: Op) -> Result<(Attr, bool)> {
        let _under = self.0.leases.enter(&[parent]).await;
        let asked = Instant::now();
        let OpReply::Entry { attr, created, dir } = self.mutate(op).await? else { return Err(Errno::EPROTO) };
        self.directory_changed(dir.after, asked);
        self.0.names.put_entry(parent, name, attr, Instant::now());
        if created {
            let change = Change::Added(name.into(), attr.ino);
            self.0.names.whole.changed(parent, dir.before, dir.after.version, change, asked);
            if attr.kind == FileKind::Directory {
                self.0.names.whole.learn(attr.ino, attr.version, asked, std::iter::empty());
            }
            self.consider_lease(parent);
        }
        Ok((self.0.files.merged(attr), created))
    }

    /// A directory after an operation on its names, during which nothing was answered for.
    fn directory_changed(&self, attr: Attr, asked: Instant) {
        if self.0.names.whole.is_leased(attr.ino) {
            self.0.leases.changed_to(attr, asked, |attr| self.0.names.put_attr_of_leased(attr, asked));
        } else {
            self.0.names.put_attr(attr);
        }
    }

    /// Target of a symlink.
    pub async fn readlink(&self, ino: Ino) -> Result<Vec<u8>> {
        self.bytes(Query::ReadLink { ino }).await
    }

    async fn bytes(&self, query: Query) -> Result<Vec<u8>> {
        match self.0.cluster.query(query).await? {
            Answer::Bytes(bytes) => Ok(bytes),
            _ => Err(Errno::EPROTO),
        }
    }

    /// Another name for an inode.
    pub async fn link(&self, ino: Ino, parent: Ino, name: &[u8]) -> Result<Attr> {
        Ok(self.entry(parent, name, Op::Link { ino, parent, name: name.to_vec() }).await?.0)
    }

    /// The inode under a name when it is known not to be open here. It is not opened before what this
    /// gives is dropped.
    fn closed_here(&self, parent: Ino, name: &[u8]) -> Option<Way<'_>> {
        let ino = self.0.names.ino(parent, name)?;
        self.0.openings.closed(ino, || self.0.files.is_open(ino))
    }

    /// Whether the inode is open here, or about to be.
    fn is_in_use(&self, ino: Ino) -> bool {
        self.0.openings.is_opening(ino) || self.0.files.is_open(ino)
    }

    /// Removes a name.
    pub async fn unlink(&self, parent: Ino, name: &[u8]) -> Result<()> {
        if self.try_unlink(parent, name).is_some() {
            return Ok(());
        }
        let _under = self.0.leases.enter(&[parent]).await;
        let asked = Instant::now();
        let closed = self.closed_here(parent, name);
        let closed_here = closed.as_ref().map(|way| way.ino);
        let op = Op::Unlink { parent, name: name.to_vec(), closed_here, at: None };
        let reply = self.mutate(op).await;
        self.removed(parent, name, reply, asked)?;
        self.consider_lease(parent);
        Ok(())
    }

    /// Removes an empty directory.
    pub async fn rmdir(&self, parent: Ino, name: &[u8]) -> Result<()> {
        let _under = self.0.leases.enter(&[parent]).await;
        let asked = Instant::now();
        let reply = self.mutate(Op::Rmdir { parent, name: name.to_vec() }).await;
        self.removed(parent, name, reply, asked)
    }

    fn removed(&self, parent: Ino, name: &[u8], reply: Result<OpReply>, asked: Instant) -> Result<()> {
        self.0.names.forget_entry(parent, name);
        let OpReply::Removed { attr, dir } = reply? else { return Err(Errno::EPROTO) };
        self.directory_changed(dir.after, asked);
        self.0.names.whole.changed(
            parent,
            dir.before,
            dir.after.version,
            Change::Removed(name.into()),
            asked,
        );
        self.0.names.whole.forget(attr.ino);
        if attr.nlink > 0 || self.0.files.is_open(attr.ino) {
            self.0.names.put_attr(attr);
        } else {
            self.0.names.forget_attr(attr.ino);
        }
        Ok(())
    }

    /// Renames.
    pub async fn rename(
        &self,
        parent: Ino,
        name: &[u8],
        new_parent: Ino,
        new_name: &[u8],
        mode: RenameMode,
    ) -> Result<()> {
        let _under = self.0.leases.enter(&[parent, new_parent]).await;
        let closed = self.closed_here(new_parent, new_name);
        let closed_here = closed.as_ref().map(|way| way.ino);
        let op = Op::Rename {
            parent,
            name: name.to_vec(),
            new_parent,
            new_name: new_name.to_vec(),
            mode,
            closed_here,
        };
        let reply = self.mutate(op).await;
        let names = &self.0.names;
        names.forget_entry(parent, name);
        names.forget_entry(new_parent, new_name);
        names.forget_attr(parent);
        names.forget_attr(new_parent);
        names.whole.forget(parent);
        names.whole.forget(new_parent);
        let OpReply::Renamed { attr, replaced } = reply? else { return Err(Errno::EPROTO) };
        // A directory that was moved has a new version, too.
        names.whole.forget(attr.ino);
        if let Some(replaced) = replaced {
            names.forget_attr(replaced.ino);
            names.whole.forget(replaced.ino);
        }
        names.put_entry(new_parent, new_name, attr, Instant::now());
        Ok(())
    }

    /// The directory above (for `..`).
    pub async fn parent(&self, ino: Ino) -> Result<Attr> {
        match self.0.cluster.query(Query::Parent { ino }).await? {
            Answer::Attr(attr) => Ok(attr),
            _ => Err(Errno::EPROTO),
        }
    }

    /// Entries after `cookie` (0: from the start), without `.` and `..`, and whether nothing follows.
    pub async fn readdir(&self, ino: Ino, cookie: u64) -> Result<(Vec<DirEntry>, bool)> {
        let asked = Instant::now();
        match self.0.cluster.query(Query::ReadDir { ino, cookie, limit: READDIR_ENTRIES }).await? {
            Answer::Dir { mut entries, end, dir_version } => {
                self.0.names.put_entries(ino, &entries, asked);
                if cookie == 0 && end {
                    let all = entries.iter().map(|e| (e.name.as_slice().into(), e.attr.ino));
                    self.0.names.whole.learn(ino, dir_version, asked, all);
                }
                for entry in &mut entries {
                    entry.attr = self.0.files.merged(entry.attr);
                }
                Ok((entries, end))
            }
            _ => Err(Errno::EPROTO),
        }
    }

    /// Value of an extended attribute.
    pub async fn getxattr(&self, ino: Ino, name: &[u8]) -> Result<Vec<u8>> {
        self.bytes(Query::GetXattr { ino, name: name.to_vec() }).await
    }

    /// Names of extended attributes.
    pub async fn listxattr(&self, ino: Ino) -> Result<Vec<Vec<u8>>> {
        match self.0.cluster.query(Query::ListXattr { ino }).await? {
            Answer::Names(names) => Ok(names),
            _ => Err(Errno::EPROTO),
        }
    }

    /// Sets an extended attribute.
    pub async fn setxattr(&self, ino: Ino, name: &[u8], value: &[u8], mode: XattrMode) -> Result<()> {
        let reply = self.mutate(Op::SetXattr { ino, name: name.to_vec(), value: value.to_vec(), mode }).await;
        self.0.names.forget_attr(ino);
        self.0.names.whole.forget(ino);
        reply.map(drop)
    }

    /// Removes an extended attribute.
    pub async fn removexattr(&self, ino: Ino, name: &[u8]) -> Result<()> {
        let reply = self.mutate(Op::RemoveXattr { ino, name: name.to_vec() }).await;
        self.0.names.forget_attr(ino);
        self.0.names.whole.forget(ino);
        reply.map(drop)
    }

    /// Room and counts. Bytes are those of files: what N + K rows leave of the devices.
    pub async fn statfs(&self) -> Result<StatFs> {
        let Answer::Counts { inodes, .. } = self.0.cluster.query(Query::Counts).await? else {
            return Err(Errno::EPROTO);
        };
        let known = self.0.cluster.view().known();
        let Some(fs) = &known.map.fs else { return Err(Errno::EIO) };
        let (mut total, mut free) = (0u64, 0u64);
        for target in &known.map.targets {
            if let Some(live) = known.liveness(target.id).filter(|_| known.is_up(target.id)) {
                free += live.free_bytes;
                total += live.free_bytes + live.used_bytes;
            }
        }
        let share = |bytes: u64| (u128::from(bytes) * u128::from(fs.n) / u128::from(fs.n + fs.k)) as u64;
        Ok(StatFs { total_bytes: share(total), free_bytes: share(free), inodes, inodes_free: 1 << 40 })
    }

    /// Opens a file; asks the cluster for its attributes (close-to-open). The attributes are exact.
    pub async fn open(&self, ino: Ino, options: OpenOptions) -> Result<(OpenFile, Attr)> {
        let _opening = self.0.openings.begin(ino).await;
        let attr = if options.truncate {
            self.setattr(ino, SetAttr { size: Some(0), ..SetAttr::default() }).await?
        } else {
            self.fresh_attr(ino).await?
        };
        if attr.nlink == 0 && !self.0.files.is_open(ino) {
            // The name that led here is gone, and nothing keeps the inode for us: it may go any moment.
            self.0.names.forget_attr(ino);
            return Err(Errno::ESTALE);
        }
        let file = self.0.files.open(&attr, options);
        let attr = self.0.files.merged(attr);
        Ok((OpenFile(file), attr))
    }

    /// Opens a file this client has just created: its attributes are known.
    pub fn open_created(&self, attr: &Attr, options: OpenOptions) -> OpenFile {
        let handle = self.0.files.open(attr, options);
        {
            let mut state = handle.inode.state.lock();
            // Unless somebody has found the name and written already.
            if state.attr.version == attr.version {
                state.extents.truncated(0);
            }
        }
        OpenFile(handle)
    }

    /// Reads from caches and buffers alone, if they suffice.
    pub fn try_read(&self, file: &OpenFile, offset: u64, len: u32) -> Option<ReadBytes> {
        self.0.files.try_read(&file.0, offset, len)
    }

    /// Reads; fewer bytes than asked for only at the end of the file.
    pub async fn read(&self, file: &OpenFile, offset: u64, len: u32) -> Result<ReadBytes> {
        self.0.files.read(&file.0, offset, len).await
    }

    /// Buffers a write, if there is room for it and nothing has to be waited for. All of `data` is taken.
    pub fn try_write(&self, file: &OpenFile, offset: u64, data: &[u8]) -> Option<Result<()>> {
        self.0.files.try_write(&file.0, offset, data)
    }

    /// Writes; `offset` is ignored for files opened with `append`.
    pub async fn write(&self, file: &OpenFile, offset: u64, data: &[u8]) -> Result<()> {
        self.0.files.write(&file.0, offset, data).await
    }

    /// What close(2) does: commits what was written, reports what went wrong before. The error stays to
    /// be reported by fsync: a process that merely inherited the descriptor closes it, too.
    pub async fn flush(&self, file: &OpenFile) -> Result<()> {
        let (inode, seen) = (&file.0.inode, &file.0.seen_errors);
        self.0.files.write_back(inode).await;
        let state = inode.state.lock();
        if seen.load(Ordering::Acquire) < inode.errors.load(Ordering::Acquire) {
            return Err(state.last_error.unwrap_or(Errno::EIO));
        }
        Ok(())
    }

    /// True when flush has nothing to do (nothing dirty, no error to report).
    pub fn try_flush(&self, file: &OpenFile) -> bool {
        let inode = &file.0.inode;
        // Errors only rise under the lock: what is lost now is not overlooked.
        let state = inode.state.lock();
        state.is_clean() && inode.errors.load(Ordering::Acquire) == file.0.seen_errors.load(Ordering::Acquire)
    }

    /// When it returns, everything written to the file on this mount is durable on n + K targets and
    /// on a majority of the metadata voters (I4).
    pub async fn fsync(&self, file: &OpenFile) -> Result<()> {
        self.0.cluster.unconfirmed().settled(Some(file.0.inode.ino)).await;
        self.0.files.write_back_checked(&file.0.inode, &file.0.seen_errors).await
    }

    /// The last close.
    pub async fn release(&self, file: OpenFile) {
        self.0.files.close(&file.0).await;
    }

    /// Makes a hole.
    pub async fn punch(&self, file: &OpenFile, offset: u64, len: u64) -> Result<()> {
        let inode = &file.0.inode;
        let _still = inode.order.lock().await;
        self.0.files.write_back(inode).await;
        let OpReply::Attr(attr) = self.mutate(Op::Punch { ino: inode.ino, offset, len }).await? else {
            return Err(Errno::EPROTO);
        };
        self.0.names.put_attr(attr);
        let mut state = inode.state.lock();
        state.extents.forget();
        state.adopt(attr, true);
        Ok(())
    }

    /// First offset at or after `offset` that has data (`true`) or is a hole (`false`); ENXIO beyond the end.
    pub async fn seek(&self, file: &OpenFile, offset: u64, data: bool) -> Result<u64> {
        self.0.files.seek(&file.0, offset, data).await
    }

    /// Takes, changes or gives up a lock; `wait` until it is free. `lock.session` is ignored.
    /// What was written under a lock is committed before the lock goes; what others wrote is seen
    /// once it is taken. Waiting is polling; deadlocks are not detected.
    pub async fn lock(&self, ino: Ino, mut lock: Lock, wait: bool) -> Result<()> {
        let inode = self.0.files.get(ino);
        if lock.kind == LockKind::Unlock
            && let Some(inode) = &inode
        {
            self.0.files.write_back(inode).await;
        }
        let mut pause = LOCK_PAUSE_MIN;
        loop {
            lock.session = self.0.session.id();
            let OpReply::Lock(conflict) = self.mutate(Op::Lock { ino, lock }).await? else {
                return Err(Errno::EPROTO);
            };
            if conflict.is_none() {
                break;
            }
            if !wait {
                return Err(Errno::EAGAIN);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LOCK_PAUSE_MAX);
        }
        if lock.kind != LockKind::Unlock {
            self.0.lock_owners.lock().insert((ino, lock.owner), lock.session);
            self.0.names.forget_attr(ino);
            if let Some(inode) = &inode {
                self.0.files.revalidate(inode, Duration::ZERO).await?;
            }
        }
        Ok(())
    }

    /// A lock that is in the way of this one.
    pub async fn test_lock(&self, ino: Ino, mut lock: Lock) -> Result<Option<Lock>> {
        lock.session = self.0.session.id();
        match self.0.cluster.query(Query::TestLock { ino, lock }).await? {
            Answer::Lock(lock) => Ok(lock),
            _ => Err(Errno::EPROTO),
        }
    }

    /// Gives up all locks of an owner (close of a POSIX lock owner, release of a flock owner).
    pub async fn unlock_all(&self, ino: Ino, owner: u64) -> Result<()> {
        if let Some(inode) = self.0.files.get(ino) {
            self.0.files.write_back(&inode).await;
        }
        self.0.lock_owners.lock().remove(&(ino, owner));
        self.mutate(Op::UnlockAll { ino, owner }).await.map(drop)
    }

    /// Whether the owner holds locks here, as far as this client knows (saves a round on every close).
    pub fn holds_locks(&self, ino: Ino, owner: u64) -> bool {
        let owners = self.0.lock_owners.lock();
        !owners.is_empty() && owners.contains_key(&(ino, owner))
    }
}

impl ReadBytes {
    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.parts.iter().map(bytes::Bytes::len).sum()
    }

    /// No bytes: the end of the file.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes in one piece; copies only when they are in several.
    pub fn contiguous(self) -> bytes::Bytes {
        match self.parts.len() {
            0 => bytes::Bytes::new(),
            1 => self.parts.into_iter().next().unwrap_or_default(),
            _ => self.parts.concat().into(),
        }
    }
}
