//! Freeing what nobody can reach: steps the leader proposes in the background.

use isobar_base::limits::PURGE_EXTENTS_PER_STEP;
use isobar_base::{Ino, SegmentId};
use isobar_wire::message::ops::{OpReply, OpResult};

use super::orphans;
use crate::key;
use crate::ledger::Ledger;
use crate::segments;
use crate::state::State;

/// Frees some extents of an inode in the purge queue, and finally the inode.
pub(super) fn purge(state: &mut State, ino: Ino) -> OpResult {
    let Some(mut inode) = state.any_inode(ino).filter(|inode| inode.purging).cloned() else {
        return Ok(OpReply::Done);
    };
    let mut ledger = Ledger::new(state, ino, &inode);
    let done = ledger.remove_first(PURGE_EXTENTS_PER_STEP);
    let change = ledger.finish();
    change.settle_inode(&mut inode);
    segments::settle(state, ino, &[], change);
    if done {
        assert!(inode.extents == 0, "I3: inode {ino} counts {} extents that are not there", inode.extents);
        state.kv.delete(&key::purge(ino));
        orphans::forget(state, ino, &inode);
    } else {
        state.put_inode(ino, inode);
    }
    Ok(OpReply::Done)
}

pub(super) fn collected(state: &mut State, ids: &[SegmentId]) -> OpResult {
    for &id in ids {
        segments::collected(state, id);
    }
    Ok(OpReply::Done)
}
