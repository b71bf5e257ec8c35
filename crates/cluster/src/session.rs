//! One session: operation numbers, segment ids and the low-water below which none will be committed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use isobar_base::{Errno, SegmentId, SessionId};
use isobar_wire::message::ops::{FileOp, Mutation, Op, OpError, OpReply, OpResult, SessionOp};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::Cluster;

/// A session with the metadata service. When it is lost, a new one takes its place. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Session(Arc<Inner>);

/// An operation under way.
#[derive(Debug)]
pub struct Begun {
    /// Under which session.
    pub session: SessionId,
    seq: u64,
    at: Instant,
    reply: oneshot::Receiver<Result<OpResult, Errno>>,
}

#[derive(Debug)]
struct Inner {
    cluster: Cluster,
    name: String,
    numbers: Mutex<Numbers>,
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Numbers {
    id: SessionId,
    next_seq: u64,
    outstanding: BTreeSet<u64>,
    next_counter: u64,
    uncommitted: BTreeSet<u64>,
}

impl Numbers {
    /// Of a session that has just been opened.
    fn new(id: SessionId) -> Numbers {
        Numbers {
            id,
            next_seq: 1,
            outstanding: BTreeSet::new(),
            next_counter: 1,
            uncommitted: BTreeSet::new(),
        }
    }
}

impl Session {
    /// Opens a session.
    ///
    /// # Errors
    /// `EIO` when no quorum answered in time.
    pub async fn open(cluster: Cluster, name: &str) -> Result<Session, Errno> {
        let id = grant(&cluster, name).await?;
        cluster.ask_as(id);
        let numbers = Numbers::new(id);
        Ok(Session(Arc::new(Inner {
            cluster,
            name: name.to_owned(),
            numbers: Mutex::new(numbers),
            renewing: tokio::sync::Mutex::default(),
        })))
    }

    /// The cluster the session is with.
    pub fn cluster(&self) -> &Cluster {
        &self.0.cluster
    }

    /// The session's id at the moment.
    pub fn id(&self) -> SessionId {
        self.0.numbers.lock().id
    }

    /// A new segment id. It holds the low-water down until [`Session::settle`].
    pub fn next_segment(&self) -> SegmentId {
        let mut numbers = self.0.numbers.lock();
        let counter = numbers.next_counter;
        numbers.next_counter += 1;
        numbers.uncommitted.insert(counter);
        SegmentId { session: numbers.id, counter }
    }

    /// The segment was committed, or never will be.
    pub fn settle(&self, id: SegmentId) {
        let mut numbers = self.0.numbers.lock();
        if numbers.id == id.session {
            numbers.uncommitted.remove(&id.counter);
        }
    }

    /// No segment with a counter below this will be committed from now on.
    pub fn low_water(&self) -> u64 {
        let numbers = self.0.numbers.lock();
        numbers.uncommitted.first().copied().unwrap_or(numbers.next_counter)
    }

    /// Executes one operation, exactly once.
    ///
    /// # Errors
    /// What the state machine says; [`OpError::SessionGone`] after a new session has been opened (operations
    /// that carry nothing of the old one have been tried again under the new one). `EIO` when the operation
    /// may have been executed before the session ended, and nobody can tell any more (I12).
    pub async fn mutate(&self, op: impl Into<Op>) -> Result<OpReply, OpError> {
        let op = op.into();
        let carries_session = carries_session(&op);
        let begun = Instant::now();
        let (result, session) = loop {
            let (result, session) = self.execute(op.clone(), None).await?;
            match result {
                Err(OpError::Delegated(dir)) if begun.elapsed() < self.0.cluster.patience() => {
                    self.0.cluster.request_recall(dir).await;
                }
                result => break (result, session),
            }
        };
        if !matches!(result, Err(OpError::SessionGone)) {
            return result;
        }
        self.reopen(session).await?;
        if carries_session {
            return result;
        }
        // An operation that was sent once and found the session gone was not executed.
        if self.0.cluster.is_unanswered_since(begun) {
            return Err(Errno::EIO.into());
        }
        self.execute(op, None).await?.0
    }

