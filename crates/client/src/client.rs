//! The whole file system as calls: what the FUSE front end and every other one are made of.

use isobar_base::{Errno, Ino};
use isobar_wire::message::files::{Attr, DirEntry, FileKind, Lock};
use isobar_wire::message::ops::{RenameMode, SetAttr, XattrMode};

use crate::{ClientError, ClusterSpec};

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
    pub metadata_wait: std::time::Duration,
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
pub struct OpenFile(());

/// A mount's connection to the cluster: one session, its caches and its write-behind buffers.
/// Cheap to clone. All calls must be made from within the tokio runtime it was opened on, except
/// those named `try_…`, which never wait and may be called from any thread.
#[derive(Clone, Debug)]
pub struct Client(());

#[allow(unused_variables, missing_docs)]
impl Client {
    /// Opens a session.
    pub async fn connect(spec: &ClusterSpec, options: ClientOptions) -> std::result::Result<Client, ClientError> { todo!() }
    /// Writes everything back, closes the session.
    pub async fn close(&self) -> Result<()> { todo!() }

    pub fn try_lookup(&self, parent: Ino, name: &[u8]) -> Option<Result<Attr>> { todo!() }
    pub async fn lookup(&self, parent: Ino, name: &[u8]) -> Result<Attr> { todo!() }
    pub fn try_getattr(&self, ino: Ino) -> Option<Attr> { todo!() }
    pub async fn getattr(&self, ino: Ino) -> Result<Attr> { todo!() }
    pub async fn setattr(&self, ino: Ino, set: SetAttr) -> Result<Attr> { todo!() }
    #[allow(clippy::too_many_arguments)]
    pub async fn create(&self, parent: Ino, name: &[u8], kind: FileKind, mode: u32, uid: u32, gid: u32, rdev: u32, exclusive: bool) -> Result<(Attr, bool)> { todo!() }
    pub async fn symlink(&self, parent: Ino, name: &[u8], target: &[u8], uid: u32, gid: u32) -> Result<Attr> { todo!() }
    pub async fn readlink(&self, ino: Ino) -> Result<Vec<u8>> { todo!() }
    pub async fn link(&self, ino: Ino, parent: Ino, name: &[u8]) -> Result<Attr> { todo!() }
    pub async fn unlink(&self, parent: Ino, name: &[u8]) -> Result<()> { todo!() }
    pub async fn rmdir(&self, parent: Ino, name: &[u8]) -> Result<()> { todo!() }
    pub async fn rename(&self, parent: Ino, name: &[u8], new_parent: Ino, new_name: &[u8], mode: RenameMode) -> Result<()> { todo!() }
    /// The directory above (for `..`).
    pub async fn parent(&self, ino: Ino) -> Result<Attr> { todo!() }
    /// Entries after `cookie` (0: from the start), without `.` and `..`, and whether nothing follows.
    pub async fn readdir(&self, ino: Ino, cookie: u64) -> Result<(Vec<DirEntry>, bool)> { todo!() }
    pub async fn getxattr(&self, ino: Ino, name: &[u8]) -> Result<Vec<u8>> { todo!() }
    pub async fn listxattr(&self, ino: Ino) -> Result<Vec<Vec<u8>>> { todo!() }
    pub async fn setxattr(&self, ino: Ino, name: &[u8], value: &[u8], mode: XattrMode) -> Result<()> { todo!() }
    pub async fn removexattr(&self, ino: Ino, name: &[u8]) -> Result<()> { todo!() }
    pub async fn statfs(&self) -> Result<StatFs> { todo!() }

    /// Opens a file; asks the cluster for its attributes (close-to-open). The attributes are exact.
    pub async fn open(&self, ino: Ino, options: OpenOptions) -> Result<(OpenFile, Attr)> { todo!() }
    /// Opens a file this client has just created: its attributes are known.
    pub fn open_created(&self, attr: &Attr, options: OpenOptions) -> OpenFile { todo!() }
    /// Reads from caches and buffers alone, if they suffice.
    pub fn try_read(&self, file: &OpenFile, offset: u64, len: u32) -> Option<ReadBytes> { todo!() }
    pub async fn read(&self, file: &OpenFile, offset: u64, len: u32) -> Result<ReadBytes> { todo!() }
    /// Buffers a write, if there is room for it and nothing has to be waited for. All of `data` is taken.
    pub fn try_write(&self, file: &OpenFile, offset: u64, data: &[u8]) -> Option<Result<()>> { todo!() }
    /// Writes; `offset` is ignored for files opened with `append`.
    pub async fn write(&self, file: &OpenFile, offset: u64, data: &[u8]) -> Result<()> { todo!() }
    /// What close(2) does: commits what was written, reports what went wrong before.
    pub async fn flush(&self, file: &OpenFile) -> Result<()> { todo!() }
    /// True when flush has nothing to do (nothing dirty, no error to report).
    pub fn try_flush(&self, file: &OpenFile) -> bool { todo!() }
    pub async fn fsync(&self, file: &OpenFile) -> Result<()> { todo!() }
    /// The last close.
    pub async fn release(&self, file: OpenFile) { todo!() }
    /// Makes a hole.
    pub async fn punch(&self, file: &OpenFile, offset: u64, len: u64) -> Result<()> { todo!() }
    /// First offset at or after `offset` that has data (`true`) or is a hole (`false`); ENXIO beyond the end.
    pub async fn seek(&self, file: &OpenFile, offset: u64, data: bool) -> Result<u64> { todo!() }
    /// Takes, changes or gives up a lock; `wait` until it is free. `lock.session` is ignored.
    pub async fn lock(&self, ino: Ino, lock: Lock, wait: bool) -> Result<()> { todo!() }
    /// A lock that is in the way of this one.
    pub async fn test_lock(&self, ino: Ino, lock: Lock) -> Result<Option<Lock>> { todo!() }
    /// Gives up all locks of an owner (close of a POSIX lock owner, release of a flock owner).
    pub async fn unlock_all(&self, ino: Ino, owner: u64) -> Result<()> { todo!() }
    /// Whether the owner holds locks here, as far as this client knows (saves a round on every close).
    pub fn holds_locks(&self, ino: Ino, owner: u64) -> bool { todo!() }
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
