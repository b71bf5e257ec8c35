//! Disks of nodes that fail, or are slow, where and when a test wants.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use isobar_disk::{Devices, Disk, SystemDevices};
use parking_lot::Mutex;

const BLOCK_BYTES: u64 = 4096;

/// The disks of all nodes of a cluster, by their paths. What is said of one holds across its reopening.
#[derive(Clone, Default)]
pub struct FaultyDevices(Arc<Mutex<HashMap<PathBuf, Arc<Faults>>>>);

#[derive(Default)]
struct Faults {
    unreadable: Mutex<BTreeSet<u64>>,
    fail_writes: AtomicBool,
    gone: AtomicBool,
    sync_takes: Mutex<Duration>,
    read_takes: Mutex<Duration>,
}

impl FaultyDevices {
    /// The 4 KiB block at `offset` cannot be read until it is written.
    pub fn lose_block(&self, path: &Path, offset: u64) {
        self.faults(path).unreadable.lock().insert(offset / BLOCK_BYTES);
    }

    /// Whether writes to the device fail.
    pub fn fail_writes(&self, path: &Path, fail: bool) {
        self.faults(path).fail_writes.store(fail, Ordering::SeqCst);
    }

    /// Whether the device cannot be opened.
    pub fn set_gone(&self, path: &Path, gone: bool) {
        self.faults(path).gone.store(gone, Ordering::SeqCst);
    }

    /// Each sync of the device takes so long, and what it takes by itself.
    pub fn delay_syncs(&self, path: &Path, takes: Duration) {
        *self.faults(path).sync_takes.lock() = takes;
    }

    /// Each read of the device takes so long, and what it takes by itself.
    pub fn delay_reads(&self, path: &Path, takes: Duration) {
        *self.faults(path).read_takes.lock() = takes;
    }

    fn faults(&self, path: &Path) -> Arc<Faults> {
        self.0.lock().entry(path.to_owned()).or_default().clone()
    }
}

impl Devices for FaultyDevices {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn Disk>> {
        let faults = self.faults(path);
        if faults.gone.load(Ordering::SeqCst) {
            return Err(io::Error::other("injected: no such device"));
        }
        Ok(Arc::new(FaultyDisk { disk: SystemDevices.open(path)?, faults }))
    }

    fn create(&self, path: &Path, size: u64) -> io::Result<Arc<dyn Disk>> {
        Ok(Arc::new(FaultyDisk { disk: SystemDevices.create(path, size)?, faults: self.faults(path) }))
    }
}

struct FaultyDisk {
    disk: Arc<dyn Disk>,
    faults: Arc<Faults>,
}

impl Disk for FaultyDisk {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        wait(&self.faults.read_takes);
        let blocks = offset / BLOCK_BYTES..(offset + buf.len() as u64).div_ceil(BLOCK_BYTES);
        if self.faults.unreadable.lock().range(blocks).next().is_some() {
            return Err(io::Error::other("injected medium error"));
        }
        self.disk.read_at(offset, buf)
    }

    fn write_at(&self, offset: u64, bufs: &[IoSlice<'_>]) -> io::Result<()> {
        if self.faults.fail_writes.load(Ordering::SeqCst) {
            return Err(io::Error::other("injected write failure"));
        }
        self.disk.write_at(offset, bufs)?;
        let end = offset + bufs.iter().map(|buf| buf.len() as u64).sum::<u64>();
        let blocks = offset / BLOCK_BYTES..end.div_ceil(BLOCK_BYTES);
        self.faults.unreadable.lock().retain(|block| !blocks.contains(block));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        wait(&self.faults.sync_takes);
        self.disk.sync()
    }

    fn size(&self) -> u64 {
        self.disk.size()
    }
}

fn wait(takes: &Mutex<Duration>) {
    let takes = *takes.lock();
    if takes > Duration::ZERO {
        std::thread::sleep(takes);
    }
}
