//! The watchdog: a leader that leads nowhere stands down, so that the others elect one that does.
//!
//! Raft itself deposes no leader that is heard, whether it commits anything or not. A leader stands down when
//! for [`PATIENCE_TIMEOUTS`] election timeouts
//!
//! - entries wait and nothing is applied, because its log's device hangs, because the state cannot be
//!   checkpointed, or because the followers' answers do not come; or
//! - no majority of the voters has answered anything.
//!
//! It then sends no entries and no heartbeats, takes no proposals and calls itself no leader. Safety does not
//! depend on it: who leads is still decided by votes alone. It acts as leader again when, after
//! [`REST_TIMEOUTS`], nobody else was elected, its own devices answer, and a majority still shows its vote.
//!
//! **A slow leader does not flap.** Any progress within the time starts it anew, `apply` counts as progress
//! while it runs, and so does a checkpoint that apply waits for, unless it fails or hangs. Time in which
//! this task itself was not run does not count. Each time the replica stands down, its patience doubles, up
//! to [`PATIENCE_DOUBLINGS_MAX`] times; it is back to normal after [`FORGET_AFTER`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use openraft::{Raft, RaftMetrics, ServerState};
use tokio::task::JoinSet;

use crate::Member;
use crate::ids::index_of;
use crate::network::Network;
use crate::replica::{PATIENCE_TIMEOUTS, Replica};
use crate::types::Types;

/// Election timeouts that the others get to elect somebody else.
const REST_TIMEOUTS: u32 = 2;
const PATIENCE_DOUBLINGS_MAX: u32 = 3;
const FORGET_AFTER: Duration = Duration::from_secs(60);

/// What is seen of a leader at one moment.
#[derive(Clone, Copy)]
struct Seen {
    /// Entries wait to be applied, and are not being applied.
    waiting: bool,
    /// Number of entries applied.
    applied: u64,
    /// When a majority had answered last.
    answered: Option<Instant>,
}

/// Why a leader stands down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reason {
    /// Entries wait and nothing is applied.
    Stalled,
    /// No majority answers.
    Alone,
}

/// How long a leader has made no progress.
#[derive(Default)]
struct Watch {
    applied: u64,
    answered: Option<Instant>,
    stalled: Duration,
    alone: Duration,
}

impl Watch {
    /// `passed` is the time since the last look.
    fn look(&mut self, passed: Duration, seen: Seen, patience: Duration) -> Option<Reason> {
        let moved = seen.applied != self.applied || !seen.waiting;
        self.stalled = if moved { Duration::ZERO } else { self.stalled + passed };
        let heard = seen.answered != self.answered;
        self.alone = if heard { Duration::ZERO } else { self.alone + passed };
        (self.applied, self.answered) = (seen.applied, seen.answered);
        if self.stalled >= patience {
            return Some(Reason::Stalled);
        }
        (self.alone >= patience).then_some(Reason::Alone)
    }
}

/// How often this replica stood down of late.
#[derive(Default)]
struct History {
    times: u32,
    last: Option<Instant>,
}

impl History {
    fn patience(&mut self, base: Duration) -> Duration {
        if self.last.is_some_and(|last| last.elapsed() > FORGET_AFTER) {
            *self = History::default();
        }
        base * (1 << self.times.min(PATIENCE_DOUBLINGS_MAX))
    }

    fn stood_down(&mut self) {
        self.times += 1;
        self.last = Some(Instant::now());
    }
}

