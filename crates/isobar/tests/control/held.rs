//! The records of a control plane from outside: operations can be held at a step, so that whoever does it is
//! killed there.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, SqliteConnection};

/// What the database says when an operation that is held would go on.
pub const HELD: &str = "a test holds it here";

/// An operation as it is kept.
pub struct Kept {
    /// Forward: the steps that are done.
    pub step: i64,
    /// How often it has been claimed.
    pub fence: i64,
    pub status: String,
    pub message: String,
}

impl Kept {
    /// Whether every step is done and only the end is left to be written.
    pub fn is_ending(&self) -> bool {
        self.message.starts_with("Ending")
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        !["Accepted", "Running"].contains(&self.status.as_str())
    }
}

/// The records, which are a SQLite file.
pub struct Records(SqliteConnection);

impl Records {
    pub async fn open(database: &Path) -> Records {
        let connected = SqliteConnectOptions::new().filename(database).connect().await;
        Records(connected.expect("the records open"))
    }

    async fn run(&mut self, sql: String) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.0).await.expect("SQL");
    }

    /// From now on no operation gets beyond this step: whoever does it cannot write down that it is done.
    pub async fn hold_at(&mut self, step: i64) {
        self.let_go().await;
        let beyond = format!("new.step > {step} or new.ended_ms is not null");
        let hold = "create trigger held before update on operations when old.ended_ms is null and";
        self.run(format!("{hold} ({beyond}) begin select raise(abort, '{HELD}'); end")).await;
    }

    /// Operations go on.
    pub async fn let_go(&mut self) {
        self.run("drop trigger if exists held".to_owned()).await;
    }

    /// The time of whoever was killed is over: the next one need not wait for it.
    pub async fn lapse(&mut self) {
        self.run("update operations set lease_until_ms = 0 where ended_ms is null".to_owned()).await;
    }

    /// The newest operation of a kind.
    pub async fn newest(&mut self, kind: &str) -> Option<Kept> {
        let sql = "select step, fence, status, message from operations where kind = $1 \
                   order by created_ms desc, id desc limit 1";
        let row = sqlx::query(sql).bind(kind).fetch_optional(&mut self.0).await.expect("SQL")?;
        Some(Kept { step: row.get(0), fence: row.get(1), status: row.get(2), message: row.get(3) })
    }
}
