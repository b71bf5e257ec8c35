//! Asking whoever leads the metadata group: finding the leader, following it, and giving up in time.
//!
//! A request goes to the node that led last. It moves on when that node names another one, fails, or is
//! silent for so long that the others are asked who leads. Whoever sends a request again has numbered it: it
//! may be carried out twice on the way, and takes effect once (I12).

use std::time::{Duration, Instant};

use isobar_wire::message::admin::AdminReply;
use isobar_wire::message::cluster::{ClusterReply, RenewReply};
use isobar_wire::message::delegations::DelegationReply;
use isobar_wire::message::ops::MutateReply;
use isobar_wire::message::queries::QueryReply;
use isobar_wire::{Address, CallError, Channels, Opcode, Refusal};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One attempt waits this long for a reply before another node is asked.
const ATTEMPT: Duration = Duration::from_secs(5);
/// After this long without a reply the other nodes are asked who leads, ...
const LEADER_SUSPECT_AFTER: Duration = Duration::from_secs(1);
/// ... and so long after they did not know: they may be electing one.
const LEADER_LOOK_EVERY: Duration = Duration::from_millis(200);
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(250);
/// Pause before a node is asked that another one has named.
const FOLLOW_PAUSE: Duration = Duration::from_millis(1);
/// Waiting this long for a quorum is worth a line in the log.
const LOG_AFTER: Duration = Duration::from_secs(3);

/// Why nobody that leads has answered: what the last node said.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AskError {
    /// The time is up. The request may have been carried out, or still be. Trying again makes sense.
    #[error("{0}")]
    NoLeader(String),
    /// Every node takes this side for one of another cluster. Trying again does not help.
    #[error("{0}")]
    Rejected(CallError),
    /// A node cannot read the request, or does not know it. Trying again does not help.
    #[error("{0}")]
    NotUnderstood(CallError),
    /// A node sent a reply that cannot be read. Trying again does not help.
    #[error("{0} sent a reply that cannot be read")]
    Unreadable(Address),
}

/// A reply that may say "ask somebody else".
pub(crate) trait Redirect {
    /// `Some(hint)` when the node does not lead.
    fn redirect(&self) -> Option<Option<Address>>;
}

macro_rules! redirect {
    ($($reply:ty),*) => {$(
        impl Redirect for $reply {
            fn redirect(&self) -> Option<Option<Address>> {
                match self {
                    Self::NotLeader(hint) => Some(hint.clone()),
                    _ => None,
                }
            }
        }
    )*};
}
redirect!(MutateReply, QueryReply, ClusterReply, RenewReply, AdminReply, DelegationReply);

/// The nodes of a cluster, and who of them led last.
#[derive(Debug)]
pub(crate) struct Leader {
    /// Voters first, then the others: one of them may have become a voter since.
    addrs: Vec<Address>,
    last: Mutex<Option<Address>>,
    /// When operations were last sent that may have been executed although nobody answered for them.
    unanswered: Mutex<Option<Instant>>,
}

/// One request on its way to the leader.
struct LeaderSearch<'a> {
    leader: &'a Leader,
    begun: Instant,
    /// Nodes asked that named nobody.
    turns: usize,
    pause: Duration,
    /// Nodes in a row that took this side for a stranger.
    rejections: usize,
    last_error: String,
    logged: bool,
}

impl Leader {
    pub(crate) fn new(addrs: Vec<Address>) -> Leader {
        let last = Mutex::new(addrs.first().cloned());
        Leader { addrs, last, unanswered: Mutex::default() }
    }

    /// Where requests go first; `None` when there are no nodes.
    pub(crate) fn addr(&self) -> Option<Address> {
        self.last.lock().clone()
    }

    /// Whether operations that were sent after this moment may have been executed by a node that did not
    /// answer for them.
    pub(crate) fn is_unanswered_since(&self, moment: Instant) -> bool {
        self.unanswered.lock().is_some_and(|last| last >= moment)
    }

    /// An attempt has ended without an answer.
    fn note_unanswered(&self, opcode: Opcode) {
        if opcode == Opcode::Mutate {
            *self.unanswered.lock() = Some(Instant::now());
        }
    }

