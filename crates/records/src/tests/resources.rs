//! Resources.

use serde_json::json;

use crate::limits::DOCUMENT_BYTES_MAX;
use crate::testing::TestDatabase;
use crate::tests::{NOW_MS, resource};
use crate::{Records, RecordsError, Resource, ResourceFilter};

/// Adds them in one transaction.
async fn add(records: &Records, resources: impl IntoIterator<Item = Resource>) -> Vec<Resource> {
    let mut tx = records.begin().await.unwrap();
    let mut added = Vec::new();
    for resource in resources {
        added.push(tx.insert_resource(resource).await.unwrap());
    }
    tx.commit().await.unwrap();
    added
}

fn keys(resources: &[Resource]) -> Vec<&str> {
    resources.iter().map(|resource| resource.key.as_str()).collect()
}

async fn a_resource_is_read_as_it_was_written(database: TestDatabase) {
    let records = database.open().await;
    let mut odd = resource("/a/ä'\"\\%_", "/a");
    odd.body = json!({"text": "\u{0} ' \" \\ ☃", "list": [1, 2.5, u64::MAX, i64::MIN, null, true], "": {}});
    let added = add(&records, [resource("/a", ""), odd.clone()]).await;
    odd.revision = added[1].revision;
    let mut snapshot = records.read().await.unwrap();
    assert_eq!(snapshot.resource(&odd.key).await.unwrap().as_ref(), Some(&odd));
    assert_eq!(snapshot.resource("/A").await.unwrap(), None);
}

async fn a_second_resource_with_the_same_key_is_refused(database: TestDatabase) {
    let records = database.open().await;
    add(&records, [resource("/a", "")]).await;
    let mut tx = records.begin().await.unwrap();
    let again = tx.insert_resource(resource("/a", "")).await;
    assert!(matches!(again, Err(RecordsError::Exists { key }) if key == "/a"));
}

async fn a_change_from_an_old_state_is_refused(database: TestDatabase) {
    let records = database.open().await;
    let first = add(&records, [resource("/a", "")]).await.remove(0);
    let mut tx = records.begin().await.unwrap();
    let second = tx.update_resource("/a", first.revision, &json!({"n": 2}), NOW_MS + 1).await.unwrap();
    assert!(second.revision > first.revision);
    assert_eq!(
        (second.body.clone(), second.created_ms, second.changed_ms),
        (json!({"n": 2}), NOW_MS, NOW_MS + 1)
    );
    let late = tx.update_resource("/a", first.revision, &json!({"n": 3}), NOW_MS + 2).await;
    assert!(matches!(late, Err(RecordsError::Stale { .. })));
    assert!(matches!(tx.delete_resource("/a", Some(first.revision)).await, Err(RecordsError::Stale { .. })));
    let absent = tx.update_resource("/b", first.revision, &json!({}), NOW_MS).await;
    assert!(matches!(absent, Err(RecordsError::Missing { .. })));
    tx.commit().await.unwrap();
    assert_eq!(records.read().await.unwrap().resource("/a").await.unwrap(), Some(second));
}

async fn no_revision_comes_twice(database: TestDatabase) {
    let records = database.open().await;
    let mut last = 0;
    for _ in 0..3 {
        let made = add(&records, [resource("/a", "")]).await.remove(0);
        let mut tx = records.begin().await.unwrap();
        let changed = tx.update_resource("/a", made.revision, &made.body, NOW_MS).await.unwrap();
        assert!(tx.delete_resource("/a", Some(changed.revision)).await.unwrap());
        tx.commit().await.unwrap();
        assert!(last < made.revision && made.revision < changed.revision);
        last = changed.revision;
    }
}

async fn deleting_what_is_not_there_is_no_error(database: TestDatabase) {
    let records = database.open().await;
    let mut tx = records.begin().await.unwrap();
    assert!(!tx.delete_resource("/a", None).await.unwrap());
    assert!(!tx.delete_resource("/a", Some(7)).await.unwrap());
}

