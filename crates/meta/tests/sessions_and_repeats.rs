//! Sessions, fencing (I5) and repetition (I12).
#![allow(missing_docs, clippy::unwrap_used)]
mod common;
use common::*;
use isobar_base::{Errno, SessionId};
use isobar_wire::message::files::FileKind::File;
use isobar_wire::message::ops::{FileOp, Mutation, OpError, OpReply, SessionOp};
use isobar_wire::message::queries::{Answer, SessionQuery};

#[test]
fn a_nonce_opens_one_session_and_ids_are_never_reused() {
    let mut w = World::new();
    let a = w.open(5);
    assert_eq!(w.open(5), a);
    let open = |nonce| SessionOp::Open { nonce, name: "h".into() };
    let anybody = |op: SessionOp| Mutation { session: SessionId(0), seq: 0, acked_below: 0, op: op.into() };
    let ids: Vec<_> = w.apply(vec![anybody(open(6)), anybody(open(7)), anybody(open(6))]);
    assert!(ids[0] == ids[2] && ids[0] != ids[1]);
    w.cluster(SessionOp::Expire { session: a }).unwrap();
    let b = w.open(5);
    assert!(b > a);
    match w.ask(SessionQuery::List).unwrap() {
        Answer::Sessions(sessions) => assert!(sessions.contains(&(b, "host5:/mnt".into()))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_repeated_operation_gets_its_first_answer() {
    let mut w = World::new();
    let make = w.mutation(create(ROOT, "a", File));
    let first = w.send(make.clone());
    assert!(matches!(first, Ok(OpReply::Entry { created: true, .. })));
    assert_eq!(w.send(make.clone()), first);
    let fails = w.mutation(create(ROOT, "a", File));
    assert_eq!(w.send(fails.clone()), Err(errno(Errno::EEXIST)));
    let remove =
        w.mutation(FileOp::Unlink { parent: ROOT, name: b"a".to_vec(), not_open_by_caller: None, at: None });
    let removed = w.send(remove.clone());
    assert_eq!(w.send(fails), Err(errno(Errno::EEXIST)), "errors are answers too");
    assert_eq!(w.apply(vec![remove.clone(), remove]), vec![removed.clone(), removed]);
    assert_eq!(w.send(make), first);
}

#[test]
fn acknowledged_answers_are_forgotten_and_not_executed_again() {
    let mut w = World::new();
    let mutation = |w: &World, seq, acked_below, name: &str| Mutation {
        session: w.session,
        seq,
        acked_below,
        op: create(ROOT, name, File).into(),
    };
    for seq in 1..=10 {
        let m = mutation(&w, seq, 1, &format!("f{seq}"));
        w.send(m).unwrap();
    }
    let m = mutation(&w, 11, 9, "g");
    w.send(m).unwrap();
    let m = mutation(&w, 8, 1, "again");
    assert_eq!(w.send(m), Err(OpError::Repeated));
    let m = mutation(&w, 9, 1, "again");
    assert!(w.send(m).is_ok(), "not acknowledged yet");
    assert!(w.lookup(ROOT, "again").is_err());
    let m = mutation(&w, 1 << 60, u64::MAX, "far");
    w.send(m).unwrap();
    let m = mutation(&w, 12, 1, "late");
    assert_eq!(w.send(m), Err(OpError::Repeated));
    assert!(w.lookup(ROOT, "late").is_err());
}

#[test]
fn operations_may_arrive_out_of_order() {
    let mut w = World::new();
    for seq in [5, 2, 4] {
        let name = format!("f{seq}");
        w.run_as(w.session, seq, create(ROOT, &name, File)).unwrap();
        let again = w.run_as(w.session, seq, create(ROOT, &name, File)).unwrap();
        assert!(matches!(again, OpReply::Entry { created: true, .. }));
    }
}

#[test]
fn nothing_of_an_ended_session_applies() {
    let mut w = World::new();
    let file = w.file(ROOT, "f");
    let (segment, late) = (w.segment(4096), w.segment(4096));
    let id = segment.id;
    let commit = w.commit_op(file, vec![segment], vec![extent(0, 4096, id, 0)]);
    let repeated = w.mutation(FileOp::Commit(commit));
    w.send(repeated.clone()).unwrap();
    w.cluster(SessionOp::Expire { session: w.session }).unwrap();
    let id = late.id;
    let commit = w.commit_op(file, vec![late], vec![extent(0, 4096, id, 0)]);
    assert_eq!(w.run(FileOp::Commit(commit)), Err(OpError::SessionGone));
    assert_eq!(w.send(repeated), Err(OpError::SessionGone));
    assert_eq!(w.run(create(ROOT, "g", File)), Err(OpError::SessionGone));
    assert_eq!(w.attr(file).unwrap().size, 4096);
}

#[test]
fn a_client_that_never_acknowledges_is_stopped_and_can_go_on_when_it_does() {
    let mut w = World::new();
    w.checked = false;
    let op = FileOp::ReleaseOrphans { inos: vec![] };
    for seq in 1..=isobar_meta::REPLIES_PER_SESSION_MAX {
        w.run_as(w.session, seq, op.clone()).unwrap();
    }
    let seq = isobar_meta::REPLIES_PER_SESSION_MAX + 1;
    assert_eq!(w.run_as(w.session, seq, op.clone()), Err(errno(Errno::EAGAIN)));
    w.send(Mutation { session: w.session, seq, acked_below: seq, op: op.into() }).unwrap();
    w.check();
}
