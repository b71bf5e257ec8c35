//! How a client and its files are opened.

use std::time::Duration;

use isobar_base::limits;
use isobar_wire::message::files::FileKind;

/// Settings of a client.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Host and mount point, for people who look at sessions.
    pub name: String,
    /// Bytes written by applications and not yet committed, at most; writers wait beyond.
    pub dirty_bytes_max: usize,
    /// Bytes of rows kept for reading, at most.
    pub cache_bytes_max: usize,
    /// Extents kept of the maps of open files, at most, at some 150 bytes each; what was used longest ago is
    /// asked for again.
    pub map_extents_max: usize,
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

/// How one write is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WriteMode {
    /// It goes to the end of the file, wherever that is.
    pub append: bool,
    /// It is durable before it returns.
    pub sync: bool,
}

impl OpenOptions {
    /// How writes are made unless one says otherwise.
    pub fn write_mode(&self) -> WriteMode {
        WriteMode { append: self.append, sync: self.sync }
    }
}

impl Default for ClientOptions {
    fn default() -> Self {
        ClientOptions {
            name: "client".to_owned(),
            dirty_bytes_max: 128 << 20,
            cache_bytes_max: 256 << 20,
            map_extents_max: 256 << 10,
            read_ahead_bytes: 32 << 20,
            metadata_wait: Duration::from_millis(limits::METADATA_WAIT_MS),
        }
    }
}

/// To whom a new inode belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Owner {
    /// User.
    pub uid: u32,
    /// Group, unless the directory hands down its own (set-group-id).
    pub gid: u32,
}

/// A new inode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewInode {
    /// What it is.
    pub kind: FileKind,
    /// Permission, set-id and sticky bits (0o7777).
    pub mode: u32,
    /// To whom it belongs.
    pub owner: Owner,
    /// Device number of a device node, else 0.
    pub rdev: u32,
}

impl NewInode {
    /// A regular file.
    pub fn file(mode: u32, owner: Owner) -> NewInode {
        NewInode { kind: FileKind::File, mode, owner, rdev: 0 }
    }

    /// A directory.
    pub fn directory(mode: u32, owner: Owner) -> NewInode {
        NewInode { kind: FileKind::Directory, mode, owner, rdev: 0 }
    }
}
