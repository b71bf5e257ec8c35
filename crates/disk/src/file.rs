//! A real file or block device.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use isobar_base::AlignedBuf;
use rustix::fs::{FallocateFlags, OFlags};

use crate::Disk;

/// A preallocated file or a block device, opened with O_DIRECT where the file system allows it, and
/// locked so that only one process uses it.
#[derive(Debug)]
pub struct FileDisk {
    file: File,
    size: u64,
    path: PathBuf,
}

impl FileDisk {
    /// Creates a file of `size` bytes with its space reserved. Fails if it exists.
    ///
    /// # Errors
    /// Of the file system; `StorageFull` when there is no room for `size` bytes.
    pub fn create(path: &Path, size: u64) -> io::Result<FileDisk> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, size) {
            Ok(()) => {}
            Err(rustix::io::Errno::OPNOTSUPP) => file.set_len(size)?,
            Err(error) => {
                drop(file);
                std::fs::remove_file(path)?;
                return Err(error.into());
            }
        }
        file.sync_all()?;
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            File::open(parent)?.sync_all()?;
        }
        drop(file);
        FileDisk::open(path)
    }

    /// Opens an existing file or block device.
    ///
    /// # Errors
    /// `WouldBlock` when another process has it open; otherwise those of the file system.
    pub fn open(path: &Path) -> io::Result<FileDisk> {
        let direct = OFlags::DIRECT.bits() as i32;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(direct)
            .open(path)
            .or_else(|_| OpenOptions::new().read(true).write(true).open(path))?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
        let size = rustix::fs::seek(&file, rustix::fs::SeekFrom::End(0))?;
        Ok(FileDisk { file, size, path: path.to_owned() })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes zeros over `len` bytes from `offset`, so that later writes into a preallocated file
    /// need not convert unwritten extents (which commits the file system's journal at each sync).
    ///
    /// # Errors
    /// Of the device.
    pub fn prewrite(&self, offset: u64, len: u64) -> io::Result<()> {
        let zeros = AlignedBuf::zeroed(1 << 20);
        let mut done = 0;
        while done < len {
            let step = (len - done).min(zeros.len() as u64);
            self.file.write_all_at(&zeros[..step as usize], offset + done)?;
            done += step;
        }
        self.sync()
    }
}

impl Disk for FileDisk {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }

    fn write_at(&self, offset: u64, bufs: &[IoSlice<'_>]) -> io::Result<()> {
        let total: u64 = bufs.iter().map(|b| b.len() as u64).sum();
        if offset + total > self.size {
            return Err(io::Error::new(io::ErrorKind::WriteZero, "write past the end of the device"));
        }
        for group in bufs.chunks(1024) {
            write_all_vectored(&self.file, offset + bytes_before(bufs, group), group)?;
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn size(&self) -> u64 {
        self.size
    }
}

/// Bytes of `bufs` that come before its sub-slice `group`.
fn bytes_before(bufs: &[IoSlice<'_>], group: &[IoSlice<'_>]) -> u64 {
    bufs.iter().take_while(|b| !std::ptr::eq(*b, &group[0])).map(|b| b.len() as u64).sum()
}

fn write_all_vectored(file: &File, offset: u64, bufs: &[IoSlice<'_>]) -> io::Result<()> {
    let total: usize = bufs.iter().map(|b| b.len()).sum();
    let written = rustix::io::pwritev(file, bufs, offset)?;
    if written == total {
        return Ok(());
    }
    // A short vectored write is rare (a signal, a device limit): finish buffer by buffer.
    let mut skip = written;
    let mut at = offset + written as u64;
    for buf in bufs {
        let rest = &buf[skip.min(buf.len())..];
        skip -= skip.min(buf.len());
        file.write_all_at(rest, at)?;
        at += rest.len() as u64;
    }
    Ok(())
}
