//! What is on a device without a label of ours. A device is blank only when its first and its last MiB are
//! zero: everything that makes something of a device (file systems, RAID, volume managers, partition tables)
//! leaves its mark there.

use isobar_base::AlignedBuf;
use isobar_disk::Disk;

use crate::StoreError;
use crate::extent::read_blocks;
use crate::limits::{BLANK_BYTES, BLOCK_BYTES};

/// Where a mark is.
enum At {
    /// From the device's first byte.
    Start(u64),
    /// Before its end.
    End(u64),
}

/// Marks of what is found most, the more telling before the less.
const MARKS: &[(At, &[u8], &str)] = &[
    (At::Start(0x438), &[0x53, 0xef], "an ext2, ext3 or ext4 file system"),
    (At::Start(0), b"XFSB", "an XFS file system"),
    (At::Start(0x1_0040), b"_BHRfS_M", "a btrfs file system"),
    (At::Start(0), b"LUKS\xba\xbe", "an encrypted volume (LUKS)"),
    (At::Start(0x200), b"LABELONE", "an LVM physical volume"),
    (At::Start(0x1000), &[0xfc, 0x4e, 0x2b, 0xa9], "a member of a Linux RAID"),
    (At::Start(0), &[0xfc, 0x4e, 0x2b, 0xa9], "a member of a Linux RAID"),
    (At::End(0x2000), &[0xfc, 0x4e, 0x2b, 0xa9], "a member of a Linux RAID"),
    (At::End(0x1_0000), &[0xfc, 0x4e, 0x2b, 0xa9], "a member of a Linux RAID"),
    (At::Start(0x1018), &[0xc6, 0x85, 0x73, 0xf6], "a bcache device"),
    (At::Start(0xff6), b"SWAPSPACE2", "swap space"),
    (At::Start(0x200), b"EFI PART", "a partition table (GPT)"),
    (At::Start(3), b"NTFS    ", "an NTFS file system"),
    (At::Start(0x1fe), &[0x55, 0xaa], "a partition table or boot sector"),
    (At::Start(32 * BLOCK_BYTES), b"ISOBARlg", "a target of ours whose label was wiped"),
];

/// The first and the last bytes of a device.
struct Ends {
    size: u64,
    start: AlignedBuf,
    end: AlignedBuf,
}

/// Says what is on a device that has no label.
///
/// # Errors
/// Always: `Blank`, `Foreign`, or `Read` when nobody can tell.
pub(crate) fn what_is_there(disk: &dyn Disk) -> StoreError {
    match Ends::read(disk) {
        Ok(ends) => ends.describe().map_or(StoreError::Blank, StoreError::Foreign),
        Err(error) => error,
    }
}

impl Ends {
    fn read(disk: &dyn Disk) -> Result<Ends, StoreError> {
        let size = disk.size() / BLOCK_BYTES * BLOCK_BYTES;
        let bytes = BLANK_BYTES.min(size);
        let (mut start, mut end) = (AlignedBuf::zeroed(bytes as usize), AlignedBuf::zeroed(bytes as usize));
        read_blocks(disk, 0, &mut start)?;
        read_blocks(disk, (size - bytes) / BLOCK_BYTES, &mut end)?;
        Ok(Ends { size, start, end })
    }

    fn describe(&self) -> Option<String> {
        let marked =
            MARKS.iter().find(|(at, mark, _)| self.at(at).is_some_and(|bytes| bytes.starts_with(mark)));
        if let Some((_, _, what)) = marked {
            return Some((*what).to_owned());
        }
        let first = self.start.iter().position(|&byte| byte != 0).map(|at| at as u64);
        let last = self.end.iter().rposition(|&byte| byte != 0);
        let last = last.map(|at| self.size - self.end.len() as u64 + at as u64);
        first.or(last).map(|at| format!("data of an unknown kind, at byte {at}"))
    }

    fn at(&self, at: &At) -> Option<&[u8]> {
        match at {
            At::Start(offset) => self.start.get(*offset as usize..),
            At::End(before) => self.end.get(self.end.len().checked_sub(*before as usize)?..),
        }
    }
}