    /// Executes one operation, exactly once, under the session `expected` and no other (I5), however long it
    /// takes: until somebody answers.
    ///
    /// # Errors
    /// What the state machine says; [`OpError::SessionGone`] when another session is in use.
    pub async fn mutate_as(&self, expected: SessionId, op: impl Into<Op>) -> Result<OpReply, OpError> {
        let begun = self.begin(op, Some(expected)).ok_or(OpError::SessionGone)?;
        let result = self.outcome(begun).await?;
        if matches!(result, Err(OpError::SessionGone)) {
            self.reopen(expected).await.ok();
        }
        result
    }

    async fn execute(
        &self,
        op: Op,
        expected: Option<SessionId>,
    ) -> Result<(Result<OpReply, OpError>, SessionId), OpError> {
        let begun = self.begin(op, expected).ok_or(OpError::SessionGone)?;
        let session = begun.session;
        Ok((self.end(begun).await?, session))
    }

    /// Begins one operation: it takes effect after all that were begun before. `None` when the session in use
    /// is not the expected one. Within the runtime.
    pub fn begin(&self, op: impl Into<Op>, expected: Option<SessionId>) -> Option<Begun> {
        let op = op.into();
        let mut numbers = self.0.numbers.lock();
        if expected.is_some_and(|id| id != numbers.id) {
            return None;
        }
        let seq = numbers.next_seq;
        numbers.next_seq += 1;
        numbers.outstanding.insert(seq);
        let acked_below = numbers.outstanding.first().copied().unwrap_or(seq);
        let session = numbers.id;
        drop(numbers);
        let reply = self.0.cluster.begin(Mutation { session, seq, acked_below, op });
        Some(Begun { session, seq, at: Instant::now(), reply })
    }

    /// Waits for the outcome of an operation as long as callers wait, counted from its beginning.
    ///
    /// # Errors
    /// `EIO` when no quorum answered in time: the operation is not tried any longer.
    pub async fn end(&self, mut begun: Begun) -> Result<Result<OpReply, OpError>, Errno> {
        let deadline = (begun.at + self.0.cluster.patience()).into();
        let reply = tokio::time::timeout_at(deadline, &mut begun.reply).await;
        self.ended(begun, reply.unwrap_or(Ok(Err(Errno::EIO))))
    }

    /// Waits for the outcome of an operation, however long it takes: until somebody answers.
    ///
    /// # Errors
    /// `EIO` when the nodes take this client for a stranger, or cannot read what it sends.
    pub async fn outcome(&self, mut begun: Begun) -> Result<Result<OpReply, OpError>, Errno> {
        let reply = (&mut begun.reply).await;
        self.ended(begun, reply)
    }

    fn ended(
        &self,
        begun: Begun,
        reply: Result<Result<OpResult, Errno>, oneshot::error::RecvError>,
    ) -> Result<OpResult, Errno> {
        let mut numbers = self.0.numbers.lock();
        // Also when nobody answered: raising the mark keeps the operation from being executed late.
        if numbers.id == begun.session {
            numbers.outstanding.remove(&begun.seq);
        }
        reply.unwrap_or(Err(Errno::EIO))
    }

