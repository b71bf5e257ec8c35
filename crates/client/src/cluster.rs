//! A cluster without a session: finding the metadata leader, asking it, and the current view.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use isobar_base::{BufPool, Errno, Ino, SessionId, limits};
use isobar_wire::message::cluster::{AdminReply, AdminRequest, ClusterReply, RenewReply};
use isobar_wire::message::leases::{LeaseReply, LeaseRequest};
use isobar_wire::message::ops::{MutateReply, MutateRequest, Mutation, OpError, OpResult};
use isobar_wire::message::queries::{Answer, Query, QueryReply, QueryRequest};
use isobar_wire::{CallError, Channels, Opcode};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use crate::behind::Behind;
use crate::pipe::Pipe;
use crate::{ClientError, ClusterSpec, View};

/// One attempt waits this long for a reply before another node is asked.
const ATTEMPT: Duration = Duration::from_secs(5);
/// After this long without a reply the other nodes are asked who leads.
const DOUBT: Duration = Duration::from_secs(1);
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(250);
/// Waiting this long for a quorum is worth a line in the log.
const WORTH_A_LINE: Duration = Duration::from_secs(3);
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
    /// Voters first, then the others: one of them may have become a voter since.
    addrs: Vec<String>,
    leader: Mutex<String>,
    wait: Duration,
    view: View,
    mutations: Pipe<Mutation, OpResult>,
    /// What was answered before it was sent.
    behind: Behind,
    /// The session in whose name questions are asked; 0 for none.
    session: AtomicU64,
    queries: Pipe<Query, Result<Answer, OpError>>,
}

/// A reply that may say "ask somebody else".
pub(crate) trait Redirect {
    /// `Some(hint)` when the node does not lead.
    fn redirect(&self) -> Option<Option<String>>;
}

macro_rules! redirect {
    ($($reply:ty),*) => {$(
        impl Redirect for $reply {
            fn redirect(&self) -> Option<Option<String>> {
                match self {
                    Self::NotLeader(hint) => Some(hint.clone()),
                    _ => None,
                }
            }
        }
    )*};
}
redirect!(MutateReply, QueryReply, ClusterReply, RenewReply, AdminReply, LeaseReply);

/// What a question is about.
enum Subject {
    Inode(Ino),
    All,
    Cluster,
}

fn subject(query: &Query) -> Subject {
    match *query {
        Query::Lookup { parent: ino, .. }
        | Query::GetAttr { ino }
        | Query::ReadDir { ino, .. }
        | Query::Parent { ino }
        | Query::ReadLink { ino }
        | Query::GetXattr { ino, .. }
        | Query::ListXattr { ino }
        | Query::Map { ino, .. }
        | Query::TestLock { ino, .. } => Subject::Inode(ino),
        Query::Counts => Subject::All,
        _ => Subject::Cluster,
    }
}

impl Cluster {
    /// Access to the cluster with these nodes. Nothing is sent yet.
    pub fn new(channels: Channels, addrs: Vec<String>, wait: Duration) -> Cluster {
        let leader = Mutex::new(addrs.first().cloned().unwrap_or_default());
        Cluster(Arc::new(Inner {
            channels,
            addrs,
            leader,
            wait,
            view: View::default(),
            behind: Behind::default(),
            session: AtomicU64::new(0),
            mutations: Pipe::new(1, limits::MUTATIONS_PER_MESSAGE_MAX, true),
            queries: Pipe::new(QUERY_MESSAGES_MAX, limits::QUERIES_PER_MESSAGE_MAX, false),
        }))
    }

