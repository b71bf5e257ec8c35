//! Read confirmations: one at a time, shared by everyone who asked before it started (I10: no lease).
//!
//! A leader may answer from its own state if, at some moment after the question, nobody else had been elected. It asks
//! the voters for their vote. A voter's vote changes before it is given to another candidate, so when a majority still
//! shows this leader's vote, no later leader had one. Everything that earlier leaders committed precedes the first entry
//! of this leader's own term, and that entry must be applied here; everything this leader acknowledged was applied here
//! first. The majority is one of the *applied* membership: the voters of a later one are in force only after the joint
//! one, which contains them, has been applied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::ids::{LogId, Vote, log_id};
use crate::network::{Fanout, Network, PreVoteState, Rpc};
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

    /// Returns once this node was the leader at some moment after the call, and has applied all that was committed
    /// at that moment.
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
        let me = self.replica.config.me.id;
        let until = Instant::now() + Duration::from_millis(self.replica.config.election_ms);
        let not_leader = |replica: &Replica| ProposeError::NotLeader {
            leader: replica.known_leader.lock().clone().filter(|l| l.id != me),
        };
        let vote = loop {
            let vote = self.replica.log.vote().filter(|v| v.leader_id.node_id == me);
            let Some(vote) = vote else { return Err(not_leader(&self.replica)) };
            if self.applied_own_entry(&vote) {
                break vote;
            }
            if Instant::now() > until {
                return Err(ProposeError::NoQuorum);
            }
            tokio::time::sleep(POLL_EVERY).await;
        };
        let Some(voters) = &self.voters else { return Err(not_leader(&self.replica)) };
        let mut confirmed = BTreeSet::from([me]);
        let majority = |confirmed: &BTreeSet<u64>| {
            voters.configs.iter().all(|c| c.intersection(confirmed).count() > c.len() / 2)
        };
        let mut answers = JoinSet::new();
        let ask = |answers: &mut JoinSet<_>, peer: &Member| {
            let (network, peer) = (self.network.clone(), peer.clone());
            answers.spawn(async move {
                let timeout = network.heartbeat * 5;
                (peer.id, network.call::<PreVoteState>(&peer, Rpc::Standing, &(), 0, timeout).await)
            });
        };
        let (at_once, mut later): (Vec<&Member>, Vec<&Member>) =
            voters.peers.values().partition(|peer| self.network.fanout.delay_for(peer.id).is_none());
        at_once.into_iter().for_each(|peer| ask(&mut answers, peer));
        let patience = tokio::time::sleep(Fanout::DEFER_BY);
        tokio::pin!(patience);
        while !majority(&confirmed) {
            let answer = tokio::select! {
                answer = answers.join_next() => answer,
                () = &mut patience, if !later.is_empty() => {
                    later.drain(..).for_each(|peer| ask(&mut answers, peer));
                    continue;
                }
            };
            match answer {
                Some(Ok((peer, Ok(voter)))) if voter.vote.is_some_and(|v| v.leader_id == vote.leader_id) => {
                    confirmed.insert(peer);
                }
                Some(Ok((peer, failed))) => {
                    if failed.is_err() {
                        self.network.fanout.failed(peer);
                    }
                    later.drain(..).for_each(|peer| ask(&mut answers, peer));
                }
                Some(Err(_)) => {}
                None if later.is_empty() => return Err(ProposeError::NoQuorum),
                None => later.drain(..).for_each(|peer| ask(&mut answers, peer)),
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