    /// Opens a new session in place of `lost`, unless somebody already has.
    ///
    /// # Errors
    /// `EIO` when no quorum answered in time.
    pub async fn reopen(&self, lost: SessionId) -> Result<(), Errno> {
        let _one = self.0.renewing.lock().await;
        if self.id() != lost {
            return Ok(());
        }
        tracing::warn!(session = %lost, "the session has expired; going on under a new one");
        let id = grant(&self.0.cluster, &self.0.name).await?;
        self.0.cluster.ask_as(id);
        let mut numbers = self.0.numbers.lock();
        *numbers = Numbers::new(id);
        Ok(())
    }
}

/// Whether the operation names something of its session, so that another session cannot carry it out.
fn carries_session(op: &Op) -> bool {
    match op {
        Op::File(FileOp::Commit(_) | FileOp::Replace(_) | FileOp::Lock { .. }) => true,
        Op::File(
            FileOp::Create { .. }
            | FileOp::Delegate { .. }
            | FileOp::ReturnDelegation { .. }
            | FileOp::Link { .. }
            | FileOp::Unlink { .. }
            | FileOp::Rmdir { .. }
            | FileOp::Rename { .. }
            | FileOp::SetAttr { .. }
            | FileOp::SetXattr { .. }
            | FileOp::RemoveXattr { .. }
            | FileOp::Punch { .. }
            | FileOp::UnlockAll { .. }
            | FileOp::ReleaseOrphans { .. }
            | FileOp::RevokeDelegation { .. }
            | FileOp::Purge { .. },
        )
        | Op::Session(_)
        | Op::Cluster(_) => false,
    }
}

async fn grant(cluster: &Cluster, name: &str) -> Result<SessionId, Errno> {
    let op = SessionOp::Open { nonce: isobar_base::random_u64(), name: name.to_owned() };
    match cluster.mutate(Mutation::of_nobody(op)).await? {
        Ok(OpReply::Session(id)) => Ok(id),
        Err(OpError::Errno(errno)) => Err(errno),
        _ => Err(Errno::EPROTO),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use isobar_base::{BufPool, ClusterId, Ino};
    use isobar_wire::message::ops::{MutateReply, MutateRequest};
    use isobar_wire::transport::MemoryNetwork;
    use isobar_wire::{
        Address, Channels, CredentialSet, Handler, Opcode, Protection, Request, Responder, Role, serve,
    };

    use super::*;

    /// A leader that grants sessions, and has ended the first one. It leaves the first operations unanswered.
    #[derive(Default)]
    struct Node {
        unanswered: u32,
        granted: Mutex<u64>,
        asked: Mutex<u32>,
        executed: Mutex<u32>,
    }

    impl Handler for Node {
        fn handle(&self, request: Request, responder: Responder) {
            if request.opcode != Opcode::Mutate {
                return; // Nobody else leads.
            }
            let request: MutateRequest = isobar_wire::decode(&request.body).unwrap();
            let Mutation { session, op, .. } = &request.ops[0];
            if let Op::Session(SessionOp::Open { .. }) = op {
                *self.granted.lock() += 1;
                let id = SessionId(*self.granted.lock());
                return responder.reply(&MutateReply::Applied(vec![Ok(OpReply::Session(id))]));
            }
            *self.asked.lock() += 1;
            if *self.asked.lock() <= self.unanswered {
                return; // Carried out or not: the reply is lost.
            }
            let result = match session.0 {
                1 => Err(OpError::SessionGone),
                _ => {
                    *self.executed.lock() += 1;
                    Ok(OpReply::Done)
                }
            };
            responder.reply(&MutateReply::Applied(vec![result]));
        }
    }

    async fn unlink(unanswered: u32) -> (OpResult, u32) {
        let set = CredentialSet::generate(ClusterId(1)).unwrap();
        let (network, credential) = (MemoryNetwork::new(), set.get(Role::Node, Protection::Clear));
        let addr: Address = "node:1".parse().unwrap();
        let node = Arc::new(Node { unanswered, ..Node::default() });
        let listener = network.at("node").listen(&addr).await.unwrap();
        tokio::spawn(serve(listener, credential.clone(), BufPool::new(0), node.clone()));
        let channels = Channels::with_transport(network.at("test"), credential, BufPool::new(0));
        let cluster = Cluster::new(channels, vec![addr], Duration::from_secs(60));
        let session = Session::open(cluster, "test").await.unwrap();
        let op =
            FileOp::Unlink { parent: Ino::ROOT, name: b"a".to_vec(), not_open_by_caller: None, at: None };
        let result = session.mutate(op).await;
        assert_eq!(session.id(), SessionId(2));
        let executed = *node.executed.lock();
        (result, executed)
    }

    #[tokio::test]
    async fn an_operation_that_found_its_session_gone_is_executed_under_the_next() {
        assert_eq!(unlink(0).await, (Ok(OpReply::Done), 1));
    }

    #[tokio::test]
    async fn an_operation_that_may_have_been_executed_is_not_executed_again_under_another_session() {
        assert_eq!(unlink(1).await, (Err(Errno::EIO.into()), 0));
    }
}
