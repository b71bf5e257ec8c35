//! The pre-vote: who becomes a candidate, and when.
//!
//! A voter that has not heard a leader for `election_ms` asks all voters for their state. It becomes a
//! candidate if a majority answers, none of that majority hears a leader, and nobody's log reaches further
//! than its own (the larger id breaks ties; whoever calls itself unfit is out of the contest). So every
//! candidate can win, exactly one voter becomes one, and a voter that is merely cut off disturbs nobody.
//! Should the best candidate not stand, anybody whose log suffices does so after [`BEST_CANDIDATE_TIMEOUTS`].
//!
//! A round takes its time when some voter is silent, and answers age meanwhile: somebody else may have been
//! elected. Whoever has heard a leader, or has given its vote, since it asked does not stand.
//!
//! Safety is openraft's: whoever stands, votes are given by its rules alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openraft::{Raft, ServerState};
use tokio::task::JoinSet;

use crate::ids::LogId;
use crate::network::{Network, PreVoteState};
use crate::replica::Replica;
use crate::types::Types;
use crate::{Member, TransportError};

/// Election timeouts that the best candidate is given to stand.
const BEST_CANDIDATE_TIMEOUTS: u32 = 3;

/// Voters that do not answer are waited for up to so many election timeouts.
const PATIENT_TIMEOUTS: u32 = 4;
/// How often it is logged that others refuse to answer.
const REFUSAL_LINE_EVERY: Duration = Duration::from_secs(30);

/// What a round of the pre-vote says.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Stand now.
    Stand,
    /// Somebody else ought to stand, but this one could.
    Defer,
    /// There is a leader, or no majority, or this log does not suffice.
    Stay,
}

/// Who votes: the voters, and the sets of them that each need a majority.
struct Electorate {
    voters: BTreeMap<u64, Member>,
    configs: Vec<Vec<u64>>,
}

/// What peers refuse to answer, for the log.
#[derive(Default)]
struct Refusals(Option<Instant>);

impl Refusals {
    fn note(&mut self, why: String) {
        if self.0.is_none_or(|last| last.elapsed() > REFUSAL_LINE_EVERY) {
            tracing::warn!(%why, "a voter refuses this one");
            self.0 = Some(Instant::now());
        }
    }
}

impl Electorate {
    /// Whether a majority of every set of voters is among those that `suits` takes.
    fn has_majority(&self, suits: impl Fn(u64) -> bool) -> bool {
        self.configs.iter().all(|voters| voters.iter().filter(|v| suits(**v)).count() > voters.len() / 2)
    }
}

/// Runs as long as the group.
pub(crate) async fn run(replica: Arc<Replica>, raft: Raft<Types>, network: Arc<Network>) {
    let timeout = Duration::from_millis(replica.config.election_ms);
    let tick = Duration::from_millis(replica.config.heartbeat_ms) / 2;
    let me = replica.config.me.id;
    let mut wait = timeout / 2;
    let mut refusals = Refusals::default();
    loop {
        tokio::time::sleep(tick).await;
        let silence = replica.leader_contact.silence();
        if silence < timeout || !replica.can_lead() {
            continue;
        }
        let Some(electorate) = electorate(&raft, me) else { continue };
        let mut answers = ask(&network, &electorate, me, (timeout / 2, wait), &mut refusals).await;
        answers.insert(me, replica.pre_vote_state());
        // Voters too busy to answer in time get more of it next time.
        let answered = electorate.has_majority(|voter| answers.contains_key(&voter));
        wait = if answered { timeout / 2 } else { (wait * 2).min(timeout * PATIENT_TIMEOUTS) };
        let verdict = judge(me, &answers, &electorate.configs, timeout);
        let too_late = silence > timeout * (1 + BEST_CANDIDATE_TIMEOUTS);
        if verdict == Verdict::Stand || (verdict == Verdict::Defer && too_late) {
            tracing::info!(?verdict, silent_ms = silence.as_millis() as u64, "starts an election");
            // The election, won or lost, gets the time of one silence.
            replica.leader_contact.renew();
            if raft.trigger().elect().await.is_err() {
                return;
            }
        }
    }
}

/// Who votes; `None` when this replica leads, has stopped or is no voter.
fn electorate(raft: &Raft<Types>, me: u64) -> Option<Electorate> {
    let metrics = raft.metrics();
    let metrics = metrics.borrow();
    if metrics.state == ServerState::Leader || metrics.running_state.is_err() {
        return None;
    }
    let membership = metrics.membership_config.membership();
    let member = |id| membership.get_node(&id).cloned();
    let voters: BTreeMap<u64, Member> =
        membership.voter_ids().filter_map(|id| Some((id, member(id)?))).collect();
    let configs = membership.get_joint_config().iter().map(|c| c.iter().copied().collect()).collect();
    voters.contains_key(&me).then_some(Electorate { voters, configs })
}