/// Runs as long as the group.
pub(crate) async fn run(replica: Arc<Replica>, raft: Raft<Types>, network: Arc<Network>) {
    let timeout = Duration::from_millis(replica.config.election_ms);
    let tick = Duration::from_millis(replica.config.heartbeat_ms);
    let (mut watch, mut history) = (Watch::default(), History::default());
    let mut looked = Instant::now();
    loop {
        tokio::time::sleep(tick).await;
        // A task that was not run, or a machine that stood still, says nothing about the leader.
        let passed = looked.elapsed().min(tick * 2);
        looked = Instant::now();
        let metrics = raft.metrics().borrow().clone();
        if metrics.state != ServerState::Leader || metrics.running_state.is_err() {
            watch = Watch::default();
            replica.stood_down.set(false);
        } else if !replica.stood_down.get() {
            let patience = history.patience(timeout * PATIENCE_TIMEOUTS);
            let seen = see(&replica, &network, &metrics);
            if let Some(reason) = watch.look(passed, seen, patience) {
                tracing::warn!(
                    ?reason,
                    term = metrics.current_term,
                    "this leader makes no progress: stands down"
                );
                history.stood_down();
                replica.stood_down.set(true);
            }
        } else if history.last.is_some_and(|last| last.elapsed() >= timeout * REST_TIMEOUTS)
            && replica.can_lead()
            && still_leads(&replica, &network, &metrics, timeout / 2).await
        {
            tracing::info!(term = metrics.current_term, "nobody else was elected: leads again");
            watch = Watch::default();
            replica.stood_down.set(false);
        }
    }
}

fn see(replica: &Replica, network: &Network, metrics: &RaftMetrics<u64, Member>) -> Seen {
    let applied = index_of(&metrics.last_applied);
    let waiting = index_of(&replica.log.last()) > applied && !replica.state.is_at_work();
    let membership = metrics.membership_config.membership();
    let answered = network.majority_answered(membership.get_joint_config());
    Seen { waiting, applied, answered }
}

/// Whether a majority of the voters still shows this leader's vote.
async fn still_leads(
    replica: &Replica,
    network: &Arc<Network>,
    metrics: &RaftMetrics<u64, Member>,
    timeout: Duration,
) -> bool {
    let Some(vote) = replica.log.vote() else { return false };
    let me = replica.config.me.id;
    let membership = metrics.membership_config.membership();
    let mut asking = JoinSet::new();
    for (&id, peer) in membership.nodes().filter(|(id, _)| **id != me) {
        let (network, peer) = (network.clone(), peer.clone());
        asking.spawn(async move {
            let answer = network.standing(&peer, timeout).await.ok()?;
            (answer.vote?.leader_id == vote.leader_id).then_some(id)
        });
    }
    let mut showing: Vec<u64> = asking.join_all().await.into_iter().flatten().collect();
    showing.push(me);
    vote.leader_id.node_id == me
        && membership
            .get_joint_config()
            .iter()
            .all(|voters| voters.iter().filter(|v| showing.contains(v)).count() > voters.len() / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(100);
    const PATIENCE: Duration = Duration::from_millis(1200);

    fn seen(waiting: bool, applied: u64, answered: Instant) -> Seen {
        Seen { waiting, applied, answered: Some(answered) }
    }

    /// After how many looks somebody who sees this stands down.
    fn looks(mut see: impl FnMut(u32) -> Seen) -> Option<(u32, Reason)> {
        let mut watch = Watch::default();
        (0..1000).find_map(|n| watch.look(TICK, see(n), PATIENCE).map(|reason| (n, reason)))
    }

    #[test]
    fn a_leader_that_applies_nothing_or_is_not_answered_stands_down() {
        let start = Instant::now();
        let now = |n| start + TICK * n;
        assert_eq!(looks(|n| seen(true, 7, now(n))), Some((12, Reason::Stalled)));
        assert_eq!(looks(|_| seen(false, 7, start)), Some((12, Reason::Alone)));
    }

    #[test]
    fn a_slow_leader_goes_on() {
        let start = Instant::now();
        let now = |n| start + TICK * n;
        assert_eq!(looks(|n| seen(true, u64::from(n) / 10, now(n))), None, "an entry a second");
        assert_eq!(looks(|n| seen(n % 10 > 0, 7, now(n))), None, "it works every now and then");
        assert_eq!(looks(|n| seen(false, 7, now(n / 10))), None, "an answer a second");
    }

    #[test]
    fn patience_doubles_with_each_time_and_is_bounded() {
        let mut history = History::default();
        let base = Duration::from_secs(1);
        let mut seen = Vec::new();
        for _ in 0..6 {
            seen.push(history.patience(base).as_secs());
            history.stood_down();
        }
        assert_eq!(seen, [1, 2, 4, 8, 8, 8]);
    }
}
