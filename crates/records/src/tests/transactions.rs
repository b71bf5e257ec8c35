//! Transactions.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::limits::SILENCE_MAX;
use crate::testing::TestDatabase;
use crate::tests::{NOW_MS, resource};
use crate::{Records, RecordsError, ResourceFilter};

async fn what_is_not_committed_never_was(database: TestDatabase) {
    let records = database.open().await;
    let mut tx = records.begin().await.unwrap();
    tx.insert_resource(resource("/a", "")).await.unwrap();
    assert!(tx.resource("/a").await.unwrap().is_some(), "a transaction sees what it wrote");
    drop(tx);
    assert_eq!(records.read().await.unwrap().resource("/a").await.unwrap(), None);
}

async fn a_snapshot_stays_as_it_is_while_others_write(database: TestDatabase) {
    let records = database.open().await;
    let mut snapshot = records.read().await.unwrap();
    assert_eq!(snapshot.count_resources(&ResourceFilter::default()).await.unwrap(), 0);
    let mut tx = records.begin().await.unwrap();
    tx.insert_resource(resource("/a", "")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(snapshot.count_resources(&ResourceFilter::default()).await.unwrap(), 0);
    assert_eq!(records.read().await.unwrap().count_resources(&ResourceFilter::default()).await.unwrap(), 1);
}

async fn readers_do_not_wait_for_a_writer(database: TestDatabase) {
    let records = database.open().await;
    let mut tx = records.begin().await.unwrap();
    tx.insert_resource(resource("/a", "")).await.unwrap();
    let read = async { records.read().await.unwrap().resource("/a").await.unwrap() };
    let read = tokio::time::timeout(Duration::from_secs(5), read).await;
    assert_eq!(read.expect("a reader goes on"), None);
    tx.commit().await.unwrap();
}

async fn a_transaction_with_a_failed_statement_cannot_be_committed(database: TestDatabase) {
    let records = database.open().await;
    let mut tx = records.begin().await.unwrap();
    tx.insert_resource(resource("/a", "")).await.unwrap();
    let error = tx.insert_resource(resource("/b/c", "/b")).await.unwrap_err();
    assert!(matches!(&error, RecordsError::NoParent { parent, .. } if parent == "/b"), "{error}");
    assert!(matches!(tx.commit().await, Err(RecordsError::Spoiled)));
    assert_eq!(records.read().await.unwrap().resource("/a").await.unwrap(), None);
}

async fn a_refusal_without_a_failed_statement_spoils_nothing(database: TestDatabase) {
    let records = database.open().await;
    let mut tx = records.begin().await.unwrap();
    tx.insert_resource(resource("/a", "")).await.unwrap();
    assert!(matches!(tx.insert_resource(resource("/a", "")).await, Err(RecordsError::Exists { .. })));
    assert!(matches!(tx.insert_resource(resource("/\0", "")).await, Err(RecordsError::ZeroByte)));
    tx.commit().await.unwrap();
    assert!(records.read().await.unwrap().resource("/a").await.unwrap().is_some());
}

/// Polls a future so many times and drops it, if it has not come to its end by then.
async fn give_up_after<F: Future>(polls: u32, future: F) {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Pending if left > 1 => {
            left -= 1;
            Poll::Pending
        }
        _ => Poll::Ready(()),
    })
    .await;
}

/// Waits until nobody but the one who looks has begun anything.
async fn no_connection_is_in_a_transaction(records: &Records) {
    let begun = Instant::now();
    loop {
        let mut tx = records.begin().await.unwrap();
        let sql = "select count(*) from pg_stat_activity where datname = current_database() \
                   and state like 'idle in transaction%' and pid <> pg_backend_pid()";
        let row = tx.session.row(sql, &[]).await.unwrap().unwrap();
        if row.columns().next::<i64>().unwrap() == 0 {
            return;
        }
        assert!(begun.elapsed() < SILENCE_MAX / 2, "somebody has begun and does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn callers_that_go_away_while_beginning_leave_nothing_behind(database: TestDatabase) {
    let records = database.open().await;
    let onlooker = database.open().await;
    for polls in (1..8).cycle().take(50) {
        // Some are gone before they have a connection, some while the database answers, some after.
        give_up_after(polls, records.read()).await;
        give_up_after(polls, records.begin()).await;
        if database.is_server() {
            no_connection_is_in_a_transaction(&onlooker).await;
        }
    }
    for n in 0..20 {
        let key = format!("/{n}");
        let mut tx = records.begin().await.unwrap();
        tx.insert_resource(resource(&key, "")).await.unwrap();
        tx.commit().await.unwrap();
        let mut snapshot = records.read().await.unwrap();
        assert!(snapshot.resource(&key).await.unwrap().is_some(), "an old snapshot was left over");
    }
}

async fn connections_that_were_cut_are_replaced(database: TestDatabase) {
    if !database.is_server() {
        return;
    }
    let records = database.open().await;
    let mut tx = records.begin().await.unwrap();
    database
        .execute(
            "select pg_terminate_backend(pid) from pg_stat_activity \
             where datname = current_database() and pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    let cut = tx.insert_resource(resource("/a", "")).await.unwrap_err();
    assert!(matches!(cut, RecordsError::Unavailable(_)), "{cut}");
    drop(tx);
    let mut tx = records.begin().await.unwrap();
    tx.insert_resource(resource("/a", "")).await.unwrap();
    tx.commit().await.unwrap();
}

async fn writers_take_turns_and_all_come_through(database: TestDatabase) {
    let records = [database.open().await, database.open().await];
    let mut tx = records[0].begin().await.unwrap();
    let mut counter = resource("/counter", "");
    counter.body = 0.into();
    tx.insert_resource(counter).await.unwrap();
    tx.commit().await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..8 {
        let records = records[n % 2].clone();
        writers.spawn(async move {
            for _ in 0..5 {
                let mut tx = records.begin().await.unwrap();
                let held = tx.hold_resource("/counter").await.unwrap().unwrap();
                let body = (held.body.as_i64().unwrap() + 1).into();
                tx.update_resource("/counter", held.revision, &body, NOW_MS).await.unwrap();
                tx.commit().await.unwrap();
            }
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }
    let counter = records[0].read().await.unwrap().resource("/counter").await.unwrap().unwrap();
    assert_eq!(counter.body, 40);
}

crate::on_both_databases!(
    what_is_not_committed_never_was,
    a_snapshot_stays_as_it_is_while_others_write,
    readers_do_not_wait_for_a_writer,
    a_transaction_with_a_failed_statement_cannot_be_committed,
    a_refusal_without_a_failed_statement_spoils_nothing,
    callers_that_go_away_while_beginning_leave_nothing_behind,
    connections_that_were_cut_are_replaced,
    writers_take_turns_and_all_come_through,
);
