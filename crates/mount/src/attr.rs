//! Attributes and times between the cluster's form and the kernel's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{FileAttr, FileType, INodeNo, TimeOrNow};
use isobar_base::limits::CACHE_TTL_MS;
use isobar_client::{Attr, FileKind, SetTime, Time};

/// How long the kernel may use names and attributes without asking again.
pub const TTL: Duration = Duration::from_millis(CACHE_TTL_MS);

/// `st_blksize` of a file: what cp and cat take as their buffer. With direct I/O each read(2) and
/// write(2) is a request of its own, so the best buffer is the largest request, 1 MiB.
const FILE_BLOCK_BYTES: u32 = 1 << 20;

/// `st_blksize` of everything else; for directories it is libc's readdir buffer.
const OTHER_BLOCK_BYTES: u32 = 64 << 10;

/// What kind of inode, in the kernel's words.
pub fn file_type(kind: FileKind) -> FileType {
    match kind {
        FileKind::File => FileType::RegularFile,
        FileKind::Directory => FileType::Directory,
        FileKind::Symlink => FileType::Symlink,
        FileKind::Fifo => FileType::NamedPipe,
        FileKind::Socket => FileType::Socket,
        FileKind::CharDevice => FileType::CharDevice,
        FileKind::BlockDevice => FileType::BlockDevice,
    }
}

/// The kind in the type bits of a mode given to mknod; none for kinds mknod does not make.
pub fn kind_of_mode(mode: u32) -> Option<FileKind> {
    Some(match mode & libc::S_IFMT {
        libc::S_IFREG | 0 => FileKind::File,
        libc::S_IFIFO => FileKind::Fifo,
        libc::S_IFSOCK => FileKind::Socket,
        libc::S_IFCHR => FileKind::CharDevice,
        libc::S_IFBLK => FileKind::BlockDevice,
        _ => return None,
    })
}

/// Attributes for the kernel.
pub fn file_attr(attr: &Attr) -> FileAttr {
    let ctime = system_time(attr.ctime);
    FileAttr {
        ino: INodeNo(attr.ino.0),
        size: attr.size,
        blocks: attr.allocated_bytes.div_ceil(512),
        atime: system_time(attr.atime),
        mtime: system_time(attr.mtime),
        ctime,
        crtime: ctime,
        kind: file_type(attr.kind),
        perm: (attr.mode & 0o7777) as u16,
        nlink: attr.nlink,
        uid: attr.uid,
        gid: attr.gid,
        rdev: attr.rdev,
        blksize: if attr.kind == FileKind::File { FILE_BLOCK_BYTES } else { OTHER_BLOCK_BYTES },
        flags: 0,
    }
}

/// Attributes of which only the inode number and the type will be looked at (`.` and `..`).
pub fn dot_attr(ino: u64) -> FileAttr {
    FileAttr {
        ino: INodeNo(ino),
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: FileType::Directory,
        perm: 0o755,
        nlink: 2,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: OTHER_BLOCK_BYTES,
        flags: 0,
    }
}

/// A point in time; one that the platform cannot express becomes 1970.
pub fn system_time(time: Time) -> SystemTime {
    let whole = Duration::from_secs(time.seconds.unsigned_abs());
    let base = if time.seconds >= 0 { UNIX_EPOCH.checked_add(whole) } else { UNIX_EPOCH.checked_sub(whole) };
    base.and_then(|t| t.checked_add(Duration::from_nanos(u64::from(time.nanoseconds)))).unwrap_or(UNIX_EPOCH)
}

/// A time the kernel asks to set. For times before 1970 fuser 0.18 turns the kernel's (seconds,
/// nanoseconds) = (-s, n) into 1970 − (s + n) instead of 1970 − s + n; this undoes it, so
/// `duration_since` gives back exactly s and n.
pub fn set_time(time: TimeOrNow) -> SetTime {
    match time {
        TimeOrNow::Now => SetTime::Now,
        TimeOrNow::SpecificTime(at) => SetTime::At(match at.duration_since(UNIX_EPOCH) {
            Ok(after) => Time {
                seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                nanoseconds: after.subsec_nanos(),
            },
            Err(before) => {
                let before = before.duration();
                Time {
                    seconds: i64::try_from(before.as_secs()).map_or(i64::MIN, |s| -s),
                    nanoseconds: before.subsec_nanos(),
                }
            }
        }),
    }
}

/// An error number for the kernel.
pub fn errno(errno: isobar_base::Errno) -> fuser::Errno {
    fuser::Errno::from_i32(errno.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_base::Ino;

    fn sample() -> Attr {
        Attr {
            ino: Ino(0x0001_0000_0000_0007),
            kind: FileKind::File,
            mode: 0o4755,
            nlink: 3,
            uid: 1000,
            gid: 1001,
            rdev: 0,
            size: 4097,
            allocated_bytes: 4097,
            atime: Time { seconds: -2, nanoseconds: 800_000_000 },
            mtime: Time { seconds: 1_700_000_000, nanoseconds: 123_456_789 },
            ctime: Time { seconds: i64::MIN, nanoseconds: 1 },
            incarnation: 0,
            version: 1,
            data_version: 1,
            has_xattrs: false,
        }
    }

    #[test]
    fn attributes_reach_the_kernel_unchanged() {
        let attr = file_attr(&sample());
        assert_eq!(attr.ino.0, 0x0001_0000_0000_0007);
        assert_eq!((attr.size, attr.blocks, attr.blksize), (4097, 9, 1 << 20));
        assert_eq!((attr.perm, attr.nlink), (0o4755, 3));
        assert_eq!((attr.uid, attr.gid), (1000, 1001));
        assert_eq!(attr.mtime.duration_since(UNIX_EPOCH).unwrap(), Duration::new(1_700_000_000, 123_456_789));
    }

    #[test]
    fn times_before_1970_keep_their_nanoseconds() {
        let attr = file_attr(&sample());
        let before = UNIX_EPOCH.duration_since(attr.atime).unwrap();
        assert_eq!(before, Duration::new(1, 200_000_000));
    }

    #[test]
    fn times_to_set_are_what_the_kernel_sent() {
        // As fuser 0.18 builds it from the kernel's (-2, 800_000_000).
        let received = UNIX_EPOCH - Duration::new(2, 800_000_000);
        assert_eq!(
            set_time(TimeOrNow::SpecificTime(received)),
            SetTime::At(Time { seconds: -2, nanoseconds: 800_000_000 })
        );
        let received = UNIX_EPOCH + Duration::new(5, 6);
        assert_eq!(
            set_time(TimeOrNow::SpecificTime(received)),
            SetTime::At(Time { seconds: 5, nanoseconds: 6 })
        );
        assert_eq!(set_time(TimeOrNow::Now), SetTime::Now);
    }

    #[test]
    fn mknod_makes_only_what_is_not_a_directory_or_symlink() {
        assert_eq!(kind_of_mode(libc::S_IFIFO | 0o600), Some(FileKind::Fifo));
        assert_eq!(kind_of_mode(0o600), Some(FileKind::File));
        assert_eq!(kind_of_mode(libc::S_IFDIR | 0o700), None);
        assert_eq!(kind_of_mode(libc::S_IFLNK | 0o777), None);
    }

    #[test]
    fn error_numbers_pass_through() {
        assert_eq!(errno(isobar_base::Errno::ENOTEMPTY).code(), libc::ENOTEMPTY);
        assert_eq!(errno(isobar_base::Errno(0)).code(), libc::EIO);
    }
}
