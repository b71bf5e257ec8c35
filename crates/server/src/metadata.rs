//! The metadata role: operations into the log, questions to the state.
//!
//! **Group commit**: operations that arrive while entries are in flight wait together and become one
//! entry; an operation that finds room is proposed at once, so an idle group adds no delay.
//! Questions are confirmed by ReadIndex; consensus shares one confirmation among all that wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use isobar_base::limits::{ENTRIES_IN_FLIGHT_MAX, MUTATIONS_PER_MESSAGE_MAX, OPS_PER_ENTRY_MAX};
use isobar_base::{KvRead, SessionId};
use isobar_consensus::{Group, ProposeError};
use isobar_meta::Entry;
use isobar_wire::message::files::Time;
use isobar_wire::message::ops::{MutateReply, MutateRequest, Mutation, Op, OpResult};
use isobar_wire::message::queries::{Query, QueryReply, QueryRequest};
use isobar_wire::{Refusal, Responder};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::leader::{Leases, Liveness, Sessions};
use crate::limits::{ENTRY_BYTES_MAX, OPS_WAITING_MAX, QUERIES_PER_MESSAGE_MAX};

/// The metadata role of this node.
pub(crate) struct Metadata {
    pub(crate) group: Group,
    /// The disk's identity.
    pub(crate) me: u64,
    /// Who reports, as this node hears it while it leads.
    pub(crate) liveness: Liveness,
    /// Who renewed, as this node hears it while it leads.
    pub(crate) sessions: Sessions,
    /// Who asks for what it should give up, likewise.
    pub(crate) leases: Leases,
    proposals: mpsc::UnboundedSender<Proposal>,
    waiting: Arc<AtomicUsize>,
}

/// Operations of one request.
struct Proposal {
    ops: Vec<Mutation>,
    /// Encoded length, for the bound on entries.
    bytes: usize,
    asker: Asker,
}

enum Asker {
    Wire(Responder),
    Local(oneshot::Sender<Result<Vec<OpResult>, ProposeError>>),
}

impl Metadata {
    /// Starts the proposer.
    pub(crate) fn start(group: Group, log_bytes: u64) -> Metadata {
        let (proposals, queue) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        // What one entry of the log may hold, less its own framing.
        let entry_bytes_max = ENTRY_BYTES_MAX.min((log_bytes / 16) as usize - (64 << 10));
        tokio::spawn(propose_all(group.clone(), queue, waiting.clone(), entry_bytes_max));
        Metadata {
            me: group.status().me.id,
            group,
            liveness: Liveness::default(),
            sessions: Sessions::default(),
            leases: Leases::default(),
            proposals,
            waiting,
        }
    }

    /// Where the leader listens, as far as this replica knows; `None` when it is this one.
    pub(crate) fn other_leader(&self) -> Option<String> {
        self.group.leader().filter(|l| l.id != self.me).map(|l| l.addr)
    }

    /// Carries out the operations of a client.
    pub(crate) fn mutate(&self, body: &[u8], responder: Responder) {
        if !self.group.is_leader() {
            return responder.reply(&MutateReply::NotLeader(self.other_leader()));
        }
        let request = match isobar_wire::decode::<MutateRequest>(body) {
            Ok(request) if request.ops.len() <= MUTATIONS_PER_MESSAGE_MAX => request,
            _ => return responder.refuse(Refusal::Unreadable),
        };
        if request.ops.is_empty() {
            return responder.reply(&MutateReply::Applied(Vec::new()));
        }
        if self.waiting.load(Ordering::Relaxed) > OPS_WAITING_MAX {
            return responder.refuse(Refusal::Unavailable("too many operations are waiting".to_owned()));
        }
        self.enqueue(Proposal { ops: request.ops, bytes: body.len(), asker: Asker::Wire(responder) });
    }

    /// Carries out operations of the leader's own.
    pub(crate) async fn execute(&self, ops: Vec<Op>) -> Result<Vec<OpResult>, ProposeError> {
        if ops.is_empty() {
            return Ok(Vec::new());
        }
        let of_nobody = |op| Mutation { session: SessionId(0), seq: 0, acked_below: 0, op };
        let ops: Vec<Mutation> = ops.into_iter().map(of_nobody).collect();
        let (sender, receiver) = oneshot::channel();
        self.enqueue(Proposal { ops, bytes: 0, asker: Asker::Local(sender) });
        receiver.await.map_err(|_| ProposeError::Stopped)?
    }

    fn enqueue(&self, proposal: Proposal) {
        self.waiting.fetch_add(proposal.ops.len(), Ordering::Relaxed);
        // The proposer lives as long as this sender; without it the asker is told by being dropped.
        self.proposals.send(proposal).ok();
    }

