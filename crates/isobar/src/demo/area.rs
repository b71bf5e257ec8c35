//! Where the demonstration writes: a mounted directory, or the client library where none is possible.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

use isobar_base::{Errno, Ino};
use isobar_client::{Client, NewInode, OpenOptions, Owner};
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
    client: Client,
    runtime: Handle,
}

impl LibraryArea {
    /// Calls go to `client` on `runtime`.
    pub fn new(client: Client, runtime: Handle) -> LibraryArea {
        LibraryArea { client, runtime }
    }
}

impl Area for LibraryArea {
    fn write(&self, name: &str, data: &[u8]) -> Result<(), String> {
        let write = async {
            let (attr, _) = self
                .client
                .create(Ino::ROOT, name.as_bytes(), NewInode::file(0o644, Owner::default()), false)
                .await?;
            let file = self.client.open_created(&attr, OpenOptions { write: true, ..OpenOptions::default() });
            for (at, part) in data.chunks(1 << 20).enumerate() {
                self.client.write(&file, (at as u64) << 20, part).await?;
            }
            let synced = self.client.fsync(&file).await;
            self.client.release(file).await;
            synced
        };
        self.runtime.block_on(write).map_err(|e: Errno| format!("{name}: {e}"))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let read = async {
            let attr = self.client.lookup(Ino::ROOT, name.as_bytes()).await?;
            let (file, attr) = self.client.open(attr.ino, OpenOptions::default()).await?;
            let mut data = Vec::with_capacity(attr.size as usize);
            while (data.len() as u64) < attr.size {
                let part = self.client.read(&file, data.len() as u64, 1 << 20).await?;
                if part.is_empty() {
                    break;
                }
                data.extend_from_slice(&part.contiguous());
            }
            self.client.release(file).await;
            Ok(data)
        };
        self.runtime.block_on(read).map_err(|e: Errno| format!("{name}: {e}"))
    }

    fn remove(&self, name: &str) -> Result<(), String> {
        self.runtime
            .block_on(self.client.unlink(Ino::ROOT, name.as_bytes()))
            .map_err(|e| format!("{name}: {e}"))
    }

    fn close(&self) {
        let client = self.client.clone();
        self.runtime.spawn(async move { client.close().await.ok() });
    }
}