async fn children_go_with_their_parents(database: TestDatabase) {
    let records = database.open().await;
    let all = [
        resource("/c1", ""),
        resource("/c1/nodes/a", "/c1"),
        resource("/c1/nodes/a/disks/0", "/c1/nodes/a"),
        resource("/c10", ""),
        resource("/c10/nodes/a", "/c10"),
    ];
    add(&records, all).await;
    let mut tx = records.begin().await.unwrap();
    assert_eq!(
        keys(&tx.resources_below("/c1", None, 10).await.unwrap()),
        ["/c1/nodes/a", "/c1/nodes/a/disks/0"]
    );
    assert_eq!(
        keys(&tx.resources_below("/c1", Some("/c1/nodes/a"), 10).await.unwrap()),
        ["/c1/nodes/a/disks/0"]
    );
    assert_eq!(tx.delete_resources_below("/c1").await.unwrap(), ["/c1/nodes/a", "/c1/nodes/a/disks/0"]);
    assert_eq!(
        keys(&tx.list_resources(&ResourceFilter::default()).await.unwrap()),
        ["/c1", "/c10", "/c10/nodes/a"]
    );
    assert!(tx.delete_resource("/c10", None).await.unwrap());
    assert_eq!(keys(&tx.list_resources(&ResourceFilter::default()).await.unwrap()), ["/c1"]);
    tx.commit().await.unwrap();
}

async fn lists_are_narrowed_and_come_in_pages(database: TestDatabase) {
    let records = database.open().await;
    let mut all: Vec<Resource> = (0..5).map(|n| resource(&format!("/t{n}"), "")).collect();
    all[1].kind = "others".to_owned();
    all[2].subscription = "s2".to_owned();
    all[3].group_name = "g2".to_owned();
    all.push(resource("/t0/x", "/t0"));
    add(&records, all).await;
    let mut snapshot = records.read().await.unwrap();
    let none = ResourceFilter::default();
    for (filter, expected) in [
        (ResourceFilter { kind: Some("others"), ..none }, vec!["/t1"]),
        (ResourceFilter { subscription: Some("s2"), ..none }, vec!["/t2"]),
        (ResourceFilter { group_name: Some("g2"), subscription: Some("s"), ..none }, vec!["/t3"]),
        (ResourceFilter { parent: Some("/t0"), ..none }, vec!["/t0/x"]),
        (ResourceFilter { parent: Some(""), group_name: Some("g2"), ..none }, vec!["/t3"]),
        (ResourceFilter { kind: Some("no such"), ..none }, vec![]),
    ] {
        assert_eq!(keys(&snapshot.list_resources(&filter).await.unwrap()), expected, "{filter:?}");
        assert_eq!(snapshot.count_resources(&filter).await.unwrap(), expected.len() as u64, "{filter:?}");
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let filter = ResourceFilter { after: after.as_deref(), limit: 4, ..none };
        let page = snapshot.list_resources(&filter).await.unwrap();
        seen.extend(page.iter().map(|resource| resource.key.clone()));
        if page.len() < 4 {
            break;
        }
        after = page.last().map(|resource| resource.key.clone());
    }
    assert_eq!(seen, ["/t0", "/t0/x", "/t1", "/t2", "/t3", "/t4"]);
}

async fn the_order_is_that_of_bytes_whatever_language_the_database_is_for(database: TestDatabase) {
    let records = database.open().await;
    // A dictionary has these in another order.
    let expected = ["/A", "/B-1", "/B1", "/a", "/a b", "/a-b", "/ab", "/b", "/ä"];
    let mut mixed: Vec<Resource> = expected.iter().map(|key| resource(key, "")).collect();
    mixed.reverse();
    add(&records, mixed).await;
    let mut snapshot = records.read().await.unwrap();
    assert_eq!(keys(&snapshot.list_resources(&ResourceFilter::default()).await.unwrap()), expected);
}

async fn a_body_that_is_too_large_is_refused(database: TestDatabase) {
    let records = database.open().await;
    let mut large = resource("/a", "");
    large.body = "x".repeat(DOCUMENT_BYTES_MAX - 2).into();
    let mut tx = records.begin().await.unwrap();
    let kept = tx.insert_resource(large.clone()).await.unwrap();
    large.body = "x".repeat(DOCUMENT_BYTES_MAX - 1).into();
    let error = tx.update_resource("/a", kept.revision, &large.body, NOW_MS).await.unwrap_err();
    assert!(matches!(error, RecordsError::TooLarge { .. }), "{error}");
    tx.commit().await.unwrap();
}

crate::on_both_databases!(
    a_resource_is_read_as_it_was_written,
    a_second_resource_with_the_same_key_is_refused,
    a_change_from_an_old_state_is_refused,
    no_revision_comes_twice,
    deleting_what_is_not_there_is_no_error,
    children_go_with_their_parents,
    lists_are_narrowed_and_come_in_pages,
    the_order_is_that_of_bytes_whatever_language_the_database_is_for,
    a_body_that_is_too_large_is_refused,
);
