//! Claims, leases and fences.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::limits::SILENCE_MAX;
use crate::testing::TestDatabase;
use crate::tests::{NOW_MS, new_operation};
use crate::{Operation, Records, RecordsError, Status};

const LEASE_MS: i64 = 1000;

/// Adds operations `o0`, `o1`, …, each on a target of its own and a millisecond younger than the one before.
async fn add(records: &Records, count: i64) {
    let mut tx = records.begin().await.unwrap();
    for n in 0..count {
        tx.insert_operation(&new_operation(&format!("o{n}"), &format!("/{n}")), NOW_MS + n).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Claims in a transaction of its own.
async fn claim(records: &Records, owner: &str, now_ms: i64) -> Option<Operation> {
    let mut tx = records.begin().await.unwrap();
    let claimed = tx.claim_operation(&["make", "break"], owner, LEASE_MS, now_ms).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

async fn the_one_that_has_waited_longest_is_claimed_first(database: TestDatabase) {
    let records = database.open().await;
    add(&records, 3).await;
    assert_eq!(claim(&records, "me", NOW_MS - 1).await, None, "none is due");
    let first = claim(&records, "me", NOW_MS + 5).await.unwrap();
    assert_eq!((first.id.as_str(), first.status, first.fence), ("o0", Status::Running, 1));
    assert_eq!((first.owner.as_str(), first.lease_until_ms), ("me", NOW_MS + 5 + LEASE_MS));
    assert_eq!(claim(&records, "me", NOW_MS + 5).await.unwrap().id, "o1");
    assert_eq!(claim(&records, "me", NOW_MS + 5).await.unwrap().id, "o2");
    assert_eq!(claim(&records, "me", NOW_MS + 5).await, None, "all are claimed");
}

async fn only_kinds_that_are_known_are_claimed(database: TestDatabase) {
    let records = database.open().await;
    add(&records, 1).await;
    let mut tx = records.begin().await.unwrap();
    assert_eq!(tx.claim_operation(&[], "me", LEASE_MS, NOW_MS).await.unwrap(), None);
    assert_eq!(tx.claim_operation(&["a", "b"], "me", LEASE_MS, NOW_MS).await.unwrap(), None);
    assert!(tx.claim_operation(&["a", "make", "b"], "me", LEASE_MS, NOW_MS).await.unwrap().is_some());
}

async fn a_claim_is_free_again_when_its_lease_has_lapsed(database: TestDatabase) {
    let records = database.open().await;
    add(&records, 1).await;
    let first = claim(&records, "one", NOW_MS).await.unwrap();
    assert_eq!(claim(&records, "other", NOW_MS + LEASE_MS - 1).await, None);
    let mut tx = records.begin().await.unwrap();
    assert!(!tx.renew_operation("o0", first.fence, NOW_MS + 2 * LEASE_MS).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(claim(&records, "other", NOW_MS + LEASE_MS).await, None, "the lease was renewed");
    let second = claim(&records, "other", NOW_MS + 2 * LEASE_MS).await.unwrap();
    assert_eq!((second.id.as_str(), second.owner.as_str(), second.fence), ("o0", "other", 2));
}

async fn an_older_owner_can_change_nothing(database: TestDatabase) {
    let records = database.open().await;
    add(&records, 1).await;
    let mut old = claim(&records, "one", NOW_MS).await.unwrap();
    let new = claim(&records, "other", NOW_MS + LEASE_MS).await.unwrap();
    old.message = "mine".to_owned();
    let mut tx = records.begin().await.unwrap();
    let lost = [
        tx.save_operation(&old).await.map(drop),
        tx.renew_operation("o0", old.fence, NOW_MS + 9 * LEASE_MS).await.map(drop),
        tx.note_progress("o0", old.fence, 50, "mine", NOW_MS).await,
    ];
    for lost in lost {
        assert!(matches!(&lost, Err(RecordsError::Lost { id }) if id == "o0"), "{lost:?}");
    }
    tx.commit().await.unwrap();
    assert_eq!(records.read().await.unwrap().operation("o0").await.unwrap(), Some(new));
}

async fn nobody_changes_an_operation_that_has_ended(database: TestDatabase) {
    let records = database.open().await;
    add(&records, 1).await;
    let mut operation = claim(&records, "me", NOW_MS).await.unwrap();
    let mut tx = records.begin().await.unwrap();
    (operation.status, operation.ended_ms) = (Status::Failed, Some(NOW_MS + 1));
    tx.save_operation(&operation).await.unwrap();
    operation.status = Status::Succeeded;
    assert!(matches!(tx.save_operation(&operation).await, Err(RecordsError::Lost { .. })));
    let renewed = tx.renew_operation("o0", operation.fence, NOW_MS + 9 * LEASE_MS).await;
    assert!(matches!(renewed, Err(RecordsError::Lost { .. })));
    tx.commit().await.unwrap();
    assert_eq!(claim(&records, "me", NOW_MS + 9 * LEASE_MS).await, None);
}

async fn an_owner_hears_that_the_end_is_wanted(database: TestDatabase) {
    let records = database.open().await;
    add(&records, 1).await;
    let operation = claim(&records, "me", NOW_MS).await.unwrap();
    let mut tx = records.begin().await.unwrap();
    tx.note_progress("o0", operation.fence, 30, "Formatting", NOW_MS + 2).await.unwrap();
    assert!(tx.request_cancel("o0", NOW_MS + 3).await.unwrap());
    assert!(tx.renew_operation("o0", operation.fence, NOW_MS + LEASE_MS).await.unwrap());
    assert!(tx.save_operation(&operation).await.unwrap(), "a save does not take it back");
    tx.commit().await.unwrap();
    let kept = records.read().await.unwrap().operation("o0").await.unwrap().unwrap();
    assert!(kept.cancel_wanted);
}

async fn many_processes_claim_each_operation_once(database: TestDatabase) {
    let processes = [database.open().await, database.open().await, database.open().await];
    add(&processes[0], 30).await;
    let mut claiming = tokio::task::JoinSet::new();
    for (n, records) in processes.iter().cloned().enumerate() {
        claiming.spawn(async move {
            let mut claimed = Vec::new();
            while let Some(operation) = claim(&records, &format!("{n}"), NOW_MS + 100).await {
                claimed.push(operation.id);
            }
            claimed
        });
    }
    let claimed: Vec<String> = claiming.join_all().await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 30, "none is claimed twice");
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 30, "none is left out");
}

async fn a_claim_that_is_not_kept_hinders_nobody(database: TestDatabase) {
    let records = database.open().await;
    add(&records, 2).await;
    let mut tx = records.begin().await.unwrap();
    assert_eq!(tx.claim_operation(&["make"], "one", LEASE_MS, NOW_MS + 9).await.unwrap().unwrap().id, "o0");
    if database.is_server() {
        // Nobody waits for a row that is just being claimed.
        assert_eq!(claim(&records, "other", NOW_MS + 9).await.unwrap().id, "o1");
    }
    drop(tx);
    // The server hears of it a little later.
    let begun = Instant::now();
    let freed = loop {
        match claim(&records, "other", NOW_MS + 9).await {
            Some(freed) => break freed,
            None => assert!(begun.elapsed() < SILENCE_MAX / 2, "it stays claimed"),
        }
    };
    assert_eq!(freed.id, "o0");
}

crate::on_both_databases!(
    the_one_that_has_waited_longest_is_claimed_first,
    only_kinds_that_are_known_are_claimed,
    a_claim_is_free_again_when_its_lease_has_lapsed,
    an_older_owner_can_change_nothing,
    nobody_changes_an_operation_that_has_ended,
    an_owner_hears_that_the_end_is_wanted,
    many_processes_claim_each_operation_once,
    a_claim_that_is_not_kept_hinders_nobody,
);
