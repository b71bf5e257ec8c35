//! From every state there is a way to rest: faults end, everything under way arrives, clients finish or their
//! sessions end, blank targets are rebuilt, garbage is collected. Then nothing may be missing or left over.

use crate::model::{Action, Model};
use crate::state::{Entry, Phase, State, members};

/// Longer ways are circles.
const STEPS_MAX: usize = 400;

/// Whether what is under way ends well.
pub(crate) fn is_reached(model: &Model, state: &State) -> bool {
    let (plan, rest) = (&model.plan, at_rest(model, state));
    let rows = plan.rows();
    let gone = rest.lacking(rows);
    let live = rest.ledger.live();
    let stuck = rest.clients.iter().any(|client| client.phase != Phase::Done) && gone == 0;
    let leaked = rest.targets.iter().any(|target| (target.durable | target.unsynced) & !live != 0);
    let intact = rows as u8 - gone.count_ones() as u8;
    let whole = members(live).all(|segment| rest.durable_rows(segment, rows) == intact);
    // A position without a disk stays so; one that has a disk is whole.
    let holder = |at: usize| &rest.targets[usize::from(rest.ledger.holders[at])];
    let rebuilt = (0..rows).all(|at| rest.ledger.unclean[at].is_none() || !holder(at).alive);
    !stuck && !leaked && whole && rebuilt && rest.pending.is_none()
}

/// Where a state comes to rest.
fn at_rest(model: &Model, from: &State) -> State {
    let mut state = from.clone();
    let mut actions = Vec::new();
    for _ in 0..STEPS_MAX {
        actions.clear();
        model.steps(&state, &mut actions);
        let next = actions.iter().copied().find(|&action| is_progress(&state, action));
        let Some(next) = next.or_else(|| hopeless(&state)).or_else(|| ending(&state)) else { break };
        model.step(&mut state, next);
    }
    state
}

/// What brings the state nearer to rest.
fn is_progress(state: &State, action: Action) -> bool {
    match action {
        Action::Propose(Entry::Of(client, seq)) => {
            state.ledger.replies[usize::from(client)][usize::from(seq)].is_none()
        }
        Action::Propose(Entry::End(client)) => state.clients[usize::from(client)].phase == Phase::Done,
        Action::Propose(Entry::TakeOver(position)) => {
            !state.targets[usize::from(state.ledger.holders[usize::from(position)])].alive
        }
        Action::Propose(Entry::Rebuilt(target)) => {
            let position = usize::from(state.targets[usize::from(target)].position);
            state.ledger.holders[position] == target
        }
        Action::Ask => false,
        _ => true,
    }
}

/// A writer whose receipts cannot come any more begins anew.
fn hopeless(state: &State) -> Option<Action> {
    let putting = |client: &u8| matches!(state.clients[usize::from(*client)].phase, Phase::Putting(_));
    (0..state.clients.len() as u8).find(putting).map(Action::Abandon)
}

/// Clients that can do no more go away.
fn ending(state: &State) -> Option<Action> {
    let lives = |client: &u8| state.ledger.sessions & 1 << client != 0;
    let client = (0..state.clients.len() as u8).find(lives)?;
    state.pending.is_none().then_some(Action::Propose(Entry::End(client)))
}