    /// Access to the cluster of a cluster file.
    ///
    /// # Errors
    /// When the secret cannot be loaded.
    pub fn from_spec(spec: &ClusterSpec, wait: Duration) -> Result<Cluster, ClientError> {
        let channels = Channels::new(spec.secret()?, BufPool::new(POOL_BYTES));
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
    pub(crate) fn patience(&self) -> Duration {
        self.0.wait
    }

    /// Where requests to the leader go first.
    pub fn leader_addr(&self) -> String {
        self.0.leader.lock().clone()
    }

    /// Executes one operation; repeats it until some leader answers or the time is up.
    ///
    /// # Errors
    /// `EIO` when no quorum answered in time: the operation may still be executed later.
    pub async fn mutate(&self, mutation: Mutation) -> Result<OpResult, Errno> {
        self.begin(mutation).await.unwrap_or(Err(Errno::EIO))
    }

    /// Begins [`Cluster::mutate`]: the operation takes effect after all that were begun before. Within the runtime.
    pub(crate) fn begin(&self, mutation: Mutation) -> oneshot::Receiver<Result<OpResult, Errno>> {
        let this = self.clone();
        let exchange = move |ops| {
            let this = this.clone();
            async move {
                match this.ask_leader(Opcode::Mutate, &MutateRequest { ops }, this.0.wait).await {
                    Ok(MutateReply::Applied(results)) => Ok(results),
                    _ => Err(Errno::EIO),
                }
            }
        };
        self.0.mutations.enqueue(mutation, exchange)
    }

    /// Operations under way that were answered already.
    pub(crate) fn behind(&self) -> &Behind {
        &self.0.behind
    }

    /// Questions are asked in the name of this session from now on.
    pub(crate) fn ask_as(&self, session: SessionId) {
        self.0.session.store(session.0, Ordering::Release);
    }

    /// Asks the lessee of a directory to give it up, and waits until it has, or for a moment.
    pub(crate) async fn want(&self, dir: Ino) {
        let request = LeaseRequest::Want { dir };
        if self.ask_leader::<_, LeaseReply>(Opcode::Lease, &request, self.0.wait).await.is_err() {
            tokio::time::sleep(PAUSE_MIN).await;
        }
    }

    /// Asks one question. What others answered for in a directory leased to them is waited for.
    ///
    /// # Errors
    /// `EIO` when no quorum answered in time, otherwise what the state machine says.
    pub async fn query(&self, query: Query) -> Result<Answer, Errno> {
        let begun = Instant::now();
        loop {
            match self.query_once(query.clone()).await {
                Err(OpError::Leased(dir)) if begun.elapsed() < self.0.wait => self.want(dir).await,
                Err(OpError::Errno(errno)) => return Err(errno),
                Err(_) => return Err(Errno::EIO),
                Ok(answer) => return Ok(answer),
            }
        }
    }

    async fn query_once(&self, query: Query) -> Result<Answer, OpError> {
        match subject(&query) {
            Subject::Inode(ino) => self.0.behind.settled(Some(ino)).await,
            Subject::All => self.0.behind.settled(None).await,
            Subject::Cluster => {}
        }
        let this = self.clone();
        let exchange = move |queries| {
            let this = this.clone();
            async move {
                let session = SessionId(this.0.session.load(Ordering::Acquire));
                match this.ask_leader(Opcode::Query, &QueryRequest { session, queries }, this.0.wait).await {
                    Ok(QueryReply::Answered(answers)) => Ok(answers),
                    _ => Err(Errno::EIO),
                }
            }
        };
        self.0.queries.submit(query, exchange).await?
    }

    /// Fetches the cluster map and who is alive.
    ///
    /// # Errors
    /// In words, when no leader answered within `wait`.
    pub async fn refresh(
        &self,
        wait: Duration,
    ) -> Result<isobar_wire::message::cluster::ClusterView, String> {
        match self.ask_leader(Opcode::Cluster, &(), wait).await? {
            ClusterReply::View(view) => {
                self.0.view.learn(Some(view.map.clone()), view.live.clone());
                Ok(view)
            }
            ClusterReply::NotLeader(_) => Err("no leader".to_owned()),
        }
    }

    /// Asks the leader to do something for an operator.
    ///
    /// # Errors
    /// In words: refused, or no leader answered in time.
    pub async fn admin(&self, request: &AdminRequest) -> Result<String, String> {
        match self.ask_leader(Opcode::Admin, request, self.0.wait).await? {
            AdminReply::Ok(text) => Ok(text),
            AdminReply::Refused(why) => Err(why),
            AdminReply::NotLeader(_) => Err("no leader".to_owned()),
        }
    }

    /// Asks whoever leads, looking for the leader as long as it takes, `wait` at most.
    ///
    /// # Errors
    /// In words, what the last node said.
    pub(crate) async fn ask_leader<Q: Serialize, A: DeserializeOwned + Redirect>(
        &self,
        opcode: Opcode,
        request: &Q,
        wait: Duration,
    ) -> Result<A, String> {
        let body = isobar_wire::encode(request);
        let begun = Instant::now();
        let mut pause = PAUSE_MIN;
        let mut said = false;
        let mut last_error = String::new();
        let (mut turn, mut strangers) = (0, 0);
        while begun.elapsed() < wait {
            let addr = self.leader_addr();
            let attempt = ATTEMPT.min(wait - begun.elapsed().min(wait));
            let channel = self.0.channels.to(&addr);
            let reply = tokio::select! {
                reply = channel.call_raw(opcode, &body, Vec::new(), attempt) => reply,
                // The request may be executed all the same: whoever sends it again has numbered it.
                leader = self.other_leader(&addr) => {
                    last_error = format!("{addr} does not answer");
                    self.follow(&addr, leader);
                    continue;
                }
            };
            let hint = match reply {
                Ok((body, _)) => match isobar_wire::decode::<A>(&body) {
                    Ok(reply) => match reply.redirect() {
                        None => return Ok(reply),
                        Some(hint) => {
                            last_error = format!("{addr} does not lead");
                            hint
                        }
                    },
                    Err(_) => return Err(format!("{addr} sent a reply that cannot be read")),
                },
                Err(error) => {
                    last_error = error.to_string();
                    // One node of them may be set up wrongly; when all refuse, it is this side.
                    strangers = match error {
                        CallError::Unreachable { stranger: true, .. } => strangers + 1,
                        _ => 0,
                    };
                    if strangers >= self.0.addrs.len() {
                        return Err(last_error);
                    }
                    if let CallError::Refused(
                        isobar_wire::Refusal::Unreadable | isobar_wire::Refusal::Unknown,
                    ) = error
                    {
                        return Err(last_error);
                    }
                    None
                }
            };
            let fresh_hint = hint.filter(|h| *h != addr);
            let next = fresh_hint.clone().unwrap_or_else(|| {
                turn += 1;
                let at = self.0.addrs.iter().position(|a| *a == addr).map_or(0, |at| at + 1);
                self.0.addrs[at % self.0.addrs.len()].clone()
            });
            self.follow(&addr, next);
            if fresh_hint.is_none() && turn % self.0.addrs.len().min(3) == 0 {
                if begun.elapsed() > WORTH_A_LINE && !said {
                    said = true;
                    tracing::warn!(error = %last_error, "waiting for a metadata quorum");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            } else {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Err(last_error)
    }

    /// Goes to `next` instead of `addr`, unless somebody else has found the leader meanwhile.
    fn follow(&self, addr: &str, next: String) {
        let mut leader = self.0.leader.lock();
        if *leader == addr {
            *leader = next;
        }
    }

    /// Waits, and then asks in turn, until some node names a leader other than `addr`.
    async fn other_leader(&self, addr: &str) -> String {
        loop {
            tokio::time::sleep(DOUBT).await;
            for other in self.0.addrs.iter().filter(|other| *other != addr) {
                let channel = self.0.channels.to(other);
                match channel.call::<(), ClusterReply>(Opcode::Cluster, &(), DOUBT).await {
                    Ok(ClusterReply::View(_)) => return other.clone(),
                    Ok(ClusterReply::NotLeader(Some(leader))) if leader != addr => return leader,
                    _ => {}
                }
            }
        }
    }
}