    /// Asks whoever leads, looking for the leader as long as it takes, `wait` at most.
    pub(crate) async fn ask<Q: Serialize, A: DeserializeOwned + Redirect>(
        &self,
        channels: &Channels,
        opcode: Opcode,
        request: &Q,
        wait: Duration,
    ) -> Result<A, AskError> {
        let body = isobar_wire::encode(request);
        let mut search = LeaderSearch::new(self);
        while search.begun.elapsed() < wait {
            let Some(addr) = self.addr() else {
                return Err(AskError::NoLeader("no nodes are known".to_owned()));
            };
            let attempt = ATTEMPT.min(wait - search.begun.elapsed().min(wait));
            let channel = channels.to(&addr);
            let reply = tokio::select! {
                reply = channel.call_raw(opcode, &body, Vec::new(), attempt) => reply,
                // The request may be executed all the same: whoever sends it again has numbered it.
                leader = self.other_leader(channels, &addr) => {
                    self.note_unanswered(opcode);
                    search.last_error = format!("{addr} does not answer");
                    self.follow(&addr, leader);
                    continue;
                }
            };
            let hint = match reply {
                Ok((body, _)) => {
                    let reply =
                        isobar_wire::decode::<A>(&body).map_err(|_| AskError::Unreadable(addr.clone()))?;
                    let Some(hint) = reply.redirect() else { return Ok(reply) };
                    search.last_error = format!("{addr} does not lead");
                    hint
                }
                Err(error) => {
                    if !matches!(error, CallError::Unreachable { .. }) {
                        self.note_unanswered(opcode);
                    }
                    search.failed(error)?;
                    None
                }
            };
            search.go_on(&addr, hint.filter(|hint| *hint != addr)).await;
        }
        Err(AskError::NoLeader(search.last_error))
    }

    /// The node after `addr` in the order of the list.
    fn after(&self, addr: &Address) -> Address {
        let at = self.addrs.iter().position(|a| a == addr).map_or(0, |at| at + 1);
        self.addrs[at % self.addrs.len()].clone()
    }

    /// Goes to `next` instead of `addr`, unless somebody else has found the leader meanwhile.
    fn follow(&self, addr: &Address, next: Address) {
        let mut last = self.last.lock();
        if last.as_ref() == Some(addr) {
            *last = Some(next);
        }
    }

    /// Waits, and then asks in turn, until some node names a leader other than `addr`.
    async fn other_leader(&self, channels: &Channels, addr: &Address) -> Address {
        tokio::time::sleep(LEADER_SUSPECT_AFTER).await;
        loop {
            for other in self.addrs.iter().filter(|other| *other != addr) {
                let channel = channels.to(other);
                match channel.call::<(), ClusterReply>(Opcode::Cluster, &(), LEADER_SUSPECT_AFTER).await {
                    Ok(ClusterReply::View(_)) => return other.clone(),
                    Ok(ClusterReply::NotLeader(Some(leader))) if leader != *addr => return leader,
                    _ => {}
                }
            }
            tokio::time::sleep(LEADER_LOOK_EVERY).await;
        }
    }
}

