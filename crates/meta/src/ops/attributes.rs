//! SETATTR, including truncation.

use isobar_base::limits::FILE_BYTES_MAX;
use isobar_base::{Errno, Ino};
use isobar_wire::message::ops::{OpReply, OpResult, SetAttr, SetTime};

use crate::ledger::Ledger;
use crate::limits::CUTS_PENDING_MAX;
use crate::record::Time;
use crate::segments;
use crate::state::State;

const S_ISUID: u32 = 0o4000;
const S_ISGID: u32 = 0o2000;
const S_IXGRP: u32 = 0o0010;

pub(super) fn set(state: &mut State, ino: Ino, set: &SetAttr) -> OpResult {
    let mut inode = state.inode(ino)?;
    let (index, now) = (state.index, state.now);
    let named = |time: Option<SetTime>| match time {
        Some(SetTime::Now) => Ok(Some(now)),
        Some(SetTime::At(time)) => Time::named(time).map(Some),
        None => Ok(None),
    };
    let (atime, mtime) = (named(set.atime)?, named(set.mtime)?);
    if let Some(size) = set.size {
        inode.check_is_file()?;
        if size > FILE_BYTES_MAX {
            return Err(Errno::EFBIG.into());
        }
        // A truncation to nothing takes the place of all cuts.
        if size > 0 && size < inode.size && inode.cuts.pending() >= CUTS_PENDING_MAX {
            return Err(Errno::EAGAIN.into());
        }
    }
    if let Some(size) = set.size {
        // Bytes cut here never come back: the extents are gone or a cut takes them away, and COMMITs that
        // a truncation to nothing overtook name an older incarnation (I5).
        if size < inode.size && (inode.extents > 0 || inode.split) {
            let mut ledger = Ledger::new(state, ino, &inode);
            ledger.remove(size, u64::MAX);
            let change = ledger.finish();
            segments::settle(state, ino, &mut inode, &[], change);
        }
        let data_version = inode.data_version;
        inode.contents_changed(index, now);
        if size == inode.size {
            inode.data_version = data_version;
        }
        if size == 0 {
            inode.incarnation += 1;
            inode.split &= !inode.cuts.is_empty();
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
    inode.mode = inode.mode & !set.mode_clear | set.mode_set & 0o7777;
    if let Some(time) = atime {
        inode.atime = time;
    }
    if let Some(time) = mtime {
        inode.mtime = time;
        inode.mtime_decided = now;
    }
    inode.changed(index, now);
    let attr = inode.attr(ino);
    state.put_inode(ino, inode);
    Ok(OpReply::Attr(attr))
}
