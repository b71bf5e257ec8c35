//! A real file or block device.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
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
    discards: bool,
}

impl FileDisk {
    /// Creates a file of `size` bytes with its space reserved. Fails if it exists.
    ///
    /// # Errors
    /// Of the file system; `StorageFull` when there is no room for `size` bytes.
    pub fn create(path: &Path, size: u64) -> io::Result<FileDisk> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        let allocate = || rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, size);
        match rustix::io::retry_on_intr(allocate) {
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
    /// `WouldBlock` when another process has it open, `ResourceBusy` when it is a block device that the
    /// kernel itself uses; otherwise those of the file system.
    pub fn open(path: &Path) -> io::Result<FileDisk> {
        // A block device that the kernel itself uses (mounted, or part of RAID, LVM or ZFS) refuses O_EXCL.
        let block_device = std::fs::metadata(path)?.file_type().is_block_device();
        let exclusive = if block_device { OFlags::EXCL } else { OFlags::empty() };
        let open = |flags: OFlags| {
            OpenOptions::new().read(true).write(true).custom_flags(flags.bits() as i32).open(path)
        };
        let file = match open(exclusive | OFlags::DIRECT) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => open(exclusive)?,
            opened => opened?,
        };
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
        let size = rustix::fs::seek(&file, rustix::fs::SeekFrom::End(0))?;
        // A file whose space is reserved keeps it: given away, it might not be there when it is written
        // again.
        let discards = block_device || file.metadata()?.blocks() * 512 < size;
        Ok(FileDisk { file, size, path: path.to_owned(), discards })
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
        self.file.sync_data().inspect_err(|_| {
            // Without O_DIRECT the kernel keeps pages that did not reach the medium and calls them clean.
            // They go, so that whoever recovers reads what is there. If even that fails, it is the same as
            // before.
            rustix::fs::fadvise(&self.file, 0, None, rustix::fs::Advice::DontNeed).ok();
        })
    }

    /// Of a block device, or of a file that does not have all its space reserved when it is opened.
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        if !self.discards {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        rustix::io::retry_on_intr(|| rustix::fs::fallocate(&self.file, flags, offset, len))?;
        Ok(())
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
    let written = rustix::io::retry_on_intr(|| rustix::io::pwritev(file, bufs, offset))?;
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
