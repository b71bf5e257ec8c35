//! SETATTR, including truncation.

use isobar_base::limits::FILE_BYTES_MAX;
use isobar_base::{Errno, Ino};
use isobar_wire::message::ops::{OpReply, OpResult, SetAttr, SetTime};

use crate::ledger::Ledger;
use crate::segments;
use crate::state::State;

const S_ISUID: u32 = 0o4000;
const S_ISGID: u32 = 0o2000;
const S_IXGRP: u32 = 0o0010;

pub(super) fn set(state: &mut State, ino: Ino, set: &SetAttr) -> OpResult {
    let mut inode = state.inode(ino)?;
    let valid = |time: &Option<SetTime>| match time {
        Some(SetTime::At(time)) => time.nanoseconds < 1_000_000_000,
        _ => true,
    };
    if !valid(&set.atime) || !valid(&set.mtime) {
        return Err(Errno::EINVAL.into());
    }
    if let Some(size) = set.size {
        inode.check_is_file()?;
        if size > FILE_BYTES_MAX {
            return Err(Errno::EFBIG.into());
        }
    }
    let (index, now) = (state.index, state.now);
    if let Some(size) = set.size {
        // Bytes cut here never come back: the extents are gone, and COMMITs that a truncation to
        // nothing overtook name an older incarnation (I5).
        if size < inode.size && (inode.extents > 0 || inode.split) {
            let mut ledger = Ledger::new(state, ino, &inode);
            ledger.remove(size, u64::MAX);
            let change = ledger.finish();
            change.settle_inode(&mut inode);
            segments::settle(state, ino, &[], change);
        }
        let data_version = inode.data_version;
        inode.contents_changed(index, now);
        if size == inode.size {
            inode.data_version = data_version;
        }
        if size == 0 {
            inode.incarnation += 1;
            inode.split = false;
        }
        inode.size = size;
    }
    if set.uid.is_some() || set.gid.is_some() {
        inode.uid = set.uid.unwrap_or(inode.uid);
        inode.gid = set.gid.unwrap_or(inode.gid);
        if !inode.is_dir() && set.mode.is_none() {
            inode.mode &= !S_ISUID;
            if inode.mode & S_IXGRP != 0 {
                inode.mode &= !S_ISGID;
            }
        }
    }
    if let Some(mode) = set.mode {
        inode.mode = mode & 0o7777;
    }
    inode.mode &= !set.mode_clear;
    let at = |time: SetTime| match time {
        SetTime::Now => now,
        SetTime::At(time) => time.into(),
    };
    if let Some(time) = set.atime {
        inode.atime = at(time);
    }
    if let Some(time) = set.mtime {
        inode.mtime = at(time);
        inode.mtime_decided = now;
    }
    inode.changed(index, now);
    let attr = inode.attr(ino);
    state.put_inode(ino, inode);
    Ok(OpReply::Attr(attr))
}
