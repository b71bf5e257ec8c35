//! What is agreed with the kernel when the mount begins.

use fuser::{InitFlags, KernelConfig};

use crate::options::MountOptions;

/// Largest read or write request. 256 pages is also the kernel's own limit by default.
pub const REQUEST_BYTES_MAX: u32 = 1 << 20;

/// Capabilities that are asked for when the kernel has them, and what each is for.
const WANTED: [InitFlags; 16] = [
    // Several reads of one file at a time.
    InitFlags::FUSE_ASYNC_READ,
    // Requests larger than a page.
    InitFlags::FUSE_BIG_WRITES,
    InitFlags::FUSE_MAX_PAGES,
    // fcntl and flock locks go to the cluster.
    InitFlags::FUSE_POSIX_LOCKS,
    InitFlags::FUSE_FLOCK_LOCKS,
    // O_TRUNC comes with the open: one operation instead of two.
    InitFlags::FUSE_ATOMIC_O_TRUNC,
    // NFS export: lookups of "." and "..".
    InitFlags::FUSE_EXPORT_SUPPORT,
    // readdir with attributes where the caller stats what it lists.
    InitFlags::FUSE_DO_READDIRPLUS,
    InitFlags::FUSE_READDIRPLUS_AUTO,
    // Lookups and readdirs of one directory in parallel.
    InitFlags::FUSE_PARALLEL_DIROPS,
    // Asynchronous O_DIRECT requests in parallel.
    InitFlags::FUSE_ASYNC_DIO,
    // Mapped pages are dropped when attributes show that the file changed.
    InitFlags::FUSE_AUTO_INVAL_DATA,
    // A symlink's target never changes and inode numbers are not reused.
    InitFlags::FUSE_CACHE_SYMLINKS,
    // Access control lists: the kernel judges by them, and leaves the umask to where default lists are known.
    InitFlags::FUSE_POSIX_ACL,
    InitFlags::FUSE_DONT_MASK,
    // MAP_SHARED mappings of files opened for direct I/O (Linux 6.6).
    InitFlags::FUSE_DIRECT_IO_ALLOW_MMAP,
];
// Not asked for: WRITEBACK_CACHE (it would give the kernel size and mtime), HANDLE_KILLPRIV and _V2
// (fuser does not pass the kernel's kill bits of truncations on; without them the kernel clears
// set-id bits of chown and truncate by itself, and writes carry FUSE_WRITE_KILL_SUIDGID either way).

/// What is asked of the kernel at the beginning of a mount.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    background_max: u16,
}

impl Capabilities {
    /// From the options.
    pub fn new(options: &MountOptions) -> Self {
        Capabilities { background_max: options.background_max.max(1) }
    }

    /// Negotiates.
    pub fn apply(self, config: &mut KernelConfig) {
        for flag in WANTED {
            if config.add_capabilities(flag).is_err() {
                explain_missing(flag);
            }
        }
        // Each setter answers a value that is out of range with the nearest that is not.
        if let Err(nearest) = config.set_max_write(REQUEST_BYTES_MAX) {
            let _ = config.set_max_write(nearest);
        }
        if let Err(nearest) = config.set_max_readahead(REQUEST_BYTES_MAX) {
            let _ = config.set_max_readahead(nearest);
        }
        let _ = config.set_max_background(self.background_max);
    }
}

fn explain_missing(flag: InitFlags) {
    if flag == InitFlags::FUSE_DIRECT_IO_ALLOW_MMAP {
        tracing::warn!(
            "this kernel cannot map files of the mount with MAP_SHARED (ENODEV): use Linux 6.6 or newer for linkers and git"
        );
    } else if flag == InitFlags::FUSE_POSIX_LOCKS || flag == InitFlags::FUSE_FLOCK_LOCKS {
        tracing::warn!("this kernel keeps file locks to itself: other clients will not see them");
    } else {
        tracing::debug!(?flag, "the kernel lacks a FUSE capability");
    }
}
