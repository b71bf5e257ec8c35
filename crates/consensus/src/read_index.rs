//! ReadIndex: a leader confirms that it still leads before it answers from its own state (I10: no lease). One
//! confirmation runs at a time; everyone who asked before it started shares it.
//!
//! A leader may answer from its own state if, at some moment after the question, nobody else had been
//! elected. It asks the voters for their vote. A voter's vote changes before it is given to another
//! candidate, so when a majority still shows this leader's vote, no later leader had one. Everything that
//! earlier leaders committed precedes the first entry of this leader's own term, and that entry must be
//! applied here; everything this leader acknowledged was applied here first. The majority is one of the
//! *applied* membership: the voters of a later one are in force only after the joint one, which contains
//! them, has been applied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::ids::{LogId, Vote, log_id};
use crate::network::{Fanout, Network};
use crate::replica::Replica;
use crate::{Member, ProposeError};

type Waiter = oneshot::Sender<Result<(), ProposeError>>;

/// How often a new leader looks whether the first entry of its term is applied.
const POLL_EVERY: Duration = Duration::from_millis(1);

/// Asks for confirmations. Clones share them.
#[derive(Clone)]
pub(crate) struct ReadIndex(mpsc::UnboundedSender<Waiter>);

impl ReadIndex {
    pub(crate) fn start(
        replica: Arc<Replica>,
        network: Arc<Network>,
    ) -> (ReadIndex, tokio::task::JoinHandle<()>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let confirmer = Confirmer { replica, network, voters: None };
        (ReadIndex(sender), tokio::spawn(confirmer.run(receiver)))
    }

    /// Returns once this node was the leader at some moment after the call, and has applied all that was
    /// committed at that moment.
    pub(crate) async fn confirm(&self) -> Result<(), ProposeError> {
        let (sender, receiver) = oneshot::channel();
        self.0.send(sender).map_err(|_| ProposeError::Stopped)?;
        receiver.await.map_err(|_| ProposeError::Stopped)?
    }
}

/// Who votes according to one entry of the log.
struct Voters {
    entry: Option<LogId>,
    configs: Vec<BTreeSet<u64>>,
    peers: BTreeMap<u64, Member>,
}

impl Voters {
    /// Whether `confirmed` holds a majority of every set of voters in force.
    fn is_majority(&self, confirmed: &BTreeSet<u64>) -> bool {
        self.configs.iter().all(|c| c.intersection(confirmed).count() > c.len() / 2)
    }
}

struct Confirmer {
    replica: Arc<Replica>,
    network: Arc<Network>,
    voters: Option<Voters>,
}

impl Confirmer {
    async fn run(mut self, mut receiver: mpsc::UnboundedReceiver<Waiter>) {
        let mut waiters = Vec::new();
        while let Some(first) = receiver.recv().await {
            waiters.push(first);
            while let Ok(more) = receiver.try_recv() {
                waiters.push(more);
            }
            let result = self.confirm().await;
            for waiter in waiters.drain(..) {
                // A waiter that is gone was cancelled.
                let _ = waiter.send(result.clone());
            }
        }
    }

    async fn confirm(&mut self) -> Result<(), ProposeError> {
        let vote = self.leading_vote().await?;
        match &self.voters {
            Some(voters) => self.ask_majority(voters, &vote).await,
            None => Err(self.not_leader()),
        }
    }

    fn not_leader(&self) -> ProposeError {
        let leader = self.replica.known_leader.lock().clone();
        ProposeError::NotLeader { leader: leader.filter(|l| l.id != self.replica.config.me.id) }
    }

    /// This replica's vote for itself, once the first entry of its own term is applied.
    async fn leading_vote(&mut self) -> Result<Vote, ProposeError> {
        let until = Instant::now() + Duration::from_millis(self.replica.config.election_ms);
        loop {
            let vote = self.replica.log.vote();
            let own = vote.filter(|v| v.leader_id.node_id == self.replica.config.me.id);
            let own = own.filter(|_| !self.replica.stood_down.get());
            let Some(vote) = own else { return Err(self.not_leader()) };
            if self.applied_own_entry(&vote) {
                return Ok(vote);
            }
            if Instant::now() > until {
                return Err(ProposeError::NoQuorum);
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    }

    /// Returns once a majority of `voters` still shows `vote`. As many are asked at once as it takes, the
    /// others when one of those does not confirm, or not in time.
    async fn ask_majority(&self, voters: &Voters, vote: &Vote) -> Result<(), ProposeError> {
        let mut confirmed = BTreeSet::from([self.replica.config.me.id]);
        let mut answers = JoinSet::new();
        let ask = |answers: &mut JoinSet<_>, peer: &Member| {
            let (network, peer) = (self.network.clone(), peer.clone());
            answers.spawn(async move {
                let timeout = network.heartbeat * 5;
                (peer.id, network.standing(&peer, timeout).await)
            });
        };
        let (at_once, mut deferred): (Vec<&Member>, Vec<&Member>) =
            voters.peers.values().partition(|peer| self.network.fanout.delay_for(peer.id).is_none());
        at_once.into_iter().for_each(|peer| ask(&mut answers, peer));
        let defer_by = tokio::time::sleep(Fanout::DEFER_BY);
        tokio::pin!(defer_by);
        while !voters.is_majority(&confirmed) {
            let answer = tokio::select! {
                answer = answers.join_next() => answer,
                () = &mut defer_by, if !deferred.is_empty() => {
                    deferred.drain(..).for_each(|peer| ask(&mut answers, peer));
                    continue;
                }
            };
            match answer {
                Some(Ok((peer, Ok(voter)))) if voter.vote.is_some_and(|v| v.leader_id == vote.leader_id) => {
                    confirmed.insert(peer);
                }
                Some(Ok((peer, answer))) => {
                    if answer.is_err() {
                        self.network.fanout.failed(peer);
                    }
                    deferred.drain(..).for_each(|peer| ask(&mut answers, peer));
                }
                Some(Err(_)) => {}
                None if deferred.is_empty() => return Err(ProposeError::NoQuorum),
                None => deferred.drain(..).for_each(|peer| ask(&mut answers, peer)),
            }
        }
        Ok(())
    }

    /// Whether an entry of the leader of `vote` is applied here. Brings the voters up to date.
    fn applied_own_entry(&mut self, vote: &Vote) -> bool {
        let (known, me) = (&mut self.voters, self.replica.config.me.id);
        self.replica.state.look_at_applied(|applied| {
            let (entry, membership) = (*applied.membership.log_id(), applied.membership.membership());
            if known.as_ref().is_none_or(|voters| voters.entry != entry) {
                let member = |id| membership.get_node(&id).cloned();
                *known = Some(Voters {
                    entry,
                    configs: membership.get_joint_config().clone(),
                    peers: membership
                        .voter_ids()
                        .filter(|&id| id != me)
                        .filter_map(|id| Some((id, member(id)?)))
                        .collect(),
                });
            }
            let own = log_id(0, vote.leader_id.term, vote.leader_id.node_id).leader_id;
            applied.log_id.is_some_and(|id| id.leader_id == own)
        })
    }
}
