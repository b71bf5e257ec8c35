//! **Group commit**: operations that arrive while entries are in flight wait together and become one
//! entry; an operation that finds room is proposed at once, so an idle group adds no delay.
//!
//! What one request brings may be more than an entry of this node's log can hold, or longer work than
//! replicas should do at a stretch. It is then proposed in several, one after the other, and answered when
//! all are applied.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use isobar_base::limits::ENTRIES_IN_FLIGHT_MAX;
use isobar_consensus::{Group, ProposeError};
use isobar_meta::{ENTRY_WEIGHT_MAX, Entry, weight};
use isobar_wire::message::files::Time;
use isobar_wire::message::ops::{MutateReply, Mutation, OpResult};
use isobar_wire::{Refusal, Responder};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::member::address;
use crate::limits::{ENTRY_BYTES_MAX, OPS_WAITING_BYTES_MAX, OPS_WAITING_MAX};
use crate::supervise::supervise;

/// The queue of operations on their way into the log. Stops when dropped.
pub(crate) struct Proposer {
    proposals: mpsc::UnboundedSender<Proposal>,
    waiting: Arc<Queued>,
}

/// What is in the queue.
#[derive(Debug, Default)]
struct Queued {
    ops: AtomicUsize,
    bytes: AtomicUsize,
}

/// Operations of one request.
struct Proposal {
    ops: Vec<Mutation>,
    size: Size,
    asker: Asker,
}

/// What operations take of an entry.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    /// Encoded length.
    bytes: usize,
    /// Work ([`weight`]).
    weight: usize,
}

impl Size {
    fn of(ops: &[Mutation], bytes: usize) -> Size {
        Size { bytes, weight: ops.iter().map(|mutation| weight(&mutation.op)).sum() }
    }

    fn and(self, other: Size) -> Size {
        Size { bytes: self.bytes + other.bytes, weight: self.weight + other.weight }
    }

    /// Whether they fit an entry of so many bytes.
    fn fits(self, bytes_max: usize) -> bool {
        self.bytes <= bytes_max && self.weight <= ENTRY_WEIGHT_MAX
    }
}

enum Asker {
    Wire(Responder),
    Local(oneshot::Sender<Result<Vec<OpResult>, ProposeError>>),
}

impl Proposer {
    /// Starts proposing to a group whose log has `log_bytes`.
    pub(super) fn start(group: Group, log_bytes: u64) -> Proposer {
        let (proposals, queue) = mpsc::unbounded_channel();
        let waiting = Arc::new(Queued::default());
        // What one entry of the log may hold, less its own framing.
        let entry_bytes_max = ENTRY_BYTES_MAX.min((log_bytes / 16) as usize - (64 << 10));
        let (queue, count) = (Arc::new(tokio::sync::Mutex::new(queue)), waiting.clone());
        tokio::spawn(supervise("propose", move || {
            propose_all(group.clone(), queue.clone(), count.clone(), entry_bytes_max)
        }));
        Proposer { proposals, waiting }
    }

    /// Whether so much waits for room in the log that nothing more should.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.ops.load(Ordering::Relaxed) > OPS_WAITING_MAX
            || self.waiting.bytes.load(Ordering::Relaxed) > OPS_WAITING_BYTES_MAX
    }

    /// Queues the operations of a request of `bytes` encoded bytes; `responder` is answered once they are
    /// applied.
    pub(super) fn propose_for(&self, ops: Vec<Mutation>, bytes: usize, responder: Responder) {
        let size = Size::of(&ops, bytes);
        self.enqueue(Proposal { ops, size, asker: Asker::Wire(responder) });
    }

    /// Queues operations of this node's own; the receiver gets their results, or nothing when the proposer
    /// stops.
    pub(super) fn propose(
        &self,
        ops: Vec<Mutation>,
    ) -> oneshot::Receiver<Result<Vec<OpResult>, ProposeError>> {
        let (sender, receiver) = oneshot::channel();
        let size = Size::of(&ops, 0);
        self.enqueue(Proposal { ops, size, asker: Asker::Local(sender) });
        receiver
    }

    fn enqueue(&self, proposal: Proposal) {
        self.waiting.ops.fetch_add(proposal.ops.len(), Ordering::Relaxed);
        self.waiting.bytes.fetch_add(proposal.size.bytes, Ordering::Relaxed);
        // The proposer lives as long as this sender; without it the asker is told by being dropped.
        self.proposals.send(proposal).ok();
    }
}

