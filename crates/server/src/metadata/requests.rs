//! What clients and nodes ask of the metadata role. Questions are confirmed by ReadIndex; consensus shares
//! one confirmation among all that wait.

use std::time::{Duration, Instant};

use isobar_base::limits::{DELEGATIONS_MAX, MUTATIONS_PER_MESSAGE_MAX, QUERIES_PER_MESSAGE_MAX};
use isobar_base::{Ino, SessionId};
use isobar_consensus::{Group, ProposeError};
use isobar_wire::message::cluster::{ClusterReply, ClusterView, RenewReply, RenewRequest};
use isobar_wire::message::delegations::{DelegationAsk, DelegationReply, DelegationRequest};
use isobar_wire::message::ops::{FileOp, MutateReply, MutateRequest};
use isobar_wire::message::queries::{Answer, ClusterQuery, Query, QueryReply, QueryRequest, SessionQuery};
use isobar_wire::permissions::{may_mutate, may_query};
use isobar_wire::{Refusal, Responder, Role};
use serde::Serialize;

use super::Metadata;
use super::delegations::{RECALL_WAIT_MAX, Waiting};
use super::member::address;
use super::sessions::{Renewal, live_sessions};
use crate::limits::{ANSWERS_BYTES_MAX, ORPHANS_PER_RENEWAL_MAX};

/// How often it is looked whether a directory that somebody wants is free.
const POLL_EVERY: Duration = Duration::from_millis(1);

impl Metadata {
    /// Carries out the operations of a client, of `bytes` encoded bytes: all that it may ask for, or none.
    pub(crate) fn mutate(&self, from: Role, request: MutateRequest, bytes: usize, responder: Responder) {
        if let Err(refusal) = request.ops.iter().try_for_each(|asked| may_mutate(from, &asked.op)) {
            return responder.refuse(refusal);
        }
        if !self.group.is_leader() {
            return responder.reply(&MutateReply::NotLeader(self.other_leader()));
        }
        if request.ops.len() > MUTATIONS_PER_MESSAGE_MAX {
            return responder.refuse(Refusal::Unreadable);
        }
        if request.ops.is_empty() {
            return responder.reply(&MutateReply::Applied(Vec::new()));
        }
        if self.proposer.is_full() {
            return responder.refuse(Refusal::Unavailable("too many operations are waiting".to_owned()));
        }
        self.proposer.propose_for(request.ops, bytes, responder);
    }

