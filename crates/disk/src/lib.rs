//! Positional I/O on one preallocated file or block device, and a recording stand-in that answers
//! "what would be on the device had the power gone now?".
//!
//! The fragment store and the Raft log do all their durable I/O through [`Disk`], so that one
//! power-loss harness ([`RecordedDisk`]) cuts both at every recorded write.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod devices;
mod file;
mod recorded;

use std::io::{self, IoSlice};

pub use devices::{Devices, SystemDevices};
pub use file::FileDisk;
pub use recorded::{PowerLoss, RecordedDisk};

/// A fixed array of bytes with an explicit point of durability.
///
/// Offsets and lengths of direct I/O are multiples of 4 KiB and buffers are 4 KiB aligned; callers
/// use [`isobar_base::AlignedBuf`] and whole units everywhere.
pub trait Disk: Send + Sync + 'static {
    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    /// Of the device; reading past the end is `UnexpectedEof`.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bufs` one after the other from `offset`. Not durable before [`Disk::sync`].
    ///
    /// # Errors
    /// Of the device; writing past the end is `WriteZero`.
    fn write_at(&self, offset: u64, bufs: &[IoSlice<'_>]) -> io::Result<()>;

    /// Makes every write that returned before this call durable. After an error nothing is known
    /// about any of them, and a later success proves nothing.
    ///
    /// # Errors
    /// Of the device.
    fn sync(&self) -> io::Result<()>;

    /// Says that nobody needs these bytes any more. What is read there from now on is undefined until they
    /// are written again; when it returns, the device is done with them, and later writes are not touched.
    ///
    /// # Errors
    /// `Unsupported` where that is not possible or not wanted; else those of the device.
    fn discard(&self, _offset: u64, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Size in bytes.
    fn size(&self) -> u64;
}