async fn propose_all(
    group: Group,
    queue: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Proposal>>>,
    waiting: Arc<Queued>,
    entry_bytes_max: usize,
) {
    // Nobody else asks for it while this runs.
    let mut queue = queue.lock().await;
    let room = Arc::new(Semaphore::new(ENTRIES_IN_FLIGHT_MAX));
    let last_stamp = Arc::new(Mutex::new(Time::default()));
    let mut held = None;
    loop {
        let first = match held.take() {
            Some(proposal) => proposal,
            None => match queue.recv().await {
                Some(proposal) => proposal,
                None => return,
            },
        };
        // The semaphore is never closed.
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        if !first.size.fits(entry_bytes_max) {
            waiting.ops.fetch_sub(first.ops.len(), Ordering::Relaxed);
            waiting.bytes.fetch_sub(first.size.bytes, Ordering::Relaxed);
            let stamps = last_stamp.clone();
            tokio::spawn(carry_out_in_parts(group.clone(), stamps, first, entry_bytes_max, permit));
            continue;
        }
        let (mut ops, mut size) = (first.ops.len(), first.size);
        let mut batch = vec![first];
        while let Ok(next) = queue.try_recv() {
            let with_next = size.and(next.size);
            if !with_next.fits(entry_bytes_max) {
                held = Some(next);
                break;
            }
            ops += next.ops.len();
            size = with_next;
            batch.push(next);
        }
        waiting.ops.fetch_sub(ops, Ordering::Relaxed);
        waiting.bytes.fetch_sub(size.bytes, Ordering::Relaxed);
        let time = stamp(&mut last_stamp.lock());
        tokio::spawn(carry_out(group.clone(), time, batch, permit));
    }
}

/// The time of an entry: the clock's, but never before that of the entry before.
fn stamp(last: &mut Time) -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Time { seconds: now.as_secs() as i64, nanoseconds: now.subsec_nanos() };
    *last = now.max(*last);
    *last
}

/// One entry from proposal to replies.
async fn carry_out(group: Group, time: Time, mut batch: Vec<Proposal>, permit: OwnedSemaphorePermit) {
    let counts: Vec<usize> = batch.iter().map(|p| p.ops.len()).collect();
    let ops = batch.iter_mut().flat_map(|p| std::mem::take(&mut p.ops)).collect();
    let result = group.propose(Entry { time, ops }.encode()).await;
    drop(permit);
    match result {
        Ok((index, reply)) => match deliver(batch, &counts, &reply) {
            Ok(()) => {}
            // Dropping the askers told them that there is no reply; they repeat.
            Err(error) => {
                tracing::error!(index, %error, "INVARIANT: the reply of the state machine cannot be read")
            }
        },
        Err(error) => batch.into_iter().for_each(|proposal| refuse(proposal.asker, &error)),
    }
}

/// One request in several entries, each after the one before is applied. When one is not, nobody says what
/// became of the others: whoever asked asks again, and what has been applied gets its reply again.
async fn carry_out_in_parts(
    group: Group,
    last_stamp: Arc<Mutex<Time>>,
    proposal: Proposal,
    entry_bytes_max: usize,
    _permit: OwnedSemaphorePermit,
) {
    let Proposal { ops, size: _, asker } = proposal;
    let mut results = Vec::with_capacity(ops.len());
    for ops in parts(ops, entry_bytes_max) {
        let (count, time) = (ops.len(), stamp(&mut last_stamp.lock()));
        let (index, reply) = match group.propose(Entry { time, ops }.encode()).await {
            Ok(applied) => applied,
            Err(error) => return refuse(asker, &error),
        };
        match isobar_wire::decode::<Vec<OpResult>>(&reply) {
            Ok(part) if part.len() == count => results.extend(part),
            _ => return tracing::error!(index, "INVARIANT: the reply of the state machine cannot be read"),
        }
    }
    match asker {
        Asker::Wire(responder) => responder.reply(&MutateReply::Applied(results)),
        Asker::Local(sender) => drop(sender.send(Ok(results))),
    }
}

