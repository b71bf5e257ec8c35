//! A database of one test, and the running of a test on it.

use std::future::Future;
use std::io::Write;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::error::RecordsError;
use crate::records::Records;
use crate::testing::postgres::{Server, server};

/// An empty database that nobody else uses.
pub struct TestDatabase {
    url: String,
    is_shared: bool,
    /// Of the SQLite file, which goes with it.
    _folder: Option<TempDir>,
}

/// Runs a test on SQLite.
pub fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(TestDatabase) -> F) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("records.db").display());
    runtime().block_on(test(TestDatabase { url, is_shared: false, _folder: Some(folder) }));
}

/// Runs a test on PostgreSQL, if it is installed.
pub fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(TestDatabase) -> F) {
    static SAID: Once = Once::new();
    let Some(server) = server() else {
        // The tests' own output is shown only when they fail.
        let line =
            "PostgreSQL is not installed (apt-get install postgresql): its half of the tests is skipped";
        SAID.call_once(|| writeln!(std::io::stderr(), "{line}").expect("a line"));
        return;
    };
    runtime().block_on(async {
        let url = new_database(server).await;
        test(TestDatabase { url, is_shared: true, _folder: None }).await;
    });
}

impl TestDatabase {
    /// Where it is, for [`Records::open`].
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is a server that many processes share: PostgreSQL.
    pub fn is_server(&self) -> bool {
        self.is_shared
    }

    /// Opens it, as another process would.
    pub async fn open(&self) -> Records {
        Records::open(&self.url).await.expect("the database of a test opens")
    }

    /// Runs SQL of whatever kind, in a transaction.
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(&self, sql: &str) -> Result<(), RecordsError> {
        let mut tx = self.open().await.begin().await?;
        tx.session.script(sql.to_owned()).await?;
        tx.commit().await
    }
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime")
}

/// Makes a database that compares text as a language does, where the server can, since such ones exist.
async fn new_database(server: &Server) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(&server.url("postgres")).await.expect("the server answers");
    let plain = format!("create database {name}");
    let by_language = format!("{plain} template template0 locale_provider icu icu_locale 'en'");
    for sql in [by_language, plain] {
        if sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.is_ok() {
            connection.close().await.expect("the connection closes");
            return server.url(&name);
        }
    }
    panic!("PostgreSQL makes no database");
}
