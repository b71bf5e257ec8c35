//! Isobar's client library, without kernel and mount.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use isobar_base::{Errno, Ino};
use isobar_client::{
    Client, ClientOptions, ClusterSpec, Created, DirEntry, FileKind, NewInode, OpenOptions, Owner, RenameMode,
};
use isobar_vfs::{Checks, Credentials, Vfs};
use tokio::runtime::Runtime;

use super::filesystem::{Backend, OpenFile, OpenFlags, Space, Stat};
use crate::error::{BenchError, Result};

/// Bytes asked for at a time, as the mount does.
const CALL_BYTES_MAX: usize = 1 << 20;

/// A session of the client library.
pub struct Native {
    runtime: Rc<Runtime>,
    client: Client,
    /// Its paths. What a benchmark may do, its caller has judged.
    vfs: Vfs,
    /// Directories that were met, as an application that uses `openat` keeps them open.
    dirs: RefCell<HashMap<PathBuf, Ino>>,
}

fn as_io(errno: Errno) -> io::Error {
    io::Error::from_raw_os_error(errno.0)
}

/// What is known is used; that a name is not there may be a second old, and another process may just have
/// made it: the cluster is asked.
async fn look_up(client: &Client, parent: Ino, name: &[u8]) -> isobar_client::Result<isobar_client::Attr> {
    match client.try_lookup(parent, name) {
        Some(Ok(attr)) => Ok(attr),
        Some(Err(_)) | None => client.lookup(parent, name).await,
    }
}

impl Native {
    /// Opens a session of its own.
    pub fn connect(cluster: &Path, name: &str) -> Result<Native> {
        let spec = ClusterSpec::load(cluster).map_err(|e| BenchError::BadInput(e.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|e| BenchError::Failed(format!("cannot start threads: {e}")))?;
        let options = ClientOptions { name: name.to_owned(), ..ClientOptions::default() };
        let client = runtime
            .block_on(Client::connect(&spec, options))
            .map_err(|e| BenchError::Failed(format!("{}: {e}", cluster.display())))?;
        let vfs = Vfs::new(client.clone(), Checks::ByCaller);
        Ok(Native { runtime: Rc::new(runtime), client, vfs, dirs: RefCell::default() })
    }

    fn run<T>(&self, call: impl Future<Output = isobar_client::Result<T>>) -> io::Result<T> {
        self.runtime.block_on(call).map_err(as_io)
    }

    /// The directory at a path.
    fn dir(&self, path: &Path) -> io::Result<Ino> {
        if let Some(ino) = self.dirs.borrow().get(path) {
            return Ok(*ino);
        }
        let attr = self.run(self.vfs.resolve(&Credentials::root(), path))?;
        if attr.kind != FileKind::Directory {
            return Err(as_io(Errno::ENOTDIR));
        }
        self.dirs.borrow_mut().insert(path.to_owned(), attr.ino);
        Ok(attr.ino)
    }

    /// The directory above a path, and the last name.
    fn entry<'a>(&self, path: &'a Path) -> io::Result<(Ino, &'a [u8])> {
        let (parent, name) = path.parent().zip(path.file_name()).ok_or_else(|| as_io(Errno::EINVAL))?;
        Ok((self.dir(parent)?, name.as_bytes()))
    }

    fn look_up(&self, path: &Path) -> io::Result<isobar_client::Attr> {
        let Ok((parent, name)) = self.entry(path) else { return self.run(self.client.getattr(Ino::ROOT)) };
        self.run(look_up(&self.client, parent, name))
    }
}

