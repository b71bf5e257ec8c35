//! Opening a database.

use std::os::unix::fs::PermissionsExt;
use std::pin::pin;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::task::JoinSet;

use crate::testing::{TestDatabase, on_sqlite};
use crate::{Records, RecordsError};

async fn processes_that_open_an_empty_database_together_all_succeed(database: TestDatabase) {
    let mut opening = JoinSet::new();
    for n in 0..6 {
        let url = database.url().to_owned();
        opening.spawn(async move {
            let records = Records::open(&url).await.unwrap();
            let mut tx = records.begin().await.unwrap();
            tx.set_setting(&format!("{n}"), "open").await.unwrap();
            tx.commit().await.unwrap();
        });
    }
    while let Some(opened) = opening.join_next().await {
        opened.unwrap();
    }
    let mut snapshot = database.open().await.read().await.unwrap();
    for n in 0..6 {
        assert_eq!(snapshot.setting(&format!("{n}")).await.unwrap().as_deref(), Some("open"));
    }
}

async fn what_was_kept_is_there_when_it_is_opened_again(database: TestDatabase) {
    let records = database.open().await;
    let mut tx = records.begin().await.unwrap();
    tx.set_setting("name", "kept").await.unwrap();
    tx.commit().await.unwrap();
    records.close().await;
    let mut snapshot = database.open().await.read().await.unwrap();
    assert_eq!(snapshot.setting("name").await.unwrap().as_deref(), Some("kept"));
}

async fn a_database_of_a_newer_program_is_refused_in_one_line(database: TestDatabase) {
    database.execute("insert into schema_version (version) values (1000)").await.unwrap();
    let error = Records::open(database.url()).await.unwrap_err();
    assert!(matches!(error, RecordsError::Newer { found: 1000, .. }), "{error}");
    assert!(!error.to_string().contains('\n'));
    assert!(error.to_string().contains("newer program"), "{error}");
}

crate::on_both_databases!(
    processes_that_open_an_empty_database_together_all_succeed,
    what_was_kept_is_there_when_it_is_opened_again,
    a_database_of_a_newer_program_is_refused_in_one_line,
);

#[test]
fn a_file_is_its_owners_and_survives_a_power_cut() {
    on_sqlite(|database| async move {
        let records = database.open().await;
        let mode = |name: String| std::fs::metadata(name).unwrap().permissions().mode() & 0o777;
        let path = database.url().strip_prefix("sqlite:").unwrap();
        assert_eq!(mode(path.to_owned()), 0o600);
        let mut tx = records.begin().await.unwrap();
        tx.set_setting("a", "b").await.unwrap();
        assert_eq!(mode(format!("{path}-wal")), 0o600);
        for (pragma, value) in [("synchronous", 2), ("foreign_keys", 1)] {
            let row = tx.session.row(format!("pragma {pragma}"), &[]).await.unwrap().unwrap();
            assert_eq!(row.columns().next::<i64>().unwrap(), value, "{pragma}");
        }
        let row = tx.session.row("pragma journal_mode", &[]).await.unwrap().unwrap();
        assert_eq!(row.columns().next::<String>().unwrap(), "wal");
    });
}

#[test]
fn a_file_that_somebody_reads_without_a_log_is_waited_for() {
    on_sqlite(|database| async move {
        let path = database.url().strip_prefix("sqlite:").unwrap();
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut reader = options.connect().await.unwrap();
        let hold = "create table other (x bigint); begin; select * from other";
        sqlx::raw_sql(hold).execute(&mut reader).await.unwrap();
        let mut opening = pin!(Records::open(database.url()));
        let patience = Duration::from_millis(200);
        assert!(tokio::time::timeout(patience, opening.as_mut()).await.is_err(), "it cannot open yet");
        sqlx::raw_sql("commit").execute(&mut reader).await.unwrap();
        opening.await.unwrap();
    });
}

#[test]
fn what_cannot_be_opened_is_said_with_its_name() {
    on_sqlite(|_| async {
        let error = Records::open("sqlite:/no/such/folder/records.db").await.unwrap_err().to_string();
        assert!(error.contains("/no/such/folder/records.db"), "{error}");
        // Nobody listens on port 1.
        let url = "postgres://me:secret@127.0.0.1:1/things";
        let error = Records::open(url).await.unwrap_err().to_string();
        assert!(error.contains("things on 127.0.0.1") && !error.contains("secret"), "{error}");
    });
}
