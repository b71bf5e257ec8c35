//! One reader of the first block: it asks for the map, and gets bytes of the segment it found there some time
//! later. Bytes that are not there any more send it back to the map.

use crate::plan::{Mutant, Plan};
use crate::state::{Entry, Op, Reading, State};

/// The segment a reader is told of; none for a hole.
pub(crate) fn told(plan: &Plan, state: &State) -> Option<u8> {
    let mut map = state.ledger.map;
    if plan.is(Mutant::ReadIndexSkipped) {
        map = state.seen.stale.unwrap_or(map);
    }
    if plan.is(Mutant::ReadsUncommitted)
        && let Some(Entry::Of(client, seq)) = state.pending
        && let Some(Op::Commit { segment, .. }) = state.clients[usize::from(client)].ops[usize::from(seq)]
        && state.segments[usize::from(segment)].content[0] > 0
    {
        map[0] = segment + 1;
    }
    map[0].checked_sub(1)
}

pub(crate) fn begin(plan: &Plan, state: &mut State) {
    let allowed = 1 << state.seen.truth[0];
    state.reading = told(plan, state).map(|segment| Reading { segment, allowed });
}

/// The rows are read, or found missing: then the reader asks for the map again.
pub(crate) fn finish(plan: &Plan, state: &mut State) {
    let Some(reading) = state.reading.take() else { return };
    let found = state.durable_rows(reading.segment, plan.rows()) >= plan.data;
    let shown = state.segments[usize::from(reading.segment)].content[0];
    state.seen.wrong_read |= found && reading.allowed & 1 << shown == 0;
}
