//! The invariants of the protocol as properties of states, by their numbers.

use stateright::Property;

use crate::model::Model;
use crate::quiet;
use crate::state::{State, members};

/// All properties, the most telling first.
pub(crate) fn all() -> Vec<Property<Model>> {
    vec![
        Property::always(
            "I2 I7 a row of a live segment is durable wherever no disk is missing",
            rows_are_there,
        ),
        Property::always("I4 what was acknowledged is in the ledger", acknowledged_is_there),
        Property::always("I4 a live segment is readable after any K losses", readable),
        Property::always("I3 I12 every operation has effect once and in the order of the log", one_order),
        Property::always("I5 a session that has ended changes nothing", ended_changes_nothing),
        Property::always("I5 no COMMIT ignores a truncation to nothing", no_cut_is_ignored),
        Property::always("I6 no row of a live segment was collected", nothing_live_collected),
        Property::always("I10 readers see what is committed", reads_are_right),
        Property::always("quiet: all is done, whole and without garbage", quiet::is_reached),
    ]
}

fn rows_are_there(model: &Model, state: &State) -> bool {
    let rows = model.plan.rows();
    let lacking = state.lacking(rows);
    members(state.ledger.live()).all(|segment| {
        (0..rows).filter(|row| lacking & 1 << row == 0).all(|row| {
            let holder = &state.targets[usize::from(state.ledger.holders[row])];
            holder.durable & 1 << segment != 0
        })
    })
}

fn acknowledged_is_there(_: &Model, state: &State) -> bool {
    let applied = state.seen.acknowledged & !state.seen.effective == 0;
    // A COMMIT that is proposed may still be committed: what counts is that it cannot be lost.
    applied || state.pending.is_some()
}

fn readable(model: &Model, state: &State) -> bool {
    let rows = model.plan.rows();
    let may_still_go = u32::from(model.plan.parity).saturating_sub(state.lacking(rows).count_ones());
    let enough = u32::from(model.plan.data) + may_still_go;
    members(state.ledger.live()).all(|segment| u32::from(state.durable_rows(segment, rows)) >= enough)
}

fn one_order(_: &Model, state: &State) -> bool {
    let shown = |(at, &segment): (usize, &u8)| match segment {
        0 => 0,
        segment => state.segments[usize::from(segment - 1)].content[at],
    };
    let map = state.ledger.map.iter().enumerate().map(shown);
    map.eq(state.seen.truth)
}

fn nothing_live_collected(_: &Model, state: &State) -> bool {
    state.ledger.live() & state.seen.collected == 0
}

fn ended_changes_nothing(_: &Model, state: &State) -> bool {
    !state.seen.fenced_applied
}

fn no_cut_is_ignored(_: &Model, state: &State) -> bool {
    !state.seen.cut_ignored
}

fn reads_are_right(_: &Model, state: &State) -> bool {
    !state.seen.wrong_read
}