async fn ask(
    network: &Arc<Network>,
    electorate: &Electorate,
    me: u64,
    (usual, wait): (Duration, Duration),
    refusals: &mut Refusals,
) -> BTreeMap<u64, PreVoteState> {
    let mut answers = JoinSet::new();
    for (&id, peer) in electorate.voters.iter().filter(|(id, _)| **id != me) {
        let (network, peer) = (network.clone(), peer.clone());
        answers.spawn(async move { (id, network.standing(&peer, wait).await) });
    }
    let mut answered = BTreeMap::new();
    // Once everybody has had the usual time a majority is enough.
    let usual = tokio::time::sleep(usual);
    tokio::pin!(usual);
    loop {
        let answer = tokio::select! {
            answer = answers.join_next() => answer,
            () = &mut usual, if electorate.has_majority(|v| v == me || answered.contains_key(&v)) => None,
        };
        match answer {
            Some(Ok((id, Ok(state)))) => drop(answered.insert(id, state)),
            Some(Ok((_, Err(TransportError::Refused(why))))) => refusals.note(why),
            Some(_) => {}
            None => return answered,
        }
    }
}

/// Judges a round of answers, this voter's among them.
fn judge(me: u64, answers: &BTreeMap<u64, PreVoteState>, configs: &[Vec<u64>], timeout: Duration) -> Verdict {
    let far = |id: u64| -> (Option<LogId>, u64) { (answers.get(&id).and_then(|s| s.last), id) };
    let timeout_ms = timeout.as_millis() as u64;
    let majority_of = |suits: &dyn Fn(&PreVoteState) -> bool| {
        configs.iter().all(|voters| {
            let suited = voters.iter().filter(|v| answers.get(v).is_some_and(suits)).count();
            suited > voters.len() / 2
        })
    };
    let mine = far(me).0;
    let silent = |s: &PreVoteState| s.silent_ms >= timeout_ms;
    // The others' answers are older than what this voter knows.
    if !answers.get(&me).is_some_and(silent) {
        return Verdict::Stay;
    }
    if configs.is_empty() || !majority_of(&|s| silent(s) && s.last <= mine) {
        return Verdict::Stay;
    }
    let better = |(&id, state): (&u64, &PreVoteState)| id != me && !state.unfit && far(id) > far(me);
    if !answers.iter().any(better) { Verdict::Stand } else { Verdict::Defer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::log_id;

    const TIMEOUT: Duration = Duration::from_millis(600);

    fn answers(all: &[(u64, u64, u64)]) -> BTreeMap<u64, PreVoteState> {
        let state = |index, silent_ms| PreVoteState {
            vote: None,
            last: Some(log_id(index, 1, 1)),
            silent_ms,
            unfit: false,
        };
        all.iter().map(|&(id, index, silent_ms)| (id, state(index, silent_ms))).collect()
    }

    fn verdicts(all: &[(u64, u64, u64)]) -> Vec<Verdict> {
        let configs = [vec![1, 2, 3, 4, 5]];
        all.iter().map(|&(id, ..)| judge(id, &answers(all), &configs, TIMEOUT)).collect()
    }

    #[test]
    fn the_voter_whose_log_reaches_furthest_stands_and_nobody_else() {
        use Verdict::*;
        assert_eq!(
            verdicts(&[(2, 7, 700), (3, 9, 700), (4, 9, 700), (5, 7, 700)]),
            [Stay, Defer, Stand, Stay]
        );
        assert_eq!(verdicts(&[(2, 7, 700), (3, 7, 700), (4, 7, 700)]), [Defer, Defer, Stand]);
    }

    #[test]
    fn nobody_stands_without_a_majority_or_while_a_majority_hears_a_leader() {
        use Verdict::*;
        assert_eq!(verdicts(&[(2, 7, 700), (3, 7, 700)]), [Stay, Stay]);
        assert_eq!(verdicts(&[(1, 7, 20), (2, 7, 30), (3, 7, 10), (5, 7, 9_000)])[3], Stay);
    }

    /// The leader is frozen: who asks waits for it, and the others' answers are from before the election.
    #[test]
    fn who_has_heard_a_leader_since_it_asked_does_not_depose_it() {
        use Verdict::*;
        assert_eq!(verdicts(&[(2, 7, 700), (3, 7, 700), (4, 7, 700), (5, 7, 40)])[3], Stay);
        assert_eq!(verdicts(&[(2, 7, 700), (3, 7, 700), (4, 7, 700), (5, 7, 700)])[3], Stand);
    }

    #[test]
    fn while_voters_are_changing_a_majority_of_both_sets_is_needed() {
        let all = answers(&[(1, 7, 700), (2, 7, 700), (3, 7, 700)]);
        let both = |new: Vec<u64>| judge(3, &all, &[vec![1, 2, 3], new], TIMEOUT);
        assert_eq!(both(vec![2, 3, 4]), Verdict::Stand);
        assert_eq!(both(vec![3, 4, 5]), Verdict::Stay);
    }
}
