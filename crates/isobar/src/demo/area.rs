//! Where the demonstration writes: a mounted directory, or the client library where none is possible.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use isobar_base::Ino;
use isobar_client::Client;
use isobar_vfs::{Checks, Credentials, Vfs};
use tokio::runtime::Handle;

/// Files by name. Called from threads that may block.
pub trait Area: Send + Sync {
    /// Writes a new file and fsyncs it.
    fn write(&self, name: &str, data: &[u8]) -> Result<(), String>;
    /// Reads a file.
    fn read(&self, name: &str) -> Result<Vec<u8>, String>;
    /// Removes a file.
    fn remove(&self, name: &str) -> Result<(), String>;
    /// Makes the next read a cold one, as far as possible.
    fn settle(&self) {}
    /// No more calls.
    fn close(&self) {}
}

/// A mounted directory.
pub struct MountArea(pub PathBuf);

impl Area for MountArea {
    fn write(&self, name: &str, data: &[u8]) -> Result<(), String> {
        let write = || {
            let mut file = File::create(self.0.join(name))?;
            data.chunks(1 << 20).try_for_each(|part| file.write_all(part))?;
            file.sync_all()
        };
        write().map_err(|e| format!("{name}: {e}"))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let read = || {
            let mut file = File::open(self.0.join(name))?;
            let mut data = vec![0; file.metadata()?.len() as usize];
            file.read_exact(&mut data)?;
            Ok(data)
        };
        read().map_err(|e: std::io::Error| format!("{name}: {e}"))
    }

    fn remove(&self, name: &str) -> Result<(), String> {
        std::fs::remove_file(self.0.join(name)).map_err(|e| format!("{name}: {e}"))
    }
}

/// The root directory, through the client library.
pub struct LibraryArea {
    vfs: Vfs,
    runtime: Handle,
}

impl LibraryArea {
    /// Calls go to `client` on `runtime`.
    pub fn new(client: Client, runtime: Handle) -> LibraryArea {
        LibraryArea { vfs: Vfs::new(client, Checks::Here), runtime }
    }
}

impl Area for LibraryArea {
    fn write(&self, name: &str, data: &[u8]) -> Result<(), String> {
        let (who, path) = (Credentials::root(), Path::new("/").join(name));
        let write = self.vfs.put_atomic(&who, &path, data, 0o644);
        self.runtime.block_on(write).map(drop).map_err(|e| format!("{name}: {e}"))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let (who, path) = (Credentials::root(), Path::new("/").join(name));
        self.runtime.block_on(self.vfs.get(&who, &path)).map_err(|e| format!("{name}: {e}"))
    }

    fn remove(&self, name: &str) -> Result<(), String> {
        let who = Credentials::root();
        let remove = self.vfs.unlink(&who, Ino::ROOT, name.as_bytes());
        self.runtime.block_on(remove).map_err(|e| format!("{name}: {e}"))
    }

    fn close(&self) {
        let client = self.vfs.client().clone();
        self.runtime.spawn(async move { client.close().await.ok() });
    }
}