impl Backend for Native {
    fn open(&self, path: &Path, flags: OpenFlags) -> io::Result<Box<dyn OpenFile>> {
        let (parent, name) = self.entry(path)?;
        let options = OpenOptions { write: flags.write, ..OpenOptions::default() };
        let file = self.run(async {
            if flags.create || flags.exclusive {
                let new = (0o664, Owner::default());
                return match self.client.create_open(parent, name, new, flags.exclusive, options).await? {
                    Created::New(file, _) => Ok(file),
                    Created::Found(attr) => Ok(self.client.open(attr.ino, options).await?.0),
                };
            }
            let attr = look_up(&self.client, parent, name).await?;
            Ok(self.client.open(attr.ino, options).await?.0)
        })?;
        Ok(Box::new(Opened { runtime: self.runtime.clone(), client: self.client.clone(), file: Some(file) }))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let attr = self.look_up(path)?;
        Ok(Stat { bytes: attr.size, is_dir: attr.kind == FileKind::Directory })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.entry(path)?;
        self.run(self.client.unlink(parent, name))
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.entry(path)?;
        let made = self.client.create(parent, name, NewInode::directory(0o775, Owner::default()), true);
        let (attr, _) = self.run(made)?;
        self.dirs.borrow_mut().insert(path.to_owned(), attr.ino);
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.entry(path)?;
        self.dirs.borrow_mut().remove(path);
        self.run(self.client.rmdir(parent, name))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let ((parent, name), (new_parent, new_name)) = (self.entry(from)?, self.entry(to)?);
        self.dirs.borrow_mut().retain(|path, _| !path.starts_with(from) && !path.starts_with(to));
        self.run(self.client.rename(parent, name, new_parent, new_name, RenameMode::Replace))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, bool)>> {
        let entries = self.run(self.vfs.list(&Credentials::root(), self.dir(path)?))?;
        let listed = |entry: DirEntry| {
            let name = String::from_utf8_lossy(&entry.name).into_owned();
            (name, entry.attr.kind == FileKind::Directory)
        };
        Ok(entries.into_iter().map(listed).collect())
    }

    fn space(&self, _: &Path) -> io::Result<Space> {
        let said = self.run(self.client.statfs())?;
        Ok(Space {
            total_bytes: said.total_bytes,
            free_bytes: said.free_bytes,
            files: said.inodes + said.inodes_free,
            free_files: said.inodes_free,
        })
    }

    /// Every close commits what was written: nothing is left to be made durable.
    fn sync_all(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn close(&self) {
        // What this could still write back belongs to files that were not closed.
        self.run(self.client.close()).ok();
    }
}

struct Opened {
    runtime: Rc<Runtime>,
    client: Client,
    /// Taken by close.
    file: Option<isobar_client::OpenFile>,
}

impl Opened {
    fn file(&self) -> io::Result<&isobar_client::OpenFile> {
        self.file.as_ref().ok_or_else(|| as_io(Errno::EBADF))
    }
}

impl OpenFile for Opened {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        let file = self.file()?;
        for (at, part) in data.chunks(CALL_BYTES_MAX).enumerate() {
            let offset = offset + (at * CALL_BYTES_MAX) as u64;
            match self.client.try_write(file, offset, part) {
                Some(written) => written,
                None => self.runtime.block_on(self.client.write(file, offset, part)),
            }
            .map_err(as_io)?;
        }
        Ok(())
    }

    fn read_at(&mut self, offset: u64, data: &mut [u8]) -> io::Result<usize> {
        let file = self.file()?;
        let mut done = 0;
        while done < data.len() {
            let (at, len) = (offset + done as u64, (data.len() - done).min(CALL_BYTES_MAX));
            let bytes = match self.client.try_read(file, at, len as u32) {
                Some(bytes) => bytes,
                None => self.runtime.block_on(self.client.read(file, at, len as u32)).map_err(as_io)?,
            }
            .contiguous();
            if bytes.is_empty() {
                break;
            }
            data[done..done + bytes.len()].copy_from_slice(&bytes);
            done += bytes.len();
        }
        Ok(done)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.runtime.block_on(self.client.fsync(self.file()?)).map(drop).map_err(as_io)
    }

    fn close(mut self: Box<Self>) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        self.runtime.block_on(async {
            let flushed = self.client.flush(&file).await;
            self.client.release(file).await;
            flushed.map_err(as_io)
        })
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            self.runtime.block_on(self.client.release(file));
        }
    }
}
