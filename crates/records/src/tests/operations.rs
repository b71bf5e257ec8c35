//! Asking for operations and looking at them.

use serde_json::json;

use crate::testing::TestDatabase;
use crate::tests::{NOW_MS, new_operation, resource};
use crate::{OperationFilter, Records, RecordsError, Status};

/// Adds an operation in a transaction of its own.
async fn add(records: &Records, id: &str, target: &str, now_ms: i64) -> Result<(), RecordsError> {
    let mut tx = records.begin().await?;
    tx.insert_operation(&new_operation(id, target), now_ms).await?;
    tx.commit().await
}

/// Ends the oldest operation.
async fn end(records: &Records, ended_ms: i64) -> String {
    let mut tx = records.begin().await.unwrap();
    let mut operation = tx.claim_operation(&["make"], "me", 1000, ended_ms).await.unwrap().unwrap();
    operation.status = Status::Succeeded;
    operation.ended_ms = Some(ended_ms);
    tx.save_operation(&operation).await.unwrap();
    tx.commit().await.unwrap();
    operation.id
}

async fn an_operation_comes_with_the_change_of_its_target_or_not_at_all(database: TestDatabase) {
    let records = database.open().await;
    let mut tx = records.begin().await.unwrap();
    tx.insert_resource(resource("/a", "")).await.unwrap();
    tx.insert_operation(&new_operation("o1", "/a"), NOW_MS).await.unwrap();
    drop(tx);
    let mut snapshot = records.read().await.unwrap();
    assert_eq!(snapshot.operation("o1").await.unwrap(), None);
    assert_eq!(snapshot.resource("/a").await.unwrap(), None);
}

async fn a_new_operation_is_accepted_and_due(database: TestDatabase) {
    let records = database.open().await;
    add(&records, "o1", "/a", NOW_MS).await.unwrap();
    let operation = records.read().await.unwrap().operation("o1").await.unwrap().unwrap();
    let new = new_operation("o1", "/a");
    assert_eq!((operation.id, operation.target, operation.kind), (new.id, new.target, new.kind));
    assert_eq!((operation.subscription, operation.location), (new.subscription, new.location));
    assert_eq!((operation.input, operation.message), (new.input, new.message));
    assert_eq!((operation.correlation, operation.principal), (new.correlation, new.principal));
    assert_eq!((operation.status, operation.outputs.len(), operation.error), (Status::Accepted, 0, None));
    assert_eq!((operation.step, operation.undoing, operation.attempts, operation.percent), (0, false, 0, 0));
    assert_eq!((operation.created_ms, operation.changed_ms, operation.due_ms), (NOW_MS, NOW_MS, NOW_MS));
    assert_eq!((operation.ended_ms, operation.lease_until_ms, operation.fence), (None, 0, 0));
    assert!(!operation.cancel_wanted && operation.owner.is_empty());
}

async fn a_second_operation_on_a_target_names_the_first(database: TestDatabase) {
    let records = database.open().await;
    add(&records, "o1", "/a", NOW_MS).await.unwrap();
    add(&records, "o2", "/b", NOW_MS + 1).await.unwrap();
    let refused = add(&records, "o3", "/a", NOW_MS).await.unwrap_err();
    assert!(matches!(&refused, RecordsError::Busy { operation, .. } if operation == "o1"), "{refused}");
    assert_eq!(end(&records, NOW_MS + 5).await, "o1");
    add(&records, "o3", "/a", NOW_MS + 6).await.unwrap();
    let mut snapshot = records.read().await.unwrap();
    assert_eq!(snapshot.unended_operation("/a").await.unwrap().unwrap().id, "o3");
}

async fn of_many_at_once_one_operation_on_a_target_is_taken(database: TestDatabase) {
    let records = [database.open().await, database.open().await];
    let mut asking = tokio::task::JoinSet::new();
    for n in 0..8 {
        let records = records[n % 2].clone();
        asking.spawn(async move { add(&records, &format!("o{n}"), "/a", NOW_MS).await });
    }
    let mut taken = 0;
    while let Some(answer) = asking.join_next().await {
        match answer.unwrap() {
            Ok(()) => taken += 1,
            Err(error) => assert!(matches!(error, RecordsError::Busy { .. }), "{error}"),
        }
    }
    assert_eq!(taken, 1);
}

async fn an_id_is_used_once(database: TestDatabase) {
    let records = database.open().await;
    add(&records, "o1", "/a", NOW_MS).await.unwrap();
    let again = add(&records, "o1", "/b", NOW_MS).await;
    assert!(matches!(again, Err(RecordsError::SameOperation { .. })));
}

