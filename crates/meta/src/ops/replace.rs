//! REPLACE: a compactor puts copies under what they are copies of.
//!
//! Each piece that was there at `as_of` or before and still is gets the copy in its place, at this log
//! index. Holes stay holes, newer writes stay. No byte changes, so neither times nor versions of the
//! inode do; a client with an older map gets NOT_FOUND from the targets in time, and asks again. While cuts
//! of the file are worked off it gets EAGAIN: the compactor comes round again.

use isobar_base::{Errno, SessionId};
use isobar_wire::message::files::Source;
use isobar_wire::message::ops::{OpError, OpReply, OpResult, Replace};

use super::commit::{file, validate_extents};
use crate::ledger::Ledger;
use crate::record::SourceRef;
use crate::segments;
use crate::state::State;

pub(super) fn replace(state: &mut State, session: SessionId, replace: &Replace) -> OpResult {
    let mut inode = file(state, replace.ino)?;
    if inode.incarnation != replace.incarnation {
        return Err(OpError::StaleIncarnation);
    }
    if !inode.cuts.is_empty() {
        return Err(Errno::EAGAIN.into());
    }
    let inline = replace.extents.iter().any(|extent| matches!(extent.source, Source::Inline(_)));
    if inline || replace.as_of >= state.index {
        return Err(Errno::EPROTO.into());
    }
    validate_extents(0, &replace.segments, &replace.extents)?;
    segments::validate(state, session, replace.low_water, &replace.segments)?;

    let version = state.index;
    let mut ledger = Ledger::new(state, replace.ino, &inode);
    for copy in &replace.extents {
        for piece in ledger.look(copy.offset, copy.end()) {
            if piece.version > replace.as_of {
                continue;
            }
            let (from, to) = (piece.offset.max(copy.offset), piece.end().min(copy.end()));
            let (skip, len) = ((from - copy.offset) as u32, (to - from) as u32);
            ledger.insert(from, len, SourceRef::from(&copy.source).part(skip, len), version);
        }
    }
    ledger.join(replace.extents.iter().map(|copy| (copy.offset, copy.end())));
    let change = ledger.finish();
    assert!(change.bytes == 0, "I3: rewriting inode {} changed its bytes by {}", replace.ino, change.bytes);
    let used_bytes = segments::settle(state, replace.ino, &mut inode, &replace.segments, change);
    segments::raise_low_water(state, session, replace.low_water);
    state.put_inode(replace.ino, inode);
    Ok(OpReply::Replaced { used_bytes })
}
