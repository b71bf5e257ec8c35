//! A cluster without a session: finding the metadata leader, asking it, and the current view.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use isobar_base::{BufPool, Errno, Ino, SessionId, limits};
use isobar_config::ClusterSpec;
use isobar_wire::message::admin::{AdminReply, AdminRequest};
use isobar_wire::message::cluster::{ClusterReply, ClusterView, RenewReply, RenewRequest};
use isobar_wire::message::delegations::{DelegationAsk, DelegationReply, DelegationRequest};
use isobar_wire::message::files::Attr;
use isobar_wire::message::ops::{MutateReply, MutateRequest, Mutation, OpError, OpResult};
use isobar_wire::message::queries::{
    Answer, ClusterQuery, FileQuery, Query, QueryReply, QueryRequest, SessionQuery,
};
use isobar_wire::{Address, Channels, Opcode, Role};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use crate::ask::{AskError, Leader, Redirect};
use crate::batcher::{Batcher, Unanswered};
use crate::routing::{group_of_op, group_of_query};
use crate::{ClusterError, UnconfirmedOps, View};

/// After so long without an answer, operations nobody waits for any more are left out before all are sent
/// again.
const MUTATE_ROUND: Duration = Duration::from_secs(15);
/// Pause after a recall that could not be asked for.
const RECALL_PAUSE: Duration = Duration::from_millis(10);
/// Messages with questions under way at a time.
const QUERY_MESSAGES_MAX: usize = 4;
/// Idle payload buffers a client keeps.
const POOL_BYTES: usize = 256 << 20;

/// Access to a cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cluster(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    channels: Channels,
    leader: Leader,
    wait: Duration,
    view: View,
    mutations: Batcher<Mutation, OpResult>,
    /// What was answered before it was sent.
    unconfirmed: UnconfirmedOps,
    /// The session in whose name questions are asked; 0 for none.
    session: AtomicU64,
    queries: Batcher<Query, Result<Answer, OpError>>,
}

/// What a question is about.
enum Subject {
    Inode(Ino),
    All,
    Cluster,
}

fn subject(query: &Query) -> Subject {
    match query {
        Query::File(query) => Subject::Inode(query.ino()),
        Query::Cluster(ClusterQuery::Counts) => Subject::All,
        Query::Cluster(
            ClusterQuery::Map
            | ClusterQuery::Segments { .. }
            | ClusterQuery::SegmentStates { .. }
            | ClusterQuery::DeleteQueue { .. }
            | ClusterQuery::PurgeQueue { .. }
            | ClusterQuery::LowLive { .. }
            | ClusterQuery::Inodes { .. },
        )
        | Query::Session(SessionQuery::List | SessionQuery::Orphans { .. } | SessionQuery::Ended { .. }) => {
            Subject::Cluster
        }
    }
}

impl Cluster {
    /// Access to the cluster with these nodes. Nothing is sent yet.
    pub fn new(channels: Channels, addrs: Vec<Address>, wait: Duration) -> Cluster {
        Cluster(Arc::new(Inner {
            channels,
            leader: Leader::new(addrs),
            wait,
            view: View::default(),
            unconfirmed: UnconfirmedOps::default(),
            session: AtomicU64::new(SessionId::NOBODY.0),
            mutations: Batcher::new(1, limits::MUTATIONS_PER_MESSAGE_MAX, true),
            queries: Batcher::new(QUERY_MESSAGES_MAX, limits::QUERIES_PER_MESSAGE_MAX, false),
        }))
    }

    /// Access to the cluster of a cluster file, as a client or as an administrator.
    ///
    /// # Errors
    /// When the credential cannot be loaded.
    pub fn from_spec(spec: &ClusterSpec, role: Role, wait: Duration) -> Result<Cluster, ClusterError> {
        let channels = Channels::new(spec.credential(role)?, BufPool::new(POOL_BYTES));
        let mut nodes: Vec<_> = spec.node.iter().collect();
        nodes.sort_by_key(|n| !n.voter);
        Ok(Cluster::new(channels, nodes.into_iter().map(|n| n.addr.clone()).collect(), wait))
    }

    /// Connections to nodes.
    pub fn channels(&self) -> &Channels {
        &self.0.channels
    }

    /// What is known of the cluster.
    pub fn view(&self) -> &View {
        &self.0.view
    }

    /// How long a call waits for what it needs before it fails.
    pub fn patience(&self) -> Duration {
        self.0.wait
    }

    /// Where requests to the leader go first; `None` when there are no nodes.
    pub fn leader_addr(&self) -> Option<Address> {
        self.0.leader.addr()
    }

    /// Executes one operation; repeats it until some leader answers or the time is up.
    ///
    /// # Errors
    /// `EIO` when no quorum answered in time: the operation may still be executed later.
    pub async fn mutate(&self, mutation: Mutation) -> Result<OpResult, Errno> {
        let reply = tokio::time::timeout(self.0.wait, self.begin(mutation)).await;
        reply.map_or(Err(Errno::EIO), |reply| reply.unwrap_or(Err(Errno::EIO)))
    }

    /// Begins an operation: it takes effect after all that were begun before. It is repeated until some
    /// leader answers or the receiver is dropped. Within the runtime.
    pub fn begin(&self, mutation: Mutation) -> oneshot::Receiver<Result<OpResult, Errno>> {
        let group = match group_of_op(&mutation.op) {
            Ok(group) => group,
            Err(errno) => {
                let (sender, refused) = oneshot::channel();
                // The receiver is here: it cannot be gone.
                sender.send(Err(errno)).ok();
                return refused;
            }
        };
        let this = self.clone();
        let exchange = move |ops| {
            let this = this.clone();
            async move {
                let request = MutateRequest { group, ops };
                match this.ask_leader(Opcode::Mutate, &request, this.0.wait.min(MUTATE_ROUND)).await {
                    Ok(MutateReply::Applied(results)) => Ok(results),
                    Err(AskError::NoLeader(_)) => Err(Unanswered::Again(request.ops)),
                    _ => Err(Unanswered::Failed(Errno::EIO)),
                }
            }
        };
        self.0.mutations.enqueue(mutation, exchange)
    }