impl<'a> LeaderSearch<'a> {
    fn new(leader: &'a Leader) -> LeaderSearch<'a> {
        LeaderSearch {
            leader,
            begun: Instant::now(),
            turns: 0,
            pause: PAUSE_MIN,
            rejections: 0,
            last_error: String::new(),
            logged: false,
        }
    }

    /// A node was asked and did not answer; an error when asking others makes no sense.
    fn failed(&mut self, error: CallError) -> Result<(), AskError> {
        self.last_error = error.to_string();
        match error {
            // One node of them may be set up wrongly; when all refuse, it is this side.
            CallError::Unreachable { rejected: true, .. } => {
                self.rejections += 1;
                if self.rejections >= self.leader.addrs.len() {
                    return Err(AskError::Rejected(error));
                }
            }
            // Every leader would say the same.
            CallError::Refused(Refusal::Forbidden(_)) => return Err(AskError::Rejected(error)),
            CallError::Refused(Refusal::Unreadable | Refusal::Unknown) => {
                return Err(AskError::NotUnderstood(error));
            }
            CallError::Unreachable { .. }
            | CallError::Broken(_)
            | CallError::TimedOut(_)
            | CallError::Refused(_)
            | CallError::Unreadable(_) => self.rejections = 0,
        }
        Ok(())
    }

    /// Goes on to the node that was named, else to the next one; pauses longer and longer once several have
    /// named nobody.
    async fn go_on(&mut self, addr: &Address, named: Option<Address>) {
        if let Some(named) = named {
            self.leader.follow(addr, named);
            return tokio::time::sleep(FOLLOW_PAUSE).await;
        }
        self.turns += 1;
        self.leader.follow(addr, self.leader.after(addr));
        if !self.turns.is_multiple_of(self.leader.addrs.len().min(3)) {
            return tokio::time::sleep(FOLLOW_PAUSE).await;
        }
        if self.begun.elapsed() > LOG_AFTER && !self.logged {
            self.logged = true;
            tracing::warn!(error = %self.last_error, "waiting for a metadata quorum");
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use isobar_base::{BufPool, ClusterId};
    use isobar_wire::message::cluster::{ClusterMap, ClusterView};
    use isobar_wire::transport::MemoryNetwork;
    use isobar_wire::{Credential, CredentialSet, Handler, Protection, Request, Responder, Role, serve};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A node that leads, names another one, or names nobody. Counts what it is asked.
    struct Node {
        reply: ClusterReply,
        asked: AtomicUsize,
    }

    impl Handler for Node {
        fn handle(&self, request: Request, responder: Responder) {
            assert_eq!(request.opcode, Opcode::Cluster);
            self.asked.fetch_add(1, Ordering::SeqCst);
            responder.reply(&self.reply);
        }
    }

    struct World {
        network: MemoryNetwork,
        credential: Credential,
        leader: Leader,
        nodes: Vec<Arc<Node>>,
    }

    fn addr(at: usize) -> Address {
        format!("node{at}:1").parse().unwrap()
    }

    fn view() -> ClusterReply {
        let map =
            ClusterMap { epoch: 1, fs: None, targets: Vec::new(), groups: Vec::new(), replacing: Vec::new() };
        ClusterReply::View(ClusterView { map, live: Vec::new(), reclaiming: false })
    }

    fn member() -> Credential {
        CredentialSet::generate(ClusterId(1)).unwrap().get(Role::Node, Protection::Clear)
    }

    impl World {
        /// Three nodes, of which node `leader` leads; the others name `hint`.
        async fn new(leader: Option<usize>, hint: Option<usize>) -> World {
            let (network, credential) = (MemoryNetwork::new(), member());
            let mut nodes = Vec::new();
            for at in 0..3 {
                let reply = if leader == Some(at) { view() } else { ClusterReply::NotLeader(hint.map(addr)) };
                let node = Arc::new(Node { reply, asked: AtomicUsize::new(0) });
                let listener = network.at(&format!("node{at}")).listen(&addr(at)).await.unwrap();
                tokio::spawn(serve(listener, credential.clone(), BufPool::new(0), node.clone()));
                nodes.push(node);
            }
            World { network, credential, leader: Leader::new((0..3).map(addr).collect()), nodes }
        }

        async fn ask(&self, credential: &Credential, wait: Duration) -> Result<ClusterReply, AskError> {
            let channels =
                Channels::with_transport(self.network.at("test"), credential.clone(), BufPool::new(0));
            self.leader.ask(&channels, Opcode::Cluster, &(), wait).await
        }

        fn asked(&self) -> Vec<usize> {
            self.nodes.iter().map(|node| node.asked.load(Ordering::SeqCst)).collect()
        }
    }

    #[tokio::test]
    async fn the_node_that_is_named_is_asked_next_and_first_from_then_on() {
        let world = World::new(Some(2), Some(2)).await;
        assert_eq!(world.ask(&world.credential, SECOND).await.unwrap(), view());
        assert_eq!(world.asked(), [1, 0, 1]);
        assert_eq!(world.leader.addr(), Some(addr(2)));
        world.ask(&world.credential, SECOND).await.unwrap();
        assert_eq!(world.asked(), [1, 0, 2]);
    }

    #[tokio::test]
    async fn the_nodes_are_asked_in_turn_when_none_names_the_leader() {
        let world = World::new(Some(2), None).await;
        world.ask(&world.credential, SECOND).await.unwrap();
        assert_eq!(world.asked(), [1, 1, 1]);
    }

    #[tokio::test]
    async fn a_leader_that_falls_silent_is_left_for_the_one_that_others_name() {
        let world = World::new(Some(1), Some(1)).await;
        world.network.cut("test", "node0");
        let begun = Instant::now();
        assert_eq!(world.ask(&world.credential, ATTEMPT).await.unwrap(), view());
        assert!(begun.elapsed() < ATTEMPT / 2, "{:?}", begun.elapsed());
        assert_eq!(world.leader.addr(), Some(addr(1)));
    }

    #[tokio::test]
    async fn a_silent_connection_to_the_leader_is_left_while_the_reply_is_waited_for() {
        let world = World::new(Some(1), Some(1)).await;
        let channels =
            Channels::with_transport(world.network.at("test"), world.credential.clone(), BufPool::new(0));
        // Connected already, so that nothing but silence is noticed.
        channels.to(&addr(0)).call::<_, ClusterReply>(Opcode::Cluster, &(), SECOND).await.unwrap();
        world.network.cut("test", "node0");
        let begun = Instant::now();
        let reply: ClusterReply =
            world.leader.ask(&channels, Opcode::Cluster, &(), 2 * ATTEMPT).await.unwrap();
        assert_eq!(reply, view());
        let elapsed = begun.elapsed();
        assert!(elapsed >= LEADER_SUSPECT_AFTER && elapsed < ATTEMPT, "{elapsed:?}");
    }

    #[tokio::test]
    async fn while_a_leader_is_silent_the_others_are_asked_again_and_again() {
        let world = World::new(None, None).await;
        let channels =
            Channels::with_transport(world.network.at("test"), world.credential.clone(), BufPool::new(0));
        channels.to(&addr(0)).call::<_, ClusterReply>(Opcode::Cluster, &(), SECOND).await.unwrap();
        world.network.cut("test", "node0");
        let nobody: Result<ClusterReply, _> =
            world.leader.ask(&channels, Opcode::Cluster, &(), 2 * SECOND).await;
        assert!(nobody.is_err());
        // They may be electing one.
        assert!(world.asked()[1] >= 3 && world.asked()[1] <= 5, "{:?}", world.asked());
    }

    #[tokio::test]
    async fn it_gives_up_at_once_when_every_node_rejects_the_credential() {
        let world = World::new(Some(0), None).await;
        let begun = Instant::now();
        let rejected = world.ask(&member(), 10 * SECOND).await;
        assert!(matches!(rejected, Err(AskError::Rejected(_))), "{rejected:?}");
        assert!(begun.elapsed() < SECOND);
        assert_eq!(world.asked(), [0, 0, 0]);
    }

    #[tokio::test]
    async fn it_gives_up_in_time_when_nobody_leads() {
        let world = World::new(None, None).await;
        let begun = Instant::now();
        let nobody = world.ask(&world.credential, SECOND).await;
        assert!(
            matches!(&nobody, Err(AskError::NoLeader(why)) if why.contains("does not lead")),
            "{nobody:?}"
        );
        assert!((SECOND..2 * SECOND).contains(&begun.elapsed()));
        assert!(
            world.asked().iter().all(|&asked| (2..100).contains(&asked)),
            "pauses grow: {:?}",
            world.asked()
        );
    }

    #[tokio::test]
    async fn without_nodes_nobody_leads() {
        let channels = Channels::new(member(), BufPool::new(0));
        let leader = Leader::new(Vec::new());
        let nobody = leader.ask::<_, ClusterReply>(&channels, Opcode::Cluster, &(), SECOND).await;
        assert!(matches!(nobody, Err(AskError::NoLeader(_))));
    }
}