async fn operations_are_listed_with_the_newest_first(database: TestDatabase) {
    let records = database.open().await;
    for (n, at_ms) in [0, 1, 1, 1, 2].into_iter().enumerate() {
        add(&records, &format!("o{n}"), &format!("/{n}"), NOW_MS + at_ms).await.unwrap();
    }
    assert_eq!(end(&records, NOW_MS + 9).await, "o0");
    let mut snapshot = records.read().await.unwrap();
    let mut seen = Vec::new();
    let mut before: Option<(i64, String)> = None;
    loop {
        let from = before.as_ref().map(|(created_ms, id)| (*created_ms, id.as_str()));
        let filter =
            OperationFilter { subscription: Some("s"), before: from, limit: 2, ..Default::default() };
        let page = snapshot.list_operations(&filter).await.unwrap();
        seen.extend(page.iter().map(|operation| operation.id.clone()));
        let Some(last) = page.last() else { break };
        before = Some((last.created_ms, last.id.clone()));
    }
    assert_eq!(seen, ["o4", "o3", "o2", "o1", "o0"]);
    for (filter, expected) in [
        (OperationFilter { unended: true, ..Default::default() }, vec!["o4", "o3", "o2", "o1"]),
        (OperationFilter { target: Some("/2"), ..Default::default() }, vec!["o2"]),
        (OperationFilter { subscription: Some("other"), ..Default::default() }, vec![]),
    ] {
        let listed = snapshot.list_operations(&filter).await.unwrap();
        let ids: Vec<_> = listed.iter().map(|operation| operation.id.as_str()).collect();
        assert_eq!(ids, expected, "{filter:?}");
    }
}

async fn a_wanted_end_makes_an_operation_due_until_it_has_ended(database: TestDatabase) {
    let records = database.open().await;
    add(&records, "o1", "/a", NOW_MS).await.unwrap();
    let mut tx = records.begin().await.unwrap();
    let mut operation = tx.claim_operation(&["make"], "me", 1000, NOW_MS).await.unwrap().unwrap();
    (operation.due_ms, operation.lease_until_ms) = (NOW_MS + 60_000, 0);
    assert!(!tx.save_operation(&operation).await.unwrap());
    assert!(tx.request_cancel("o1", NOW_MS + 7).await.unwrap());
    let held = tx.hold_operation("o1").await.unwrap().unwrap();
    assert!(held.cancel_wanted);
    assert_eq!(held.due_ms, NOW_MS + 7);
    tx.commit().await.unwrap();
    assert_eq!(end(&records, NOW_MS + 8).await, "o1");
    let mut tx = records.begin().await.unwrap();
    assert!(!tx.request_cancel("o1", NOW_MS + 9).await.unwrap());
    assert!(!tx.request_cancel("no such", NOW_MS + 9).await.unwrap());
}

async fn only_ended_operations_are_forgotten(database: TestDatabase) {
    let records = database.open().await;
    for (id, target) in [("o1", "/a"), ("o2", "/b"), ("o3", "/c")] {
        add(&records, id, target, NOW_MS).await.unwrap();
    }
    assert_eq!(end(&records, NOW_MS + 10).await, "o1");
    assert_eq!(end(&records, NOW_MS + 20).await, "o2");
    let mut tx = records.begin().await.unwrap();
    assert_eq!(tx.forget_operations_before(NOW_MS + 20).await.unwrap(), 1);
    let left = tx.list_operations(&OperationFilter::default()).await.unwrap();
    let left: Vec<_> = left.iter().map(|operation| operation.id.as_str()).collect();
    assert_eq!(left, ["o3", "o2"]);
    tx.commit().await.unwrap();
}

async fn what_an_operation_has_found_is_kept(database: TestDatabase) {
    let records = database.open().await;
    add(&records, "o1", "/a", NOW_MS).await.unwrap();
    let mut tx = records.begin().await.unwrap();
    let mut operation = tx.claim_operation(&["make"], "me", 1000, NOW_MS).await.unwrap().unwrap();
    operation.outputs.insert("machine".to_owned(), json!({"id": "m'1"}));
    operation.error = Some(json!({"code": "Quota", "message": "none left"}));
    (operation.step, operation.undoing, operation.attempts) = (-1, true, 3);
    (operation.message, operation.percent) = ("Undoing".to_owned(), 40);
    (operation.changed_ms, operation.due_ms, operation.lease_until_ms) = (NOW_MS + 1, NOW_MS + 2, NOW_MS + 3);
    tx.save_operation(&operation).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(records.read().await.unwrap().operation("o1").await.unwrap(), Some(operation));
}

crate::on_both_databases!(
    an_operation_comes_with_the_change_of_its_target_or_not_at_all,
    a_new_operation_is_accepted_and_due,
    a_second_operation_on_a_target_names_the_first,
    of_many_at_once_one_operation_on_a_target_is_taken,
    an_id_is_used_once,
    operations_are_listed_with_the_newest_first,
    a_wanted_end_makes_an_operation_due_until_it_has_ended,
    only_ended_operations_are_forgotten,
    what_an_operation_has_found_is_kept,
);
