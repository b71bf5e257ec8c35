//! Targets: PUT, sync, crash, loss; and what is done in the background: rebuilding, deletions, the search.

use crate::ledger::{Verdict, verdict};
use crate::plan::{Mutant, Plan};
use crate::state::{Op, Phase, State, members};

/// Whether a row is still on its way to a target that can take it.
pub(crate) fn may_put(state: &State, segment: u8, row: u8) -> bool {
    let this = &state.segments[usize::from(segment)];
    let target = &state.targets[usize::from(this.targets[usize::from(row)])];
    this.sent && this.delivered & 1 << row == 0 && target.alive
}

/// A row arrives, however late.
pub(crate) fn put(plan: &Plan, state: &mut State, segment: u8, row: u8) {
    let this = &mut state.segments[usize::from(segment)];
    this.delivered |= 1 << row;
    if plan.is(Mutant::ReceiptBeforeSync) {
        this.receipts |= 1 << row;
    }
    state.targets[usize::from(this.targets[usize::from(row)])].unsynced |= 1 << segment;
}

/// What was written becomes durable, and whoever PUT it gets a receipt.
pub(crate) fn sync(state: &mut State, target: u8) {
    let this = &mut state.targets[usize::from(target)];
    let (row, synced) = (this.position, std::mem::take(&mut this.unsynced));
    this.durable |= synced;
    for segment in members(synced) {
        let segment = &mut state.segments[usize::from(segment)];
        if segment.targets[usize::from(row)] == target {
            segment.receipts |= 1 << row;
        }
    }
}

/// A restart: what was not synced is gone.
pub(crate) fn crash(state: &mut State, target: u8) {
    state.targets[usize::from(target)].unsynced = 0;
}

/// The disk is gone.
pub(crate) fn lose(state: &mut State, target: u8) {
    let this = &mut state.targets[usize::from(target)];
    (this.alive, this.unsynced, this.durable) = (false, 0, 0);
}

/// Rows that a target has to have beside those it has: it took a position that others had.
fn to_rebuild(state: &State, target: u8, has: u16) -> Option<u16> {
    let position = usize::from(state.targets[usize::from(target)].position);
    let committed = state.ledger.unclean[position].filter(|_| state.ledger.holders[position] == target)?;
    Some(committed & state.ledger.live() & !has)
}

/// The segments whose rows can be computed for a target now.
pub(crate) fn rebuildable(plan: &Plan, state: &State, target: u8) -> u16 {
    let this = &state.targets[usize::from(target)];
    if state.rebuilding.is_some() || !this.alive {
        return 0;
    }
    let lacking = to_rebuild(state, target, this.durable | this.unsynced).unwrap_or(0);
    let readable = |&segment: &u8| state.durable_rows(segment, plan.rows()) >= plan.data;
    members(lacking).filter(readable).fold(0, |set, segment| set | 1 << segment)
}

/// The row is written; whether its segment is still in use was asked before.
pub(crate) fn rebuild(state: &mut State) {
    if let Some((target, segment)) = state.rebuilding.take()
        && state.targets[usize::from(target)].alive
    {
        state.targets[usize::from(target)].unsynced |= 1 << segment;
    }
}

/// A pass over all segments found that no row is missing.
pub(crate) fn is_whole(plan: &Plan, state: &State, target: u8) -> bool {
    let this = &state.targets[usize::from(target)];
    let written = if plan.is(Mutant::RebuiltBeforeSynced) { this.unsynced } else { 0 };
    let nothing = to_rebuild(state, target, this.durable | written) == Some(0);
    this.alive && state.rebuilding.is_none() && nothing
}

fn has_at(state: &State, segment: u8, row: u8) -> bool {
    let holder = usize::from(state.ledger.holders[usize::from(row)]);
    state.targets[holder].durable & 1 << segment != 0
}

/// Whether the leader has the holder of a row delete it: nothing names its segment any more.
pub(crate) fn may_delete(plan: &Plan, state: &State, segment: u8, row: u8) -> bool {
    let queued = state.ledger.named & !state.ledger.live() & 1 << segment != 0;
    has_at(state, segment, row)
        && (queued || plan.is(Mutant::CopiedRowsRemovedEarly) && copied(state, segment))
}

/// Whether a REPLACE on its way is to take this segment's place.
fn copied(state: &State, segment: u8) -> bool {
    let waiting = state.clients.iter().filter(|client| client.phase == Phase::Waiting);
    let mut ops = waiting.filter_map(|client| client.ops[usize::from(client.seqs) - 1]);
    ops.any(|op| matches!(op, Op::Replace { from, .. } if from.contains(&(segment + 1))))
}

/// Whether the writer of a segment can have a row of it removed: it will never name it.
pub(crate) fn may_withdraw(plan: &Plan, state: &State, segment: u8, row: u8) -> bool {
    let abandoned = state.segments[usize::from(segment)].abandoned;
    abandoned && has_at(state, segment, row) && verdict(plan, state, segment) != Verdict::Referenced
}

pub(crate) fn delete(state: &mut State, segment: u8, row: u8) {
    remove(state, state.ledger.holders[usize::from(row)], segment);
}

/// Whether the search of a target finds a row of a segment that is garbage.
pub(crate) fn may_doom(plan: &Plan, state: &State, target: u8, segment: u8) -> bool {
    let has = state.targets[usize::from(target)].durable & 1 << segment != 0;
    has && state.doomed.is_none() && verdict(plan, state, segment) == Verdict::Garbage
}

/// It deletes what it was told is garbage.
pub(crate) fn delete_doomed(state: &mut State) {
    if let Some((target, segment)) = state.doomed.take() {
        remove(state, target, segment);
    }
}

fn remove(state: &mut State, target: u8, segment: u8) {
    let this = &mut state.targets[usize::from(target)];
    if this.durable & 1 << segment != 0 {
        state.seen.collected |= 1 << segment;
    }
    this.durable &= !(1 << segment);
    this.unsynced &= !(1 << segment);
}
