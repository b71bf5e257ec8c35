//! What is measured: a file system as calls, through the kernel or through the client library.
//!
//! All calls block. Errors carry the errno an application would see.

mod native;
mod posix;

use std::io;
use std::path::{Path, PathBuf};

use isobar_base::quantity::binary_bytes;
use serde::{Deserialize, Serialize};

use crate::error::{BenchError, Result};

/// How the file system is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// System calls on paths: any mounted file system.
    Posix,
    /// Isobar's client library, a session for every process; paths begin at the root of the file system.
    Native {
        /// The cluster file, or the directory that holds `cluster.toml`.
        cluster: PathBuf,
    },
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct How {
    /// Bytes may be written.
    pub write: bool,
    /// It is made when it is not there.
    pub create: bool,
    /// It must not be there yet.
    pub exclusive: bool,
    /// Past the kernel's page cache (O_DIRECT).
    pub direct: bool,
}

/// A file system.
pub trait Backend {
    /// Opens a file.
    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn OpenFile>>;
    /// Size of the file under a name, in bytes.
    fn stat(&self, path: &Path) -> io::Result<Stat>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes a directory.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Renames a file or directory.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Names in a directory, and whether each is a directory.
    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>>;
    /// Room for the bytes of files.
    fn room(&self, path: &Path) -> io::Result<Room>;
    /// Has everything written so far made durable (`sync`).
    fn sync_all(&self, path: &Path) -> io::Result<()>;
    /// Ends in order.
    fn close(&self) {}
}

/// An open file. Dropping it without [`OpenFile::close`] may lose what was written.
pub trait OpenFile {
    /// Writes all of it.
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()>;
    /// Reads until the buffer is full or the file ends; gives how many bytes.
    fn read_at(&mut self, offset: u64, data: &mut [u8]) -> io::Result<usize>;
    /// Makes what was written durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Closes.
    fn close(self: Box<Self>) -> io::Result<()>;
}

/// What stat says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Size in bytes.
    pub bytes: u64,
    /// Whether it is a directory.
    pub is_dir: bool,
}

/// Room of a file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Bytes of files it can hold.
    pub total_bytes: u64,
    /// Bytes that can still be written.
    pub free_bytes: u64,
    /// Files it can hold; 0 when it does not say.
    pub files: u64,
    /// Files that can still be made.
    pub free_files: u64,
}

impl Target {
    /// Connects. `name` is shown to people who look at sessions.
    ///
    /// # Errors
    /// When the cluster cannot be used.
    pub fn connect(&self, name: &str) -> Result<Box<dyn Backend>> {
        match self {
            Target::Posix => Ok(Box::new(posix::Posix)),
            Target::Native { cluster } => {
                native::Native::connect(cluster, name).map(|n| Box::new(n) as Box<dyn Backend>)
            }
        }
    }

    /// As IOR's `-a` says it.
    pub fn api(&self) -> &'static str {
        match self {
            Target::Posix => "POSIX",
            Target::Native { .. } => "NATIVE",
        }
    }
}

/// Removes a directory and all below it, as far as possible.
pub(crate) fn remove_all(backend: &dyn Backend, dir: &Path) -> io::Result<()> {
    for (name, is_dir) in backend.list(dir)? {
        let path = dir.join(name);
        if is_dir {
            remove_all(backend, &path)?;
        } else {
            backend.remove(&path)?;
        }
    }
    backend.remove_dir(dir)
}

/// Refuses to begin what cannot end well: more bytes than there is room for.
pub(crate) fn require_room(backend: &dyn Backend, dir: &Path, bytes: u64) -> Result<()> {
    let Ok(room) = backend.room(dir) else { return Ok(()) };
    if bytes > room.free_bytes {
        return Err(BenchError::NoSpace(format!(
            "this writes {} and {} has {} free: write less, or free some space",
            binary_bytes(bytes),
            dir.display(),
            binary_bytes(room.free_bytes)
        )));
    }
    Ok(())
}