/// Operations in their order, in parts that each fit an entry. One that is longer goes alone.
fn parts(ops: Vec<Mutation>, entry_bytes_max: usize) -> Vec<Vec<Mutation>> {
    let (mut parts, mut part, mut size) = (Vec::new(), Vec::new(), Size::default());
    for op in ops {
        let own = Size { bytes: isobar_wire::encode(&op).len(), weight: weight(&op.op) };
        if !part.is_empty() && !size.and(own).fits(entry_bytes_max) {
            parts.push(std::mem::take(&mut part));
            size = Size::default();
        }
        size = size.and(own);
        part.push(op);
    }
    parts.push(part);
    parts
}

/// Says that operations were not proposed, or that nobody knows.
fn refuse(asker: Asker, error: &ProposeError) {
    match (asker, error) {
        (Asker::Wire(responder), ProposeError::NotLeader { leader }) => {
            responder.reply(&MutateReply::NotLeader(leader.as_ref().and_then(address)));
        }
        (Asker::Wire(responder), error) => responder.refuse(Refusal::Unavailable(error.to_string())),
        // The one that asked may have stopped with its leadership.
        (Asker::Local(sender), error) => drop(sender.send(Err(error.clone()))),
    }
}

fn deliver(mut batch: Vec<Proposal>, counts: &[usize], reply: &[u8]) -> Result<(), postcard::Error> {
    if batch.len() == 1
        && let Some(Proposal { asker: Asker::Wire(_), .. }) = batch.first()
        && let Some(Proposal { asker: Asker::Wire(responder), .. }) = batch.pop()
    {
        responder.reply_raw(&MutateReply::encode_applied(reply), Vec::new());
        return Ok(());
    }
    let mut results = isobar_wire::decode::<Vec<OpResult>>(reply)?.into_iter();
    for (proposal, &count) in batch.into_iter().zip(counts) {
        let own: Vec<OpResult> = results.by_ref().take(count).collect();
        if own.len() != count {
            return Err(postcard::Error::DeserializeUnexpectedEnd);
        }
        match proposal.asker {
            Asker::Wire(responder) => responder.reply(&MutateReply::Applied(own)),
            Asker::Local(sender) => drop(sender.send(Ok(own))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use isobar_base::{Ino, SessionId};
    use isobar_wire::message::ops::{FileOp, XattrMode};

    use super::*;

    #[test]
    fn parts_keep_the_order_and_each_fits_an_entry() {
        let op = |seq: u64, bytes: usize| {
            let (ino, name, value) = (Ino(7), b"user.a".to_vec(), vec![0; bytes]);
            let op = FileOp::SetXattr { ino, name, value, mode: XattrMode::Any };
            Mutation { session: SessionId(1), seq, acked_below: 1, op: op.into() }
        };
        let lens = [100, 500, 500, 5000, 100, 100];
        let ops: Vec<Mutation> = (1..).zip(lens).map(|(seq, len)| op(seq, len)).collect();
        let parts = parts(ops, 1000);
        let seqs: Vec<Vec<u64>> = parts.iter().map(|part| part.iter().map(|op| op.seq).collect()).collect();
        assert_eq!(seqs, [vec![1, 2], vec![3], vec![4], vec![5, 6]]);
        let many = super::parts((1..=10_000).map(|seq| op(seq, 0)).collect(), usize::MAX);
        assert!(many.len() == 10 && many.iter().all(|part| part.len() <= ENTRY_WEIGHT_MAX));
    }

    #[test]
    fn what_names_much_shares_no_entry_with_more_than_replicas_do_at_a_stretch() {
        let op = |seq: u64, inos: u64| {
            let op = FileOp::ReleaseOrphans { inos: (0..inos).map(Ino).collect() };
            Mutation { session: SessionId(1), seq, acked_below: 1, op: op.into() }
        };
        let ops = (1..).zip([600, 400, 600, 2048, 1]).map(|(seq, inos)| op(seq, inos)).collect();
        let seqs: Vec<Vec<u64>> =
            parts(ops, usize::MAX).iter().map(|part| part.iter().map(|op| op.seq).collect()).collect();
        assert_eq!(seqs, [vec![1, 2], vec![3], vec![4], vec![5]]);
    }

    #[test]
    fn stamps_never_go_back() {
        let future = Time { seconds: i64::MAX, nanoseconds: 0 };
        let mut last = future;
        assert_eq!(stamp(&mut last), future);
        let mut last = Time::default();
        assert!(stamp(&mut last) <= stamp(&mut last));
    }
}
