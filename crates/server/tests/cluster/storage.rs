//! Rows over the wire.

use bytes::Bytes;
use isobar_base::{FragmentHeader, FragmentKey, Geometry, SegmentId, SessionId, TargetId, unit_crcs};
use isobar_wire::message::ops::NewSegment;
use isobar_wire::message::storage::{
    DeleteRequest, GetReply, GetRequest, ListReply, ListRequest, PutRequest, StorageError,
};
use isobar_wire::{CallError, Opcode, Refusal};

use isobar_testcluster::{Over, SECOND, TestCluster, bytes, create, write};

/// I6, whatever a client thinks.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rows_that_were_never_committed_can_be_withdrawn_and_no_others() {
    let cluster = TestCluster::start(Over::Memory, 3, 3, 2, 1).await;
    let (session, segments) = (cluster.session().await, cluster.segments());
    let file = create(&session, "file").await;
    let committed = write(&session, &segments, &file, 0, bytes(60_000, 1)).await;
    let abandoned = segments.write(&session, bytes(60_000, 2).into()).await.unwrap();
    let guest = cluster.access_from("guest");
    let withdraw = async |segment: &NewSegment| {
        let (_, target) = segment.rows[0];
        let addr = &cluster.access.view().known().target(target).unwrap().addr.clone();
        let keys = vec![FragmentKey { segment: segment.id, row: 0 }];
        let request = DeleteRequest { target, keys };
        guest.channels().to(addr).call::<_, ()>(Opcode::Withdraw, &request, SECOND * 5).await
    };
    assert_eq!(cluster.rows().await, 6);
    assert_eq!(refusal(withdraw(&committed).await), StorageError::InUse);
    assert_eq!(cluster.rows().await, 6);
    withdraw(&abandoned).await.unwrap();
    withdraw(&abandoned).await.unwrap();
    assert_eq!(cluster.rows().await, 5);
}

fn refusal<T: std::fmt::Debug>(result: Result<T, CallError>) -> StorageError {
    match result {
        Err(CallError::Refused(Refusal::Storage(error))) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rows_are_put_read_listed_and_deleted() {
    let cluster = TestCluster::start(Over::Tcp, 3, 1, 2, 1).await;
    let target = cluster.status(2).await.targets[0].0.id;
    let channel = cluster.access.channels().to(&cluster.spec.node[2].addr);
    let row = bytes(3 * 4096, 7);
    let key = FragmentKey { segment: SegmentId { session: SessionId(1 << 40), counter: 1 }, row: 0 };
    let geometry = Geometry { data: 2, parity: 1, len: 6 * 4096 };
    let header = FragmentHeader { key, geometry, unit_crcs: unit_crcs(&row), data_crcs: Vec::new() };
    let put = PutRequest { target, header };
    let send = async |put: &PutRequest, payload: &[u8]| {
        let payload = vec![Bytes::copy_from_slice(payload)];
        channel.call_with_payload::<_, ()>(Opcode::Put, put, payload, SECOND).await.map(drop)
    };
    send(&put, &row).await.unwrap();
    send(&put, &row).await.unwrap();
    assert_eq!(refusal(send(&put, &bytes(3 * 4096, 8)).await), StorageError::ChecksumMismatch);
    let other = bytes(3 * 4096, 9);
    let conflicting =
        PutRequest { target, header: FragmentHeader { unit_crcs: unit_crcs(&other), ..put.header.clone() } };
    assert_eq!(refusal(send(&conflicting, &other).await), StorageError::Conflict);
    let elsewhere = PutRequest { target: TargetId(1), ..put.clone() };
    assert_eq!(refusal(send(&elsewhere, &row).await), StorageError::NoSuchTarget);

    let read = async |first_unit, units| {
        let get = GetRequest { target, key, first_unit, units };
        channel.call_with_payload::<_, GetReply>(Opcode::Get, &get, Vec::new(), SECOND).await
    };
    let (reply, payload) = read(0, 0).await.unwrap();
    assert_eq!((reply.key, reply.geometry, &payload[..]), (key, geometry, &row[..]));
    let (reply, payload) = read(1, 1).await.unwrap();
    assert_eq!((reply.unit_crcs.len(), &payload[..]), (1, &row[4096..8192]));
    let (reply, payload) = read(1, 0).await.unwrap();
    assert_eq!((reply.unit_crcs.len(), &payload[..]), (2, &row[4096..]));
    assert!(matches!(read(2, 2).await, Err(CallError::Refused(Refusal::Unreadable))));
    assert!(matches!(read(3, 0).await, Err(CallError::Refused(Refusal::Unreadable))));

    let list = ListRequest { target, after: None, limit: 10 };
    let listed: ListReply = channel.call(Opcode::List, &list, SECOND).await.unwrap();
    assert_eq!(listed.rows, [(key, geometry)]);
    let delete = DeleteRequest { target, keys: vec![key] };
    channel.call::<_, ()>(Opcode::Delete, &delete, SECOND).await.unwrap();
    channel.call::<_, ()>(Opcode::Delete, &delete, SECOND).await.unwrap();
    assert_eq!(refusal(read(0, 0).await), StorageError::NotFound);
}
