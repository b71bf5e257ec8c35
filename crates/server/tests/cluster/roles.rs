//! What a client or an administrator asks for is carried out only if it is theirs to ask for.

use std::time::Duration;

use isobar_base::{GroupId, Ino, SegmentId, SessionId};
use isobar_testcluster::{Over, TestCluster};
use isobar_wire::message::ops::{ClusterOp, FileOp, MutateReply, MutateRequest, Mutation, Op, SessionOp};
use isobar_wire::message::queries::{ClusterQuery, Query, QueryReply, QueryRequest, SessionQuery};
use isobar_wire::{CallError, Opcode, Refusal, Role};

const SECOND: Duration = Duration::from_secs(1);

fn is_forbidden<T>(result: &Result<T, CallError>) -> bool {
    matches!(result, Err(CallError::Refused(Refusal::Forbidden(_))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nobody_but_a_node_executes_what_the_leader_proposes() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let target = cluster.view().await.map.targets[0].id;
    let group = GroupId::ROOT;
    let forbidden: [Op; 8] = [
        ClusterOp::TargetRebuilt { target, since: u64::MAX }.into(),
        ClusterOp::AllowReplace { node: "node1".to_owned() }.into(),
        ClusterOp::BuildPlacement { groups: 1 }.into(),
        ClusterOp::Collected { segments: vec![SegmentId { session: SessionId(1), counter: 1 }] }.into(),
        SessionOp::Expire { session: SessionId(1) }.into(),
        SessionOp::CleanUp { session: SessionId(1) }.into(),
        FileOp::RevokeDelegation { dir: Ino::ROOT, session: SessionId(1) }.into(),
        FileOp::Purge { ino: Ino::ROOT }.into(),
    ];
    let before = cluster.view().await.map.epoch;
    for role in [Role::Client, Role::Administrator] {
        let access = cluster.access_as(role, "guest");
        let leader = access.channels().to(&cluster.spec.node[cluster.leader().unwrap()].addr);
        for op in &forbidden {
            // With something that it may ask for: it is all or nothing.
            let open = SessionOp::Open { nonce: 7, name: "guest".to_owned() };
            let ops = vec![Mutation::of_nobody(open), Mutation::of_nobody(op.clone())];
            let reply =
                leader.call::<_, MutateReply>(Opcode::Mutate, &MutateRequest { group, ops }, SECOND).await;
            assert!(is_forbidden(&reply), "{role} {op:?}: {reply:?}");
        }
        let queries: [Query; 3] = [
            ClusterQuery::DeleteQueue { after: None, limit: 1 }.into(),
            ClusterQuery::PurgeQueue { after: None, limit: 1 }.into(),
            SessionQuery::Ended { limit: 1 }.into(),
        ];
        for query in queries {
            let asked = QueryRequest { group, session: SessionId::NOBODY, queries: vec![query.clone()] };
            let reply = leader.call::<_, QueryReply>(Opcode::Query, &asked, SECOND).await;
            assert!(is_forbidden(&reply), "{role} {query:?}: {reply:?}");
        }
        let walk = access.query(ClusterQuery::Segments { after: None, limit: 1 }).await;
        assert_eq!(walk.is_ok(), role == Role::Administrator, "{role}: {walk:?}");
    }
    assert_eq!(cluster.view().await.map.epoch, before, "nothing of it was executed");
    let sessions = cluster.access.query(SessionQuery::List).await.unwrap();
    assert!(!format!("{sessions:?}").contains("guest"), "{sessions:?}");
}
