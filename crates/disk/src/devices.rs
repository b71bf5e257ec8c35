//! Where disks come from: paths of this machine, or what a test puts in their place.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::{Disk, FileDisk};

/// Opens the disks of a node by their paths.
pub trait Devices: Send + Sync + 'static {
    /// Opens an existing file or block device.
    ///
    /// # Errors
    /// As [`FileDisk::open`].
    fn open(&self, path: &Path) -> io::Result<Arc<dyn Disk>>;

    /// Creates a file of `size` bytes with its space reserved.
    ///
    /// # Errors
    /// As [`FileDisk::create`].
    fn create(&self, path: &Path, size: u64) -> io::Result<Arc<dyn Disk>>;
}

/// The files and block devices of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDevices;

impl Devices for SystemDevices {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn Disk>> {
        Ok(Arc::new(FileDisk::open(path)?))
    }

    fn create(&self, path: &Path, size: u64) -> io::Result<Arc<dyn Disk>> {
        Ok(Arc::new(FileDisk::create(path, size)?))
    }
}
