//! Clients: a writer places a segment, PUTs its rows, and names it in a COMMIT once it has all receipts. A
//! compactor does the same with bytes it copied, and names it in a REPLACE.
//!
//! ```text
//! Idle ─begin─► Putting ─all receipts─► Waiting ─answer─► next job; StalePlacement: the same job again
//!   ▲              └─abandon─┐             ├─ StaleIncarnation: the same segment under the new one
//!   └────────────────────────┘             └─ give up: the counter is settled, the COMMIT may arrive late
//! ```

use crate::plan::{BLOCKS, COUNTERS, Job, Mutant, OPS, Plan};
use crate::state::{Entry, Op, Phase, Reply, State, op_bit, segment_of};

fn job(plan: &Plan, state: &State, client: u8) -> Option<Job> {
    let jobs = plan.jobs.get(usize::from(client))?;
    jobs.get(usize::from(state.clients[usize::from(client)].job)).copied()
}

/// Whether a client can begin its next job: for a segment every holder has to be there.
pub(crate) fn may_begin(plan: &Plan, state: &State, client: u8) -> bool {
    let idle = state.clients[usize::from(client)].phase == Phase::Idle;
    let holders = &state.ledger.holders[..plan.rows()];
    let all = holders.iter().all(|&at| state.targets[usize::from(at)].alive);
    idle && (all || matches!(job(plan, state, client), None | Some(Job::Truncate(_))))
}

/// Begins the next job. Without a number left for it, it fails.
pub(crate) fn begin(plan: &Plan, state: &mut State, client: u8) {
    let Some(job) = job(plan, state, client) else {
        return state.clients[usize::from(client)].phase = Phase::Done;
    };
    let map = state.ledger.map;
    let this = &mut state.clients[usize::from(client)];
    let no_number = usize::from(this.seqs) == OPS;
    if no_number || usize::from(this.next_counter) == COUNTERS && !matches!(job, Job::Truncate(_)) {
        return next_job(state, client);
    }
    (this.incarnation, this.cuts) = (state.ledger.incarnation, state.seen.cuts);
    match job {
        Job::Truncate(blocks) => send_op(state, client, Op::Truncate { blocks }),
        Job::Write(blocks) => {
            let write = client * 4 + this.job + 1;
            let content = std::array::from_fn(|at| if blocks & 1 << at != 0 { write } else { 0 });
            place(state, client, content);
        }
        Job::Compact if map == [0; BLOCKS] => next_job(state, client),
        Job::Compact => {
            this.from = map;
            let copy = |at: usize| match map[at] {
                0 => 0,
                from => state.segments[usize::from(from - 1)].content[at],
            };
            place(state, client, std::array::from_fn(copy));
        }
    }
}

fn place(state: &mut State, client: u8, content: [u8; BLOCKS]) {
    let this = &mut state.clients[usize::from(client)];
    let id = segment_of(client, this.next_counter);
    this.uncommitted |= 1 << this.next_counter;
    this.next_counter += 1;
    this.phase = Phase::Putting(id);
    let segment = &mut state.segments[usize::from(id)];
    (segment.content, segment.targets, segment.sent) = (content, state.ledger.holders, true);
}

/// Whether a client has the receipts it wants.
pub(crate) fn may_send(plan: &Plan, state: &State, client: u8) -> bool {
    let this = &state.clients[usize::from(client)];
    let Phase::Putting(id) = this.phase else { return false };
    let missing = plan.all_rows() & !state.segments[usize::from(id)].receipts;
    missing == 0 || plan.is(Mutant::OneRowShort) && missing.count_ones() == 1
}

/// Names the segment in a COMMIT or REPLACE.
pub(crate) fn send(plan: &Plan, state: &mut State, client: u8) {
    let this = &state.clients[usize::from(client)];
    let Phase::Putting(segment) = this.phase else { return };
    let (low_water, incarnation, cuts) = (low_water(state, client), this.incarnation, this.cuts);
    let op = match job(plan, state, client) {
        Some(Job::Compact) => Op::Replace { segment, from: this.from, low_water, incarnation },
        _ => Op::Commit { segment, low_water, incarnation, cuts },
    };
    send_op(state, client, op);
}

fn send_op(state: &mut State, client: u8, op: Op) {
    let this = &mut state.clients[usize::from(client)];
    this.ops[usize::from(this.seqs)] = Some(op);
    this.seqs += 1;
    this.phase = Phase::Waiting;
}

/// No segment of the client below this will be committed any more.
fn low_water(state: &State, client: u8) -> u8 {
    let this = &state.clients[usize::from(client)];
    match this.uncommitted {
        0 => this.next_counter,
        some => some.trailing_zeros() as u8,
    }
}

/// Rows are late or lost: the segment is given up, its number first.
pub(crate) fn abandon(state: &mut State, client: u8) {
    let this = &mut state.clients[usize::from(client)];
    let Phase::Putting(id) = this.phase else { return };
    (this.uncommitted, this.phase) = (0, Phase::Idle);
    // After a COMMIT that was refused it may be named by one that is late.
    let ops = this.ops.iter().flatten();
    let named = ops.clone().any(|op| matches!(op, Op::Commit { segment, .. } if *segment == id));
    state.segments[usize::from(id)].abandoned = !named;
}

/// The answer to the operation that is waited for, if there is one.
pub(crate) fn reply(plan: &Plan, state: &State, client: u8) -> Option<Reply> {
    let this = &state.clients[usize::from(client)];
    let seq = this.seqs.checked_sub(1).filter(|_| this.phase == Phase::Waiting)?;
    let early = plan.is(Mutant::AnsweredBeforeCommitted) && state.pending == Some(Entry::Of(client, seq));
    let stored = state.ledger.replies[usize::from(client)][usize::from(seq)];
    stored.or(early.then_some(Reply::Done))
}

/// Hears it.
pub(crate) fn answer(plan: &Plan, state: &mut State, client: u8) {
    let Some(reply) = reply(plan, state, client) else { return };
    let (incarnation, cuts) = (state.ledger.incarnation, state.seen.cuts);
    let this = &mut state.clients[usize::from(client)];
    let seq = this.seqs - 1;
    let op = this.ops[usize::from(seq)];
    match (reply, op) {
        (Reply::Done, _) => {
            state.seen.acknowledged |= op_bit(client, seq);
            next_job(state, client);
        }
        (Reply::StaleIncarnation, Some(Op::Commit { segment, .. })) if usize::from(this.seqs) < OPS => {
            // Its bytes are not older than the truncation for anybody who could tell.
            (this.incarnation, this.cuts, this.phase) = (incarnation, cuts, Phase::Putting(segment));
        }
        (Reply::StalePlacement, Some(Op::Commit { .. })) => (this.uncommitted, this.phase) = (0, Phase::Idle),
        (Reply::SessionGone, _) => (this.uncommitted, this.phase) = (0, Phase::Done),
        _ => next_job(state, client),
    }
}

/// Stops waiting: whether the operation takes effect is not known any more.
pub(crate) fn give_up(plan: &Plan, state: &mut State, client: u8) {
    let this = &state.clients[usize::from(client)];
    if plan.is(Mutant::WithdrawnAfterSent)
        && let Some(Op::Commit { segment, .. }) = this.ops[usize::from(this.seqs) - 1]
    {
        state.segments[usize::from(segment)].abandoned = true;
    }
    next_job(state, client);
}

/// What was not committed never will be by this client.
fn next_job(state: &mut State, client: u8) {
    let this = &mut state.clients[usize::from(client)];
    (this.uncommitted, this.phase) = (0, Phase::Idle);
    this.job += 1;
}
