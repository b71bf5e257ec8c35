//! COMMIT: written bytes become visible. And its opposite, a hole, within the file or at its end.
//!
//! Everything is checked before anything changes:
//!
//! | refused | because |
//! |---|---|
//! | ESTALE | the inode is gone |
//! | EISDIR, EINVAL | not a regular file |
//! | `StaleIncarnation` | truncated to nothing since the bytes were written (I5) |
//! | EPROTO | a segment of another session, below the low-water, named before, of a shape the file system does not have, or with rows in impossible places; an extent that names none of the COMMIT's segments or more than it holds. The client is wrong: repeating does not help |
//! | `StalePlacement` | a row's target lost its position: write new segments (I5) |
//! | EFBIG | ends beyond the largest file |
//! | EINVAL | no extents, or an empty one, or inline bytes that end beyond the first 4 KiB: an appender whose file has grown gets it and writes a segment instead |
//! | E2BIG | too many extents or segments in one message |

use std::collections::BTreeMap;
use std::ops::Range;

use isobar_base::limits::{EXTENTS_PER_MESSAGE_MAX, FILE_BYTES_MAX, INLINE_BYTES_MAX};
use isobar_base::{Errno, Ino, SegmentId, SessionId};
use isobar_wire::message::files::{Extent, Source};
use isobar_wire::message::ops::{Commit, NewSegment, OpError, OpReply, OpResult};

use crate::ledger::Ledger;
use crate::limits::CUTS_PENDING_MAX;
use crate::record::{Inode, Time};
use crate::segments;
use crate::state::State;

/// A regular file.
pub(super) fn file(state: &mut State, ino: Ino) -> Result<Inode, Errno> {
    let inode = state.inode(ino)?;
    inode.check_is_file()?;
    Ok(inode)
}

pub(super) fn commit(state: &mut State, session: SessionId, commit: &Commit) -> OpResult {
    let mut inode = file(state, commit.ino)?;
    if inode.incarnation != commit.incarnation {
        return Err(OpError::StaleIncarnation);
    }
    let mtime = commit.mtime.map(Time::named).transpose()?;
    let base = if commit.append { inode.size } else { 0 };
    validate_extents(base, &commit.segments, &commit.extents)?;
    segments::validate(state, session, commit.low_water, &commit.segments)?;

    let mut end = inode.size;
    let version = state.index;
    let mut ledger = Ledger::new(state, commit.ino, &inode);
    ledger.make_room(commit.extents.iter().map(|e| (base + e.offset, base + e.end())).collect());
    for extent in &commit.extents {
        ledger.insert(base + extent.offset, extent.len as u32, (&extent.source).into(), version);
        end = end.max(base + extent.end());
    }
    let change = ledger.finish();
    segments::settle(state, commit.ino, &mut inode, &commit.segments, change);
    segments::raise_low_water(state, session, commit.low_water);
    inode.size = end;
    inode.changed(state.index, state.now);
    let before = inode.data_version;
    inode.data_version = inode.version;
    if let Some(stamp) = mtime {
        inode.written(stamp);
    }
    let attr = inode.attr(commit.ino);
    state.put_inode(commit.ino, inode);
    Ok(OpReply::Committed { attr, before, offset: base })
}

/// Whether the extents may lie where they say, counted from `base`, and name what is there to name.
pub(super) fn validate_extents(base: u64, segments: &[NewSegment], extents: &[Extent]) -> Result<(), Errno> {
    if extents.is_empty() {
        return Err(Errno::EINVAL);
    }
    if extents.len() > EXTENTS_PER_MESSAGE_MAX || segments.len() > EXTENTS_PER_MESSAGE_MAX {
        return Err(Errno::E2BIG);
    }
    let lengths: BTreeMap<SegmentId, u64> =
        segments.iter().map(|segment| (segment.id, u64::from(segment.geometry.len))).collect();
    for extent in extents {
        if extent.len == 0 {
            return Err(Errno::EINVAL);
        }
        let end = base.checked_add(extent.offset).and_then(|start| start.checked_add(extent.len));
        let end = end.filter(|&end| end <= FILE_BYTES_MAX).ok_or(Errno::EFBIG)?;
        match &extent.source {
            Source::Inline(bytes) => {
                if bytes.len() as u64 != extent.len {
                    return Err(Errno::EPROTO);
                }
                if end > INLINE_BYTES_MAX {
                    return Err(Errno::EINVAL);
                }
            }
            Source::Segment { id, offset } => {
                let length = *lengths.get(id).ok_or(Errno::EPROTO)?;
                if u64::from(*offset) + extent.len > length {
                    return Err(Errno::EPROTO);
                }
            }
        }
    }
    Ok(())
}

pub(super) fn punch(state: &mut State, ino: Ino, hole: Range<u64>, size_min: u64) -> OpResult {
    let mut inode = file(state, ino)?;
    if hole.is_empty() && size_min == 0 {
        return Err(Errno::EINVAL.into());
    }
    if size_min > FILE_BYTES_MAX {
        return Err(Errno::EFBIG.into());
    }
    if inode.cuts.pending() >= CUTS_PENDING_MAX {
        return Err(Errno::EAGAIN.into());
    }
    if !hole.is_empty() {
        let mut ledger = Ledger::new(state, ino, &inode);
        ledger.remove(hole.start, hole.end);
        let change = ledger.finish();
        segments::settle(state, ino, &mut inode, &[], change);
    }
    if !hole.is_empty() || size_min > inode.size {
        inode.contents_changed(state.index, state.now);
        inode.size = inode.size.max(size_min);
    }
    let attr = inode.attr(ino);
    state.put_inode(ino, inode);
    Ok(OpReply::Attr(attr))
}