    /// Whether an operation begun at this moment may have been executed by a node that did not answer for it,
    /// so that a later answer, under a session that has ended meanwhile, does not say what became of it.
    pub(crate) fn is_unanswered_since(&self, moment: Instant) -> bool {
        self.0.leader.is_unanswered_since(moment)
    }

    /// Operations under way that were answered already.
    pub fn unconfirmed(&self) -> &UnconfirmedOps {
        &self.0.unconfirmed
    }

    /// Questions are asked in the name of this session from now on.
    pub fn ask_as(&self, session: SessionId) {
        self.0.session.store(session.0, Ordering::Release);
    }

    /// Has the delegation of a directory recalled, and waits until it has, or for a moment.
    pub async fn request_recall(&self, dir: Ino) {
        let request = DelegationRequest { group: dir.group(), ask: DelegationAsk::RequestRecall { dir } };
        if self.delegations(&request).await.is_err() {
            tokio::time::sleep(RECALL_PAUSE).await;
        }
    }

    /// Asks one question. What others answered for in a directory delegated to them is waited for.
    ///
    /// # Errors
    /// `EIO` when no quorum answered in time, otherwise what the state machine says.
    pub async fn query(&self, query: impl Into<Query>) -> Result<Answer, Errno> {
        let (query, begun) = (query.into(), Instant::now());
        loop {
            match self.query_once(query.clone()).await {
                Err(OpError::Delegated(dir)) if begun.elapsed() < self.0.wait => {
                    self.request_recall(dir).await
                }
                Err(OpError::Errno(errno)) => return Err(errno),
                Err(_) => return Err(Errno::EIO),
                Ok(answer) => return Ok(answer),
            }
        }
    }

    async fn query_once(&self, query: Query) -> Result<Answer, OpError> {
        let group = group_of_query(&query)?;
        let unconfirmed = &self.0.unconfirmed;
        match subject(&query) {
            Subject::Inode(ino) => unconfirmed.settled_within(Some(ino), self.0.wait).await?,
            Subject::All => unconfirmed.settled_within(None, self.0.wait).await?,
            Subject::Cluster => {}
        }
        let this = self.clone();
        let exchange = move |queries| {
            let this = this.clone();
            async move {
                let session = SessionId(this.0.session.load(Ordering::Acquire));
                match this
                    .ask_leader(Opcode::Query, &QueryRequest { group, session, queries }, this.0.wait)
                    .await
                {
                    Ok(QueryReply::Answered(answers)) => Ok(answers),
                    _ => Err(Unanswered::Failed(Errno::EIO)),
                }
            }
        };
        self.0.queries.submit(query, exchange).await?
    }

    /// Attributes of an inode, fresh.
    ///
    /// # Errors
    /// As [`Cluster::query`].
    pub async fn query_attr(&self, ino: Ino) -> Result<Attr, Errno> {
        let Answer::Attr(attr) = self.query(FileQuery::GetAttr { ino }).await? else {
            return Err(Errno::EPROTO);
        };
        Ok(attr)
    }

    /// Fetches the cluster map and who is alive.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn refresh(&self, wait: Duration) -> Result<ClusterView, AskError> {
        match self.ask_leader(Opcode::Cluster, &(), wait).await? {
            ClusterReply::View(view) => {
                self.0.view.update(Some(view.map.clone()), view.live.clone());
                Ok(view)
            }
            ClusterReply::NotLeader(_) => Err(AskError::NoLeader("no leader".to_owned())),
        }
    }

    /// Asks the leader to do something for an operator.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn admin(&self, request: &AdminRequest) -> Result<AdminReply, AskError> {
        self.ask_leader(Opcode::Admin, request, self.0.wait).await
    }

    /// Renews a session, within `wait`. `epoch` is that of the map this side has.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn renew(
        &self,
        session: SessionId,
        epoch: u64,
        wait: Duration,
    ) -> Result<RenewReply, AskError> {
        let request = RenewRequest { group: session.group(), session, epoch };
        self.ask_leader(Opcode::Renew, &request, wait).await
    }

    /// Of the directories that a session takes for delegated to it: those that others want or that are not
    /// delegated to it any more, as soon as there are some; none after a while.
    ///
    /// # Errors
    /// See [`AskError`].
    pub async fn poll_recalls(&self, session: SessionId, held: Vec<Ino>) -> Result<Vec<Ino>, AskError> {
        let ask = DelegationAsk::PollRecalls { session, held };
        match self.delegations(&DelegationRequest { group: session.group(), ask }).await? {
            DelegationReply::Recall(dirs) => Ok(dirs),
            DelegationReply::Again | DelegationReply::NotLeader(_) => {
                Err(AskError::NoLeader("no leader".to_owned()))
            }
        }
    }

    async fn delegations(&self, request: &DelegationRequest) -> Result<DelegationReply, AskError> {
        self.ask_leader(Opcode::Delegation, request, self.0.wait).await
    }

    async fn ask_leader<Q: Serialize, A: DeserializeOwned + Redirect>(
        &self,
        opcode: Opcode,
        request: &Q,
        wait: Duration,
    ) -> Result<A, AskError> {
        self.0.leader.ask(&self.0.channels, opcode, request, wait).await
    }
}
