//! Operations and questions through the leader, whoever that is.

use std::time::Duration;

use isobar_base::{GroupId, Ino, SessionId, limits};
use isobar_wire::message::cluster::{RenewReply, RenewRequest};
use isobar_wire::message::delegations::{DelegationAsk, DelegationReply, DelegationRequest};
use isobar_wire::message::ops::{
    FileOp, MutateReply, MutateRequest, Mutation, OpError, SessionOp, XattrMode,
};
use isobar_wire::message::queries::{Answer, FileQuery, QueryReply, QueryRequest, SessionQuery};
use isobar_wire::{CallError, Opcode, Refusal};

use isobar_testcluster::{Over, SECOND, TestCluster, create, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_of_many_callers_are_each_answered_once() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let session = cluster.session().await;
    let mut calls = tokio::task::JoinSet::new();
    for at in 0..500 {
        let session = session.clone();
        calls.spawn(async move { create(&session, &format!("file{at}")).await.ino });
    }
    let mut inos = calls.join_all().await;
    inos.sort_unstable();
    inos.dedup();
    assert_eq!(inos.len(), 500);
    let query = FileQuery::ReadDir { ino: Ino::ROOT, cookie: 0, limit: 1000 };
    let Answer::Dir { entries, .. } = cluster.access.query(query).await.unwrap() else { panic!() };
    assert_eq!(entries.len(), 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn followers_name_the_leader_and_execute_nothing() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let leader = cluster.leader().unwrap();
    let follower = (leader + 1) % 3;
    let op = SessionOp::Open { nonce: 1, name: "x".to_owned() };
    let request = MutateRequest { group: GroupId::ROOT, ops: vec![Mutation::of_nobody(op)] };
    let channel = cluster.access.channels().to(&cluster.spec.node[follower].addr);
    let reply: MutateReply = channel.call(Opcode::Mutate, &request, SECOND).await.unwrap();
    assert_eq!(reply, MutateReply::NotLeader(Some(cluster.spec.node[leader].addr.clone())));
    let unreadable = channel.call::<_, MutateReply>(Opcode::Renew, &"nonsense", SECOND).await;
    assert!(unreadable.unwrap_err().to_string().contains("cannot read"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_node_serves_a_metadata_group_that_there_is_not() {
    // Three voters, one of which leads, and a node without metadata.
    let cluster = TestCluster::start(Over::Memory, 4, 3, 2, 1).await;
    let (group, session) = (GroupId(1), SessionId::new(GroupId(1), 5));
    for node in &cluster.spec.node {
        let channel = cluster.access.channels().to(&node.addr);
        let op = FileOp::ReturnDelegation { dir: Ino::top(group) };
        let mutate = MutateRequest { group, ops: vec![Mutation::of_nobody(op)] };
        let query = FileQuery::GetAttr { ino: Ino::top(group) };
        let query = QueryRequest { group, session: SessionId::NOBODY, queries: vec![query.into()] };
        let renew = RenewRequest { group, session, epoch: 0 };
        let recalls =
            DelegationRequest { group, ask: DelegationAsk::PollRecalls { session, held: Vec::new() } };
        let refused = [
            channel.call::<_, MutateReply>(Opcode::Mutate, &mutate, SECOND).await.unwrap_err(),
            channel.call::<_, QueryReply>(Opcode::Query, &query, SECOND).await.unwrap_err(),
            channel.call::<_, RenewReply>(Opcode::Renew, &renew, SECOND).await.unwrap_err(),
            channel.call::<_, DelegationReply>(Opcode::Delegation, &recalls, SECOND).await.unwrap_err(),
        ];
        for error in refused {
            assert!(matches!(error, CallError::Refused(Refusal::WrongRole)), "{}: {error:?}", node.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_others_go_on_when_the_leader_stops() {
    let mut cluster = TestCluster::start(Over::Tcp, 3, 3, 2, 1).await;
    let session = cluster.session().await;
    create(&session, "before").await;
    let leader = cluster.leader().unwrap();
    cluster.stop_node(leader).await;
    create(&session, "after").await;
    cluster.start_node(leader).await.unwrap();
    eventually("the old leader catches up", async || {
        let statuses = [cluster.status(0).await, cluster.status(1).await, cluster.status(2).await];
        let applied: Vec<u64> = statuses.iter().map(|s| s.meta.as_ref().unwrap().applied).collect();
        applied.iter().all(|a| *a == applied[0])
    })
    .await;
    let mut hashes = Vec::new();
    for node in &cluster.spec.node {
        let channel = cluster.access.channels().to(&node.addr);
        let status: isobar_wire::message::cluster::NodeStatus =
            channel.call(Opcode::NodeStatus, &true, SECOND).await.unwrap();
        hashes.push(status.meta.unwrap().state_hash.unwrap());
    }
    assert!(hashes.iter().all(|h| *h == hashes[0]), "{hashes:x?}");
    assert_eq!(cluster.node(0).check_metadata().await, Some(Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_session_that_renews_lives_and_one_that_does_not_expires() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (renewed, silent) = (cluster.session().await.id(), cluster.session().await.id());
    let renew = async |session: SessionId| -> RenewReply {
        let leader = cluster.leader().unwrap();
        let channel = cluster.access.channels().to(&cluster.spec.node[leader].addr);
        channel
            .call(Opcode::Renew, &RenewRequest { group: GroupId::ROOT, session, epoch: 0 }, SECOND)
            .await
            .unwrap()
    };
    assert_eq!(renew(SessionId(999_999)).await, RenewReply::Gone);
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_millis(limits::SESSION_TIMEOUT_MS + 2_000) {
        let RenewReply::Renewed { map, live, orphans } = renew(renewed).await else { panic!("gone") };
        assert_eq!((map.unwrap().targets.len(), live.len(), orphans.len()), (3, 3, 0));
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!(renew(silent).await, RenewReply::Gone);
    let op = FileOp::ReleaseOrphans { inos: Vec::new() }.into();
    let late = Mutation { session: silent, seq: 1, acked_below: 0, op };
    assert_eq!(cluster.access.mutate(late).await.unwrap(), Err(OpError::SessionGone));
    let Answer::Sessions(left) = cluster.access.query(SessionQuery::List).await.unwrap() else { panic!() };
    let left: Vec<SessionId> =
        left.into_iter().map(|(id, _)| id).filter(|id| [renewed, silent].contains(id)).collect();
    assert_eq!(left, [renewed]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn operations_that_do_not_fit_one_entry_of_the_log_are_carried_out_in_several() {
    const FILES: usize = 40;
    // An entry of its logs holds less than a MiB.
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let session = cluster.session().await;
    let mut ops = Vec::new();
    for at in 0..FILES {
        let ino = create(&session, &format!("file{at}")).await.ino;
        let (name, value) = (b"user.a".to_vec(), vec![at as u8; limits::XATTR_VALUE_BYTES_MAX]);
        let op = FileOp::SetXattr { ino, name, value, mode: XattrMode::Create };
        let seq = 1000 + at as u64;
        ops.push(Mutation { session: session.id(), seq, acked_below: 1, op: op.into() });
    }
    let request = MutateRequest { group: GroupId::ROOT, ops };
    let ask = async || {
        let channel = cluster.access.channels().to(&cluster.spec.node[cluster.leader().unwrap()].addr);
        channel.call::<_, MutateReply>(Opcode::Mutate, &request, 10 * SECOND).await.unwrap()
    };
    let MutateReply::Applied(results) = ask().await else { panic!("nobody leads") };
    assert!(results.len() == FILES && results.iter().all(Result::is_ok), "{results:?}");
    // Asked again, each gets its first reply.
    assert_eq!(ask().await, MutateReply::Applied(results));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_do_not_fit_one_message_are_given_in_several() {
    const FILES: usize = 1000;
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let session = cluster.session().await;
    let mut calls = tokio::task::JoinSet::new();
    for at in 0..FILES {
        let session = session.clone();
        calls.spawn(async move { create(&session, &format!("{at:0250}")).await });
    }
    calls.join_all().await;
    let query = FileQuery::ReadDir { ino: Ino::ROOT, cookie: 0, limit: 2000 };
    let queries = vec![query.clone().into(); limits::QUERIES_PER_MESSAGE_MAX];
    let request = QueryRequest { group: GroupId::ROOT, session: session.id(), queries };
    let channel = cluster.access.channels().to(&cluster.spec.node[cluster.leader().unwrap()].addr);
    let reply: QueryReply = channel.call(Opcode::Query, &request, 10 * SECOND).await.unwrap();
    let QueryReply::Answered(first) = reply else { panic!("it does not lead") };
    assert!((2..limits::QUERIES_PER_MESSAGE_MAX).contains(&first.len()), "{} answers", first.len());
    // Whoever asks through a client gets all of them.
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..limits::QUERIES_PER_MESSAGE_MAX {
        let (access, query) = (cluster.access.clone(), query.clone());
        asking.spawn(async move { access.query(query).await.unwrap() });
    }
    for answer in asking.join_all().await {
        let Answer::Dir { entries, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(entries.len(), FILES);
    }
}

/// Prints what one metadata group does: `cargo test --release -p isobar-server -- --ignored --nocapture
/// creates`.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "a measurement"]
async fn creates_per_second() {
    let cluster = TestCluster::start(Over::Tcp, 5, 5, 3, 2).await;
    for callers in [1usize, 16, 256] {
        let session = cluster.session().await;
        let begun = std::time::Instant::now();
        let mut calls = tokio::task::JoinSet::new();
        for caller in 0..callers {
            let session = session.clone();
            calls.spawn(async move {
                let mut done = 0u64;
                while begun.elapsed() < 3 * SECOND {
                    create(&session, &format!("{callers}-{caller}-{done}")).await;
                    done += 1;
                }
                done
            });
        }
        let done: u64 = calls.join_all().await.into_iter().sum();
        let latency = begun.elapsed().as_micros() as u64 * callers as u64 / done;
        println!(
            "{callers} callers: {} creates/s, {latency} us each",
            done * 1000 / begun.elapsed().as_millis() as u64
        );
    }
}
