//! The audit log.

use serde_json::json;

use crate::testing::TestDatabase;
use crate::tests::NOW_MS;
use crate::{AuditEntry, AuditFilter, Records, RecordsError};

fn entry(n: i64) -> AuditEntry {
    AuditEntry {
        at_ms: NOW_MS + n,
        principal: format!("p{}", n % 2),
        action: "things/write".to_owned(),
        target: format!("/{n}"),
        subscription: "s".to_owned(),
        group_name: "g".to_owned(),
        outcome: 201,
        correlation: format!("c{n}"),
        detail: json!({"n": n}),
    }
}

async fn append(records: &Records, count: i64) -> Vec<i64> {
    let mut tx = records.begin().await.unwrap();
    let mut numbers = Vec::new();
    for n in 0..count {
        numbers.push(tx.append_audit(&entry(n)).await.unwrap());
    }
    tx.commit().await.unwrap();
    numbers
}

async fn entries_are_listed_with_the_newest_first_in_pages(database: TestDatabase) {
    let records = database.open().await;
    let numbers = append(&records, 5).await;
    assert!(numbers.is_sorted_by(|a, b| a < b));
    let mut snapshot = records.read().await.unwrap();
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let filter = AuditFilter { before, limit: 2, ..Default::default() };
        let page = snapshot.list_audit(&filter).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        before = Some(*last);
        seen.extend(page.into_iter().map(|(_, entry)| entry));
    }
    assert_eq!(seen, (0..5).rev().map(entry).collect::<Vec<_>>());
}

async fn lists_are_narrowed(database: TestDatabase) {
    let records = database.open().await;
    append(&records, 4).await;
    let mut snapshot = records.read().await.unwrap();
    let none = AuditFilter::default();
    for (filter, expected) in [
        (AuditFilter { principal: Some("p1"), ..none }, vec![3, 1]),
        (AuditFilter { target: Some("/2"), ..none }, vec![2]),
        (AuditFilter { action: Some("things/delete"), ..none }, vec![]),
        (AuditFilter { subscription: Some("s"), group_name: Some("g"), limit: 1, ..none }, vec![3]),
        (AuditFilter { correlation: Some("c0"), ..none }, vec![0]),
        (AuditFilter { since_ms: Some(NOW_MS + 1), until_ms: Some(NOW_MS + 3), ..none }, vec![2, 1]),
    ] {
        let listed = snapshot.list_audit(&filter).await.unwrap();
        let listed: Vec<i64> = listed.iter().map(|(_, entry)| entry.at_ms - NOW_MS).collect();
        assert_eq!(listed, expected, "{filter:?}");
    }
}

async fn the_database_itself_refuses_to_change_an_entry(database: TestDatabase) {
    let records = database.open().await;
    append(&records, 2).await;
    let before = records.read().await.unwrap().list_audit(&AuditFilter::default()).await.unwrap();
    let values = "values (1, 0, '', '', '', '', '', 0, '', '')";
    let columns =
        "seq, at_ms, principal, action, target, subscription, group_name, outcome, correlation, detail";
    let own = match database.is_server() {
        true => vec![
            "truncate audit".to_owned(),
            format!(
                "insert into audit ({columns}) overriding system value {values} \
                 on conflict (seq) do update set principal = 'nobody'"
            ),
        ],
        false => vec![
            format!("insert or replace into audit ({columns}) {values}"),
            format!("replace into audit ({columns}) {values}"),
        ],
    };
    let common = [
        "update audit set principal = 'nobody'",
        "update audit set outcome = 200 where seq = 1",
        "delete from audit",
        "delete from audit where seq = 1",
    ];
    for sql in common.into_iter().map(str::to_owned).chain(own) {
        let error = database.execute(&sql).await.unwrap_err();
        assert!(matches!(error, RecordsError::Database(_)), "{sql}: {error}");
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
    assert_eq!(records.read().await.unwrap().list_audit(&AuditFilter::default()).await.unwrap(), before);
    assert_eq!(append(&records, 1).await.len(), 1);
}

/// Requests take their time before they write: a later one may have the smaller number.
async fn whoever_goes_on_behind_an_entry_misses_none_in_front_of_it(database: TestDatabase) {
    let records = database.open().await;
    let mut tx = records.begin().await.unwrap();
    let mut numbers = Vec::new();
    for n in [0, 50, 10, 60] {
        numbers.push(tx.append_audit(&entry(n)).await.unwrap());
    }
    tx.commit().await.unwrap();
    let mut snapshot = records.read().await.unwrap();
    let mut after = async |number, before| {
        let found = snapshot.audit_after(number, NOW_MS + before, 100).await.unwrap();
        found.into_iter().map(|(number, _)| number).collect::<Vec<_>>()
    };
    assert_eq!(after(0, 0).await, [0; 0]);
    // The third is old enough, and waits for the second.
    assert_eq!(after(0, 20).await, numbers[..1]);
    assert_eq!(after(numbers[0], 55).await, numbers[1..3]);
    assert_eq!(after(numbers[2], 100).await, numbers[3..]);
}

crate::on_both_databases!(
    whoever_goes_on_behind_an_entry_misses_none_in_front_of_it,
    entries_are_listed_with_the_newest_first_in_pages,
    lists_are_narrowed,
    the_database_itself_refuses_to_change_an_entry,
);
