//! Freeing what nobody can reach: steps the leader proposes in the background. Each does as much as the entry
//! has room for.

use isobar_base::{Ino, SegmentId};
use isobar_wire::message::ops::{OpReply, OpResult};

use super::orphans;
use crate::ledger::Ledger;
use crate::segments;
use crate::state::State;

/// Frees some extents of an inode in the purge queue: what cuts have taken away, or all of an inode that is
/// gone, and finally the inode.
pub(super) fn purge(state: &mut State, ino: Ino) -> OpResult {
    let room = state.room.purged;
    let Some(mut inode) = state.any_inode(ino).filter(|inode| inode.queued > 0 && room > 0).cloned() else {
        return Ok(OpReply::Done);
    };
    let mut ledger = Ledger::new(state, ino, &inode);
    let (size, empty) = match inode.purging {
        true => ledger.remove_first(room),
        false => (ledger.work_off(room), false),
    };
    let change = ledger.finish();
    state.room.purged = room.saturating_sub(size);
    segments::settle(state, ino, &mut inode, &[], change);
    if empty {
        assert!(inode.extents == 0, "I3: inode {ino} counts {} extents that are not there", inode.extents);
        orphans::purged(state, ino, inode);
        return Ok(OpReply::Done);
    }
    if !inode.purging && inode.cuts.is_empty() {
        segments::leave_purge_queue(state, ino, &mut inode);
    }
    state.put_inode(ino, inode);
    Ok(OpReply::Done)
}

pub(super) fn collected(state: &mut State, ids: &[SegmentId]) -> OpResult {
    for &id in ids {
        segments::collected(state, id);
    }
    Ok(OpReply::Done)
}
