//! Opening a database, and beginning transactions.

use std::fmt;
use std::future::Future;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use tokio::sync::Mutex;

use crate::boxed::Boxed;
use crate::dialect::Dialect;
use crate::error::RecordsError;
use crate::limits::{
    POSTGRES_CONNECTIONS_MAX, SILENCE_MAX, SQLITE_CONNECTIONS_MAX, WAIT_MAX, WAL_RETRY_EVERY,
};
use crate::migrate::migrate;
use crate::place::Place;
use crate::session::{Link, Session};
use crate::tx::{Snapshot, Tx};

/// The database. A clone is another handle to the same one.
#[derive(Clone)]
pub struct Records {
    pool: Pool,
    /// What it is, in words.
    words: Arc<str>,
}

#[derive(Clone)]
enum Pool {
    /// With the turn to write: waiting for it here is in order and costs nothing, unlike SQLite's own
    /// waiting.
    Sqlite(SqlitePool, Arc<Mutex<()>>),
    Postgres(PgPool),
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Records").field(&self.words).finish()
    }
}

impl Records {
    /// Opens a SQLite file (a path, or `sqlite:PATH`; it is made if there is none, readable by its owner
    /// only) or a PostgreSQL database (`postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full`), and
    /// brings its tables up to date. Several programs may open at the same time.
    ///
    /// Where neither the URL nor `PGSSLMODE` says an `sslmode`, it is `verify-full`; `prefer` on a loopback
    /// address or a socket.
    ///
    /// # Errors
    /// `Url`, `Open`, `Newer`, `Unavailable`, `Database`.
    pub fn open(url: &str) -> Boxed<'_, Result<Records, RecordsError>> {
        Box::pin(async move {
            let place = Place::from_url(url)?;
            let words: Arc<str> = place.words().into();
            let failed = |source| RecordsError::Open { place: words.to_string(), source };
            let pool = match &place {
                Place::Sqlite(path) => {
                    Pool::Sqlite(open_sqlite(path).await.map_err(failed)?, Arc::new(Mutex::new(())))
                }
                Place::Postgres(options) => Pool::Postgres(open_postgres(options).await.map_err(failed)?),
            };
            let records = Records { pool, words };
            let mut tx = records.begin().await?;
            migrate(&mut tx.session).await?;
            tx.commit().await?;
            Ok(records)
        })
    }

    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// `Unavailable`, `Database`.
    pub fn begin(&self) -> Boxed<'_, Result<Tx, RecordsError>> {
        Box::pin(async move {
            let link = match &self.pool {
                Pool::Sqlite(pool, turn) => {
                    let turn =
                        tokio::time::timeout(WAIT_MAX, turn.clone().lock_owned()).await.map_err(|_| {
                            RecordsError::Unavailable("others have been writing all the time".to_owned())
                        })?;
                    let pool = pool.clone();
                    to_the_end(async move {
                        let tx = pool.begin_with(Dialect::Sqlite.begin()).await?;
                        Ok(Link::Sqlite(tx, Some(turn)))
                    })
                    .await
                }
                Pool::Postgres(pool) => {
                    let pool = pool.clone();
                    to_the_end(
                        async move { pool.begin_with(Dialect::Postgres.begin()).await.map(Link::Postgres) },
                    )
                    .await
                }
            };
            Ok(Tx::new(Session::new(link.map_err(RecordsError::of)?)))
        })
    }

    /// Begins to read.
    ///
    /// # Errors
    /// `Unavailable`, `Database`.
    pub fn read(&self) -> Boxed<'_, Result<Snapshot, RecordsError>> {
        Box::pin(async move {
            let link = match &self.pool {
                Pool::Sqlite(pool, _) => {
                    let pool = pool.clone();
                    to_the_end(async move {
                        let tx = pool.begin_with(Dialect::Sqlite.begin_reading()).await?;
                        Ok(Link::Sqlite(tx, None))
                    })
                    .await
                }
                Pool::Postgres(pool) => {
                    let pool = pool.clone();
                    to_the_end(async move {
                        pool.begin_with(Dialect::Postgres.begin_reading()).await.map(Link::Postgres)
                    })
                    .await
                }
            };
            Ok(Snapshot::new(Session::new(link.map_err(RecordsError::of)?)))
        })
    }

    /// Closes all connections once their transactions have ended. Without it they close when the last handle
    /// is dropped.
    pub fn close(&self) -> Boxed<'_, ()> {
        Box::pin(async move {
            match &self.pool {
                Pool::Sqlite(pool, _) => pool.close().await,
                Pool::Postgres(pool) => pool.close().await,
            }
        })
    }
}

/// Begins a transaction in a task of its own. A caller that goes away half way, as HTTP handlers do,
/// would leave a connection in the pool that has begun and does not know it.
async fn to_the_end<T: Send + 'static>(
    begin: impl Future<Output = Result<T, sqlx::Error>> + Send + 'static,
) -> Result<T, sqlx::Error> {
    tokio::spawn(begin).await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

async fn open_sqlite(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    // SQLite gives its other files the permissions of this one.
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(WAIT_MAX)
        .foreign_keys(true)
        // An answer survives a power cut.
        .synchronous(SqliteSynchronous::Full);
    let mut connection = options.connect().await?;
    use_write_ahead_log(&mut connection).await?;
    connection.close().await?;
    SqlitePoolOptions::new()
        .max_connections(SQLITE_CONNECTIONS_MAX)
        .acquire_timeout(WAIT_MAX)
        .connect_with(options)
        .await
}

/// So that readers and the writer do not wait for each other. The file remembers it.
async fn use_write_ahead_log(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let begun = Instant::now();
    loop {
        let answer = sqlx::query("pragma journal_mode = wal").fetch_one(&mut *connection).await;
        match answer.and_then(|row| row.try_get::<String, _>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let why = format!("its file system takes no write-ahead log, only {mode}");
                return Err(sqlx::Error::Configuration(why.into()));
            }
            // SQLite does not wait for this one lock.
            Err(sqlx::Error::Database(said)) if is_busy(&*said) && begun.elapsed() < WAIT_MAX => {
                tokio::time::sleep(WAL_RETRY_EVERY).await;
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_busy(said: &dyn sqlx::error::DatabaseError) -> bool {
    let code = said.code().and_then(|code| code.parse::<u32>().ok());
    // SQLITE_BUSY; the upper bits say more exactly why.
    code.is_some_and(|code| code & 0xff == 5)
}

async fn open_postgres(options: &PgConnectOptions) -> Result<PgPool, sqlx::Error> {
    // A pool tries until its time is over and then does not say why; one connection does.
    let connected = tokio::time::timeout(WAIT_MAX, options.connect()).await;
    connected.map_err(|_| sqlx::Error::PoolTimedOut)??.close().await?;
    let settings = format!(
        "set lock_timeout = {}; set idle_in_transaction_session_timeout = {}",
        WAIT_MAX.as_millis(),
        SILENCE_MAX.as_millis()
    );
    let settings: Arc<str> = settings.into();
    PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS_MAX)
        .acquire_timeout(WAIT_MAX)
        .after_connect(move |connection, _| {
            let set = sqlx::raw_sql(sqlx::AssertSqlSafe(settings.clone()));
            Box::pin(async move { set.execute(connection).await.map(drop) })
        })
        .connect_with(options.clone())
        .await
}
