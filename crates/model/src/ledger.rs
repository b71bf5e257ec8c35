//! What an entry does, as `meta::apply` and `meta::segments` have it: sessions and repetition first, then
//! every check, then the change.

use crate::plan::{BLOCKS, Mutant, Plan, ROWS};
use crate::state::{Entry, Op, Reply, State, TARGETS, Target, op_bit, owner_of};

/// What the ledger says of a segment found on a device (`meta::segments::state_of`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Referenced,
    Pending,
    Garbage,
}

pub(crate) fn verdict(plan: &Plan, state: &State, segment: u8) -> Verdict {
    let (ledger, (session, counter)) = (&state.ledger, owner_of(segment));
    if ledger.live() & 1 << segment != 0 {
        return Verdict::Referenced;
    }
    if plan.is(Mutant::CollectedByAge) || ledger.named & 1 << segment != 0 {
        return Verdict::Garbage;
    }
    match ledger.sessions & 1 << session != 0 {
        true if counter < ledger.low_water[usize::from(session)] => Verdict::Garbage,
        true => Verdict::Pending,
        false if plan.is(Mutant::EndedSessionsForgotten) => Verdict::Pending,
        false => Verdict::Garbage,
    }
}

/// A majority has the entry.
pub(crate) fn apply(plan: &Plan, state: &mut State, entry: Entry) {
    match entry {
        Entry::Of(client, seq) => apply_once(plan, state, client, seq),
        Entry::End(session) => state.ledger.sessions &= !(1 << session),
        Entry::TakeOver(position) => take_over(state, position),
        Entry::Rebuilt(target) => rebuilt(plan, state, target),
    }
    let shown = state.seen.truth[0];
    if let Some(reading) = &mut state.reading {
        reading.allowed |= 1 << shown;
    }
}

fn take_over(state: &mut State, position: u8) {
    let blank = ROWS as u8 + state.ledger.blanks;
    if usize::from(blank) == TARGETS {
        return;
    }
    state.ledger.blanks += 1;
    state.ledger.holders[usize::from(position)] = blank;
    state.targets[usize::from(blank)] = Target { alive: true, position, ..Target::default() };
    state.ledger.unclean[usize::from(position)] = Some(state.ledger.live());
}

/// It counts for the target that says so, not for whoever has its position now.
fn rebuilt(plan: &Plan, state: &mut State, target: u8) {
    let position = usize::from(state.targets[usize::from(target)].position);
    if state.ledger.holders[position] == target || plan.is(Mutant::RebuiltForAnother) {
        state.ledger.unclean[position] = None;
    }
}

fn apply_once(plan: &Plan, state: &mut State, client: u8, seq: u8) {
    let at = (usize::from(client), usize::from(seq));
    let lives = state.ledger.sessions & 1 << client != 0;
    if !lives && !plan.is(Mutant::FencingSkipped) {
        // No reply is stored: whoever repeats it hears the same.
        state.ledger.replies[at.0][at.1].get_or_insert(Reply::SessionGone);
        return;
    }
    if state.ledger.replies[at.0][at.1].is_some() && !plan.is(Mutant::AppliedTwice) {
        return;
    }
    let Some(op) = state.clients[at.0].ops[at.1] else { return };
    let reply = execute(plan, state, client, op);
    if let Ok(map) = reply {
        let first = state.seen.effective & op_bit(client, seq) == 0;
        state.seen.effective |= op_bit(client, seq);
        state.seen.fenced_applied |= !lives;
        if first {
            show(state, op);
        }
        state.ledger.map = map;
    }
    state.ledger.replies[at.0][at.1].get_or_insert(reply.err().unwrap_or(Reply::Done));
}

/// What readers are to see from here on.
fn show(state: &mut State, op: Op) {
    match op {
        Op::Commit { segment, cuts, .. } => {
            state.seen.cut_ignored |= cuts != state.seen.cuts;
            let content = state.segments[usize::from(segment)].content;
            (0..BLOCKS).filter(|&at| content[at] > 0).for_each(|at| state.seen.truth[at] = content[at]);
        }
        Op::Truncate { blocks } => {
            state.seen.truth[usize::from(blocks)..].fill(0);
            state.seen.cuts += u8::from(blocks == 0);
        }
        // Compaction changes no byte.
        Op::Replace { .. } => {}
    }
}

/// Checks everything, then gives the new map.
fn execute(plan: &Plan, state: &mut State, client: u8, op: Op) -> Result<[u8; BLOCKS], Reply> {
    let mut map = state.ledger.map;
    match op {
        Op::Truncate { blocks } => {
            map[usize::from(blocks)..].fill(0);
            if blocks == 0 && !plan.is(Mutant::IncarnationKept) {
                state.ledger.incarnation += 1;
            }
        }
        Op::Commit { segment, low_water, incarnation, .. } => {
            name(plan, state, client, (segment, low_water, incarnation))?;
            let content = state.segments[usize::from(segment)].content;
            (0..BLOCKS).filter(|&at| content[at] > 0).for_each(|at| map[at] = segment + 1);
        }
        Op::Replace { segment, from, low_water, incarnation } => {
            name(plan, state, client, (segment, low_water, incarnation))?;
            // What is there since is of another segment: an id is named once, so that versions say no more.
            let newer = |at: usize| map[at] != from[at] && !plan.is(Mutant::ReplaceIgnoresNewer);
            let copied: Vec<usize> = (0..BLOCKS).filter(|&at| from[at] > 0 && !newer(at)).collect();
            copied.into_iter().for_each(|at| map[at] = segment + 1);
        }
    }
    Ok(map)
}

/// A COMMIT or REPLACE names a segment (`meta::segments::validate`).
fn name(
    plan: &Plan,
    state: &mut State,
    client: u8,
    (segment, low_water, incarnation): (u8, u8, u8),
) -> Result<(), Reply> {
    let (session, counter) = owner_of(segment);
    let ledger = &mut state.ledger;
    if incarnation != ledger.incarnation {
        return Err(Reply::StaleIncarnation);
    }
    let floor = ledger.low_water[usize::from(client)].max(low_water);
    if session != client || counter < floor && !plan.is(Mutant::LowWaterSkipped) {
        return Err(Reply::Refused);
    }
    if ledger.named & 1 << segment != 0 && !plan.is(Mutant::AppliedTwice) {
        return Err(Reply::Refused);
    }
    let targets = &state.segments[usize::from(segment)].targets[..plan.rows()];
    if targets != &ledger.holders[..plan.rows()] && !plan.is(Mutant::HolderCheckSkipped) {
        return Err(Reply::StalePlacement);
    }
    ledger.named |= 1 << segment;
    ledger.low_water[usize::from(client)] = floor;
    Ok(())
}
