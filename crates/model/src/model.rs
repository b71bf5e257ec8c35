//! What may happen next, and what comes of it.

use crate::plan::{CLIENTS, Faults, Mutant, Plan, ROWS};
use crate::state::{Client, Entry, Ledger, Phase, SEGMENTS, Seen, Segment, State, TARGETS, Target, members};
use crate::{client, ledger, reader, storage};

/// One thing that happens. Numbers are those of clients, segments, rows and targets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// A client begins its next job.
    Begin(u8),
    /// A row arrives at its target.
    Put(u8, u8),
    /// A target syncs, and answers.
    Sync(u8),
    /// A client names its segment in an operation.
    Send(u8),
    /// An operation arrives at the leader, perhaps not for the first time, and is proposed.
    Propose(Entry),
    /// A majority has it: it is applied.
    Commit,
    /// A client hears the answer.
    Answer(u8),
    /// A row is computed for a target that lacks it.
    Compute(u8, u8),
    /// A target finds that it lacks no row.
    Whole(u8),
    /// That row is written.
    Rebuild,
    /// The holder of a row of a dead segment deletes it.
    Delete(u8, u8),
    /// The writer of a row that it gave up has it removed.
    Withdraw(u8, u8),
    /// The search of a target is told that a segment is garbage.
    Doom(u8, u8),
    /// It deletes the row.
    DeleteDoomed,
    /// The reader asks for the map.
    Ask,
    /// The reader gets bytes.
    Read,
    /// A client writes a new segment instead.
    Abandon(u8),
    /// A client stops waiting.
    GiveUp(u8),
    /// A target restarts.
    Crash(u8),
    /// A disk is gone.
    Lose(u8),
    /// The leader changes before the entry is committed.
    Elect,
}

/// A plan to be checked.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Who is there, and what may happen.
    pub plan: Plan,
}

impl Model {
    pub(crate) fn start(&self) -> State {
        let rows = self.plan.rows();
        let mut targets = [Target::default(); TARGETS];
        for (at, target) in targets.iter_mut().enumerate().take(rows) {
            *target = Target { alive: true, position: at as u8, ..Target::default() };
        }
        let holders = std::array::from_fn(|at| at as u8);
        let sessions = (1 << self.plan.jobs.len()) - 1;
        let idle = |at: usize| match at < self.plan.jobs.len() {
            true => Client::default(),
            false => Client { phase: Phase::Done, ..Client::default() },
        };
        State {
            targets,
            segments: [Segment::default(); SEGMENTS],
            clients: std::array::from_fn(idle),
            ledger: Ledger { sessions, holders, ..Ledger::default() },
            pending: None,
            rebuilding: None,
            whole: 0,
            doomed: None,
            reading: None,
            left: self.plan.faults,
            seen: Seen::default(),
        }
    }

    /// What clients and targets do when nothing goes wrong.
    fn work(&self, state: &State, actions: &mut Vec<Action>) {
        let plan = &self.plan;
        for at in 0..plan.jobs.len() as u8 {
            if client::may_begin(plan, state, at) {
                actions.push(Action::Begin(at));
            }
            if client::may_send(plan, state, at) {
                actions.push(Action::Send(at));
            }
            if client::reply(plan, state, at).is_some() {
                actions.push(Action::Answer(at));
            }
        }
        let sent = (0..SEGMENTS as u8).filter(|&segment| state.segments[usize::from(segment)].sent);
        for (segment, row) in sent.flat_map(|segment| (0..plan.rows() as u8).map(move |row| (segment, row))) {
            if storage::may_put(state, segment, row) {
                actions.push(Action::Put(segment, row));
            }
            if storage::may_delete(plan, state, segment, row) {
                actions.push(Action::Delete(segment, row));
            }
            if storage::may_withdraw(plan, state, segment, row) {
                actions.push(Action::Withdraw(segment, row));
            }
        }
        for (at, target) in state.targets.iter().enumerate() {
            if target.unsynced > 0 {
                actions.push(Action::Sync(at as u8));
            }
            let garbage = |&segment: &u8| storage::may_doom(plan, state, at as u8, segment);
            if state.whole & 1 << at == 0 && storage::is_whole(plan, state, at as u8) {
                actions.push(Action::Whole(at as u8));
            }
            let lacks = members(storage::rebuildable(plan, state, at as u8));
            actions.extend(lacks.map(|segment| Action::Compute(at as u8, segment)));
            actions.extend(members(target.durable).filter(garbage).map(|s| Action::Doom(at as u8, s)));
        }
        actions.extend(state.doomed.map(|_| Action::DeleteDoomed));
        actions.extend(state.rebuilding.map(|_| Action::Rebuild));
        if plan.reader {
            let ask = state.reading.is_none() && reader::told(plan, state).is_some();
            actions.extend(ask.then_some(Action::Ask));
            actions.extend(state.reading.map(|_| Action::Read));
        }
    }

