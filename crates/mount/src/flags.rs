//! Flag words of the kernel.

use fuser::RenameFlags;
use isobar_base::Errno;
use isobar_client::{OpenOptions, RenameMode, WriteMode, XattrMode};
use isobar_vfs::Allocation;

/// How a file is opened, from the flags of open(2). The kernel has checked permissions.
pub fn open_options(flags: i32) -> OpenOptions {
    let write = flags & libc::O_ACCMODE != libc::O_RDONLY;
    OpenOptions {
        write,
        append: write && flags & libc::O_APPEND != 0,
        // O_SYNC contains the bit of O_DSYNC; both need the bytes and a size that covers them.
        sync: flags & libc::O_DSYNC != 0,
        truncate: flags & libc::O_TRUNC != 0,
    }
}

/// How one write is made, from the flags that came with it: those the descriptor has by now (F_SETFL changes
/// O_APPEND), with O_DSYNC for RWF_DSYNC, RWF_SYNC and inodes that are always synchronous.
pub fn write_mode(flags: i32) -> WriteMode {
    WriteMode { append: flags & libc::O_APPEND != 0, sync: flags & libc::O_DSYNC != 0 }
}

/// Whether bytes may be read.
pub fn reads(flags: i32) -> bool {
    flags & libc::O_ACCMODE != libc::O_WRONLY
}

/// What renameat2(2) asks for.
pub fn rename_mode(flags: RenameFlags) -> Result<RenameMode, Errno> {
    if flags.is_empty() {
        Ok(RenameMode::Replace)
    } else if flags == RenameFlags::RENAME_NOREPLACE {
        Ok(RenameMode::NoReplace)
    } else if flags == RenameFlags::RENAME_EXCHANGE {
        Ok(RenameMode::Exchange)
    } else {
        Err(Errno::EINVAL)
    }
}

/// What setxattr(2) asks for.
pub fn xattr_mode(flags: i32) -> Result<XattrMode, Errno> {
    match flags {
        0 => Ok(XattrMode::Any),
        libc::XATTR_CREATE => Ok(XattrMode::Create),
        libc::XATTR_REPLACE => Ok(XattrMode::Replace),
        _ => Err(Errno::EINVAL),
    }
}

/// What fallocate(2) asks for.
pub fn allocation(mode: i32) -> Result<Allocation, Errno> {
    const PUNCH_HOLE: i32 = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    const ZERO_RANGE: i32 = libc::FALLOC_FL_ZERO_RANGE;
    const ZERO_RANGE_KEEP_SIZE: i32 = ZERO_RANGE | libc::FALLOC_FL_KEEP_SIZE;
    let (zero, grow) = match mode {
        0 => (false, true),
        libc::FALLOC_FL_KEEP_SIZE => (false, false),
        PUNCH_HOLE | ZERO_RANGE_KEEP_SIZE => (true, false),
        ZERO_RANGE => (true, true),
        _ => return Err(Errno::EOPNOTSUPP),
    };
    Ok(Allocation { zero, grow })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_flags_become_options() {
        let o = open_options(libc::O_RDONLY);
        assert!(!o.write && !o.append && !o.sync && !o.truncate);
        let o = open_options(libc::O_WRONLY | libc::O_APPEND | libc::O_TRUNC);
        assert!(o.write && o.append && !o.sync && o.truncate);
        assert!(open_options(libc::O_RDWR | libc::O_SYNC).sync);
        assert!(open_options(libc::O_RDWR | libc::O_DSYNC).sync);
        // Appending means nothing to a reader.
        assert!(!open_options(libc::O_RDONLY | libc::O_APPEND).append);
    }

    #[test]
    fn flags_of_a_write_become_its_mode() {
        assert_eq!(write_mode(libc::O_RDWR), WriteMode::default());
        assert_eq!(write_mode(libc::O_WRONLY | libc::O_APPEND), WriteMode { append: true, sync: false });
        assert_eq!(write_mode(libc::O_RDWR | libc::O_SYNC), WriteMode { append: false, sync: true });
        assert!(write_mode(libc::O_RDWR | libc::O_DSYNC).sync);
    }

    #[test]
    fn rename_flags_become_a_mode() {
        assert_eq!(rename_mode(RenameFlags::empty()), Ok(RenameMode::Replace));
        assert_eq!(rename_mode(RenameFlags::RENAME_NOREPLACE), Ok(RenameMode::NoReplace));
        assert_eq!(rename_mode(RenameFlags::RENAME_EXCHANGE), Ok(RenameMode::Exchange));
        for wrong in
            [RenameFlags::RENAME_WHITEOUT, RenameFlags::RENAME_NOREPLACE | RenameFlags::RENAME_EXCHANGE]
        {
            assert_eq!(rename_mode(wrong), Err(Errno::EINVAL));
        }
    }

    #[test]
    fn xattr_flags_become_a_mode() {
        assert_eq!(xattr_mode(0), Ok(XattrMode::Any));
        assert_eq!(xattr_mode(libc::XATTR_CREATE), Ok(XattrMode::Create));
        assert_eq!(xattr_mode(libc::XATTR_REPLACE), Ok(XattrMode::Replace));
        assert_eq!(xattr_mode(3), Err(Errno::EINVAL));
    }

    #[test]
    fn fallocate_flags_say_whether_to_zero_and_to_grow() {
        let of = |zero, grow| Ok(Allocation { zero, grow });
        assert_eq!(allocation(0), of(false, true));
        assert_eq!(allocation(libc::FALLOC_FL_KEEP_SIZE), of(false, false));
        assert_eq!(allocation(3), of(true, false));
        assert_eq!(allocation(libc::FALLOC_FL_ZERO_RANGE), of(true, true));
        assert_eq!(allocation(libc::FALLOC_FL_ZERO_RANGE | 1), of(true, false));
        for other in [libc::FALLOC_FL_COLLAPSE_RANGE, libc::FALLOC_FL_INSERT_RANGE] {
            assert_eq!(allocation(other), Err(Errno::EOPNOTSUPP));
        }
    }
}