    /// Answers a client's questions.
    pub(crate) fn query(&self, body: &[u8], responder: Responder) {
        if !self.group.is_leader() {
            return responder.reply(&QueryReply::NotLeader(self.other_leader()));
        }
        let request = match isobar_wire::decode::<QueryRequest>(body) {
            Ok(request) if request.queries.len() <= QUERIES_PER_MESSAGE_MAX => request,
            _ => return responder.refuse(Refusal::Unreadable),
        };
        let group = self.group.clone();
        tokio::spawn(async move {
            match group.read_index().await {
                Ok(()) if request.queries.iter().any(is_long) => {
                    let answering = move || answer(&group, &request, responder);
                    // A panic in it drops the responder, which says so to the asker.
                    tokio::task::spawn_blocking(answering).await.ok();
                }
                Ok(()) => answer(&group, &request, responder),
                Err(ProposeError::NotLeader { leader }) => {
                    responder.reply(&QueryReply::NotLeader(leader.map(|l| l.addr)));
                }
                Err(error) => responder.refuse(Refusal::Unavailable(error.to_string())),
            }
        });
    }

    /// Reads the newest state: confirmed by a majority first.
    pub(crate) async fn read<R>(&self, read: impl FnOnce(&dyn KvRead) -> R) -> Result<R, ProposeError> {
        self.group.read_index().await?;
        Ok(self.group.read(read))
    }
}

/// Walks over much of the state may go to the disk: they do not run on the node's runtime.
fn is_long(query: &Query) -> bool {
    matches!(
        query,
        Query::Segments { .. }
            | Query::HalfDead { .. }
            | Query::Inodes { .. }
            | Query::Fates { .. }
            | Query::Sessions
    )
}

fn answer(group: &Group, request: &QueryRequest, responder: Responder) {
    let QueryRequest { session, queries } = request;
    let answers =
        group.read(|kv| queries.iter().map(|query| isobar_meta::query_as(kv, *session, query)).collect());
    responder.reply(&QueryReply::Answered(answers));
}

async fn propose_all(
    group: Group,
    mut queue: mpsc::UnboundedReceiver<Proposal>,
    waiting: Arc<AtomicUsize>,
    entry_bytes_max: usize,
) {
    let room = Arc::new(Semaphore::new(ENTRIES_IN_FLIGHT_MAX));
    let last_stamp = Mutex::new(Time::default());
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
        let (mut ops, mut bytes) = (first.ops.len(), first.bytes);
        let mut batch = vec![first];
        while let Ok(next) = queue.try_recv() {
            ops += next.ops.len();
            bytes += next.bytes;
            if ops > OPS_PER_ENTRY_MAX || bytes > entry_bytes_max {
                ops -= next.ops.len();
                held = Some(next);
                break;
            }
            batch.push(next);
        }
        waiting.fetch_sub(ops, Ordering::Relaxed);
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
        Err(error) => {
            for proposal in batch {
                match (proposal.asker, &error) {
                    (Asker::Wire(responder), ProposeError::NotLeader { leader }) => {
                        responder.reply(&MutateReply::NotLeader(leader.clone().map(|l| l.addr)));
                    }
                    (Asker::Wire(responder), error) => {
                        responder.refuse(Refusal::Unavailable(error.to_string()));
                    }
                    // The one that asked may have stopped with its leadership.
                    (Asker::Local(sender), error) => drop(sender.send(Err(error.clone()))),
                }
            }
        }
    }
}

fn deliver(mut batch: Vec<Proposal>, counts: &[usize], reply: &[u8]) -> Result<(), postcard::Error> {
    if batch.len() == 1
        && let Some(Proposal { asker: Asker::Wire(_), .. }) = batch.first()
        && let Some(Proposal { asker: Asker::Wire(responder), .. }) = batch.pop()
    {
        responder.reply_raw(&applied(reply), Vec::new());
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

/// The encoding of `MutateReply::Applied` around already encoded results: its variant number and they.
fn applied(results: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(1 + results.len());
    body.push(0);
    body.extend_from_slice(results);
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_wire::message::ops::OpReply;

    #[test]
    fn an_encoded_result_list_becomes_a_reply_without_decoding_it() {
        let results: Vec<OpResult> = vec![Ok(OpReply::Done), Ok(OpReply::Session(SessionId(300)))];
        let reply = applied(&isobar_wire::encode(&results));
        assert_eq!(reply, isobar_wire::encode(&MutateReply::Applied(results)));
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