    /// What may be proposed: one entry at a time.
    fn proposals(&self, state: &State, actions: &mut Vec<Action>) {
        if state.pending.is_some() {
            return actions.push(Action::Commit);
        }
        for (at, this) in state.clients.iter().enumerate().take(self.plan.jobs.len()) {
            let of = |seq| Action::Propose(Entry::Of(at as u8, seq));
            actions.extend((0..this.seqs).map(of));
            let lives = state.ledger.sessions & 1 << at != 0;
            if lives && (this.phase == Phase::Done || state.left.expiries > 0) {
                actions.push(Action::Propose(Entry::End(at as u8)));
            }
        }
        if state.left.takeovers > 0 {
            let one = |at: &u8| self.bearable(state, *at);
            let positions = (0..self.plan.rows() as u8).filter(one);
            actions.extend(positions.map(|at| Action::Propose(Entry::TakeOver(at))));
        }
        let position = |at: u8| usize::from(state.targets[usize::from(at)].position);
        let wanted = |at: &u8| state.whole & 1 << at != 0 && state.ledger.unclean[position(*at)].is_some();
        let blanks = (ROWS as u8..TARGETS as u8).filter(wanted);
        actions.extend(blanks.map(|at| Action::Propose(Entry::Rebuilt(at))));
    }

    /// Whether no more than K positions lack rows when this one does.
    fn bearable(&self, state: &State, position: u8) -> bool {
        let coming = match state.pending {
            Some(Entry::TakeOver(at)) => 1 << at,
            _ => 0,
        };
        let lacking = state.lacking(self.plan.rows()) | coming | 1 << position;
        lacking.count_ones() <= u32::from(self.plan.parity)
    }

    /// What goes wrong.
    pub(crate) fn faults(&self, state: &State, actions: &mut Vec<Action>) {
        let left = &state.left;
        for (at, this) in state.clients.iter().enumerate().take(self.plan.jobs.len()) {
            match this.phase {
                Phase::Putting(_) if left.retries > 0 => actions.push(Action::Abandon(at as u8)),
                Phase::Waiting if left.give_ups > 0 => actions.push(Action::GiveUp(at as u8)),
                _ => {}
            }
        }
        for (at, target) in state.targets.iter().enumerate() {
            if left.crashes > 0 && target.unsynced > 0 {
                actions.push(Action::Crash(at as u8));
            }
            let holds = state.ledger.holders[usize::from(target.position)] == at as u8;
            if left.losses > 0 && target.alive && holds && self.bearable(state, target.position) {
                actions.push(Action::Lose(at as u8));
            }
        }
        if left.elections > 0 && state.pending.is_some() {
            actions.push(Action::Elect);
        }
    }

    /// Whatever may happen when there are no more faults.
    pub(crate) fn steps(&self, state: &State, actions: &mut Vec<Action>) {
        self.work(state, actions);
        self.proposals(state, actions);
    }

    pub(crate) fn step(&self, state: &mut State, action: Action) {
        let plan = &self.plan;
        match action {
            Action::Begin(at) => client::begin(plan, state, at),
            Action::Put(segment, row) => storage::put(plan, state, segment, row),
            Action::Sync(target) => storage::sync(state, target),
            Action::Send(at) => client::send(plan, state, at),
            Action::Propose(entry) => {
                spend(&mut state.left, entry, &state.clients);
                state.pending = Some(entry);
            }
            Action::Commit => {
                if let Some(entry) = state.pending.take() {
                    ledger::apply(plan, state, entry);
                }
            }
            Action::Answer(at) => client::answer(plan, state, at),
            Action::Compute(target, segment) => state.rebuilding = Some((target, segment)),
            Action::Whole(target) => state.whole |= 1 << target,
            Action::Rebuild => storage::rebuild(state),
            Action::Delete(segment, row) | Action::Withdraw(segment, row) => {
                storage::delete(state, segment, row);
            }
            Action::Doom(target, segment) => state.doomed = Some((target, segment)),
            Action::DeleteDoomed => storage::delete_doomed(state),
            Action::Ask => reader::begin(plan, state),
            Action::Read => reader::finish(plan, state),
            Action::Abandon(at) => {
                state.left.retries = state.left.retries.saturating_sub(1);
                client::abandon(state, at);
            }
            Action::GiveUp(at) => {
                state.left.give_ups -= 1;
                client::give_up(plan, state, at);
            }
            Action::Crash(target) => {
                state.left.crashes -= 1;
                storage::crash(state, target);
            }
            Action::Lose(target) => {
                state.left.losses -= 1;
                storage::lose(state, target);
            }
            Action::Elect => {
                state.left.elections -= 1;
                state.pending = None;
                state.seen.stale = plan.is(Mutant::ReadIndexSkipped).then_some(state.ledger.map);
            }
        }
    }
}

/// Some entries are faults.
fn spend(left: &mut Faults, entry: Entry, clients: &[Client; CLIENTS]) {
    match entry {
        Entry::End(at) if clients[usize::from(at)].phase != Phase::Done => {
            left.expiries = left.expiries.saturating_sub(1);
        }
        Entry::TakeOver(_) => left.takeovers -= 1,
        _ => {}
    }
}