    /// Answers a client's questions.
    pub(crate) fn query(&self, from: Role, request: QueryRequest, responder: Responder) {
        if let Err(refusal) = request.queries.iter().try_for_each(|query| may_query(from, query)) {
            return responder.refuse(refusal);
        }
        if !self.group.is_leader() {
            return responder.reply(&QueryReply::NotLeader(self.other_leader()));
        }
        if request.queries.len() > QUERIES_PER_MESSAGE_MAX {
            return responder.refuse(Refusal::Unreadable);
        }
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
                    responder.reply(&QueryReply::NotLeader(leader.as_ref().and_then(address)));
                }
                Err(error) => responder.refuse(Refusal::Unavailable(error.to_string())),
            }
        });
    }

    /// Gives the cluster map and who is alive, confirmed by ReadIndex.
    pub(crate) async fn cluster_view(&self, responder: Responder) {
        match self.read(isobar_meta::cluster_map).await {
            Ok(map) => {
                let live = self.liveness.live(&map);
                let reclaiming = self.reclaim.is_expected(&live);
                responder.reply(&ClusterReply::View(ClusterView { map, live, reclaiming }));
            }
            Err(ProposeError::NotLeader { leader }) => {
                responder.reply(&ClusterReply::NotLeader(leader.as_ref().and_then(address)));
            }
            Err(error) => responder.refuse(Refusal::Unavailable(error.to_string())),
        }
    }

    /// Renews a session, confirmed by ReadIndex: a deposed leader renews nothing (I10).
    pub(crate) async fn renew(&self, request: RenewRequest, responder: Responder) {
        let RenewRequest { group: _, session, epoch } = request;
        let renewed = self
            .read(|kv| {
                let exists = || live_sessions(kv).contains(&session);
                let renewal = self.sessions.renew(session, exists);
                let orphans = SessionQuery::Orphans { session, limit: ORPHANS_PER_RENEWAL_MAX }.into();
                let orphans = match isobar_meta::query(kv, &orphans) {
                    Ok(Answer::Inos(inos)) if renewal == Renewal::Renewed => inos,
                    _ => Vec::new(),
                };
                (renewal, isobar_meta::cluster_map(kv), orphans)
            })
            .await;
        match renewed {
            Ok((Renewal::Renewed, map, orphans)) => {
                let live = self.liveness.live(&map);
                let map = (map.epoch > epoch).then_some(map);
                responder.reply(&RenewReply::Renewed { map, live, orphans });
            }
            Ok((Renewal::Gone, ..)) => responder.reply(&RenewReply::Gone),
            Ok((Renewal::Expiring, ..)) => {
                responder.refuse(Refusal::Unavailable("the session is being expired".to_owned()));
            }
            Err(ProposeError::NotLeader { leader }) => {
                responder.reply(&RenewReply::NotLeader(leader.as_ref().and_then(address)));
            }
            Err(error) => responder.refuse(Refusal::Unavailable(error.to_string())),
        }
    }

    /// Answers one request about delegations.
    pub(crate) async fn delegations(&self, request: DelegationRequest) -> DelegationReply {
        if !self.group.is_leader() {
            return DelegationReply::NotLeader(self.other_leader());
        }
        match request.ask {
            DelegationAsk::PollRecalls { session, held } => self.recalls(session, held).await,
            DelegationAsk::RequestRecall { dir } => {
                self.recall(dir).await;
                DelegationReply::Again
            }
        }
    }

    /// What a holder should give up, or has lost. Confirmed by ReadIndex: a deposed leader lets nobody go on
    /// (I10).
    async fn recalls(&self, session: SessionId, held: Vec<Ino>) -> DelegationReply {
        if held.len() > DELEGATIONS_MAX {
            return DelegationReply::Recall(held);
        }
        let lost = self
            .read(|kv| {
                // Whoever is told that it holds something is not expired before that has run out.
                let is_live = self.sessions.renew(session, || live_sessions(kv).contains(&session));
                let is_held =
                    |dir| is_live == Renewal::Renewed && isobar_meta::holder(kv, dir) == Some(session);
                held.into_iter().filter(|&dir| !is_held(dir)).collect::<Vec<_>>()
            })
            .await;
        match lost {
            Ok(lost) if lost.is_empty() => DelegationReply::Recall(self.delegations.wanted(session).await),
            Ok(lost) => DelegationReply::Recall(lost),
            Err(_) => DelegationReply::NotLeader(self.other_leader()),
        }
    }

    /// Has a directory given up; returns when it is free, or after a while.
    async fn recall(&self, dir: Ino) {
        let _watch = match self.delegations.wait_for(dir) {
            Waiting::Looks(watch) => watch,
            Waiting::Hears(mut end) => {
                // Nothing is sent: it ends with the one who looks.
                tokio::time::timeout(RECALL_WAIT_MAX, end.changed()).await.ok();
                return;
            }
        };
        let begun = Instant::now();
        while begun.elapsed() < RECALL_WAIT_MAX && self.group.is_leader() {
            let Some(holder) = self.group.read(|kv| isobar_meta::holder(kv, dir)) else { return };
            if self.delegations.note_wanted(holder, dir, Instant::now()) {
                tracing::warn!(session = %holder, %dir, "the holder of a directory does not hear: its delegation is revoked");
                self.execute(vec![FileOp::RevokeDelegation { dir, session: holder }.into()]).await.ok();
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    }
}

/// Walks over much of the state may go to the disk: they do not run on the node's runtime.
fn is_long(query: &Query) -> bool {
    match query {
        Query::Session(SessionQuery::List) => true,
        Query::Cluster(
            ClusterQuery::Segments { .. }
            | ClusterQuery::LowLive { .. }
            | ClusterQuery::Inodes { .. }
            | ClusterQuery::SegmentStates { .. },
        ) => true,
        Query::Cluster(
            ClusterQuery::Map
            | ClusterQuery::Counts
            | ClusterQuery::DeleteQueue { .. }
            | ClusterQuery::PurgeQueue { .. },
        )
        | Query::Session(SessionQuery::Orphans { .. } | SessionQuery::Ended { .. })
        | Query::File(_) => false,
    }
}

fn answer(group: &Group, request: &QueryRequest, responder: Responder) {
    let QueryRequest { group: _, session, queries } = request;
    let answers = group.read(|kv| {
        bounded(queries.iter().map(|query| isobar_meta::query_as(kv, *session, query)), ANSWERS_BYTES_MAX)
    });
    responder.reply(&QueryReply::Answered(answers));
}

/// The first answers, as many as are made before they are longer than `bytes_max` together; one at least. Who
/// asked asks for the others again.
fn bounded<A: Serialize>(mut answers: impl ExactSizeIterator<Item = A>, bytes_max: usize) -> Vec<A> {
    let (mut made, mut bytes) = (Vec::new(), 0);
    while bytes <= bytes_max
        && let Some(answer) = answers.next()
    {
        if answers.len() > 0 {
            bytes += isobar_wire::encode(&answer).len();
        }
        made.push(answer);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_answers_are_made_than_fit_a_message() {
        let mut made = 0;
        let answers = (0..64).map(|_| {
            made += 1;
            vec![0u8; 1000]
        });
        assert_eq!(bounded(answers, 10_000).len(), 10);
        assert_eq!(made, 10);
        assert_eq!(bounded((0..3).map(|_| vec![0u8; 1000]), 10).len(), 1, "one at least");
        assert_eq!(bounded((0..3).map(|_| vec![0u8; 1000]), 10_000).len(), 3);
    }
}
