//! A file system as calls on paths and open files.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// How a file is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenFlags {
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
    fn open(&self, path: &Path, flags: OpenFlags) -> io::Result<Box<dyn OpenFile>>;
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
    /// Space for files.
    fn space(&self, path: &Path) -> io::Result<Space>;
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

/// Space of a file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// Bytes of files it can hold.
    pub total_bytes: u64,
    /// Bytes that can still be written.
    pub free_bytes: u64,
    /// Files it can hold; 0 when it does not say.
    pub files: u64,
    /// Files that can still be made.
    pub free_files: u64,
}
