//! One transaction on either database: statements in, rows out.
//!
//! A statement that fails, or that is given up before it has answered, *spoils* the transaction: it cannot be
//! committed any more. PostgreSQL would answer such a COMMIT as if all were well, and roll back.

use std::borrow::Cow;

use sqlx::postgres::Postgres;
use sqlx::query::Query;
use sqlx::sqlite::Sqlite;
use sqlx::{AssertSqlSafe, Database, Encode, Transaction, Type};
use tokio::sync::OwnedMutexGuard;

use crate::boxed::Boxed;
use crate::dialect::Dialect;
use crate::error::RecordsError;
use crate::row::Row;
use crate::sql::Param;

/// The transaction of the database's own kind. Dropped, it is rolled back.
pub(crate) enum Link {
    /// With the turn to write, if it writes: given back after the transaction.
    Sqlite(Transaction<'static, Sqlite>, Option<OwnedMutexGuard<()>>),
    /// On a connection of its own.
    Postgres(Transaction<'static, Postgres>),
}

/// A transaction under way.
pub(crate) struct Session {
    link: Link,
    is_spoiled: bool,
}

impl Session {
    pub(crate) fn new(link: Link) -> Session {
        Session { link, is_spoiled: false }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self.link {
            Link::Sqlite(..) => Dialect::Sqlite,
            Link::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement; gives the number of rows it changed.
    pub(crate) fn execute<'a>(
        &'a mut self,
        sql: impl Into<Cow<'static, str>>,
        params: &'a [Param<'_>],
    ) -> Boxed<'a, Result<u64, RecordsError>> {
        self.execute_sql(AssertSqlSafe(sql.into()), params)
    }

    fn execute_sql<'a>(
        &'a mut self,
        sql: AssertSqlSafe<Cow<'static, str>>,
        params: &'a [Param<'_>],
    ) -> Boxed<'a, Result<u64, RecordsError>> {
        Box::pin(async move {
            let before = self.enter(params)?;
            let done = match &mut self.link {
                Link::Sqlite(tx, _) => {
                    bind(sqlx::query(sql), params).execute(&mut **tx).await.map(|done| done.rows_affected())
                }
                Link::Postgres(tx) => {
                    bind(sqlx::query(sql), params).execute(&mut **tx).await.map(|done| done.rows_affected())
                }
            };
            self.leave(before, done)
        })
    }

    /// Runs a statement; gives its rows.
    pub(crate) fn rows<'a>(
        &'a mut self,
        sql: impl Into<Cow<'static, str>>,
        params: &'a [Param<'_>],
    ) -> Boxed<'a, Result<Vec<Row>, RecordsError>> {
        self.rows_of_sql(AssertSqlSafe(sql.into()), params)
    }

    fn rows_of_sql<'a>(
        &'a mut self,
        sql: AssertSqlSafe<Cow<'static, str>>,
        params: &'a [Param<'_>],
    ) -> Boxed<'a, Result<Vec<Row>, RecordsError>> {
        Box::pin(async move {
            let before = self.enter(params)?;
            let rows = match &mut self.link {
                Link::Sqlite(tx, _) => bind(sqlx::query(sql), params)
                    .fetch_all(&mut **tx)
                    .await
                    .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
                Link::Postgres(tx) => bind(sqlx::query(sql), params)
                    .fetch_all(&mut **tx)
                    .await
                    .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
            };
            self.leave(before, rows)
        })
    }

    /// The first row, if there is one.
    pub(crate) async fn row(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        params: &[Param<'_>],
    ) -> Result<Option<Row>, RecordsError> {
        Ok(self.rows(sql, params).await?.into_iter().next())
    }

    /// Runs several statements without parameters.
    pub(crate) fn script(&mut self, sql: String) -> Boxed<'_, Result<(), RecordsError>> {
        Box::pin(async move {
            let before = self.enter(&[])?;
            let script = sqlx::raw_sql(AssertSqlSafe(sql));
            let done = match &mut self.link {
                Link::Sqlite(tx, _) => script.execute(&mut **tx).await.map(drop),
                Link::Postgres(tx) => script.execute(&mut **tx).await.map(drop),
            };
            self.leave(before, done)
        })
    }

    pub(crate) fn commit(self) -> Boxed<'static, Result<(), RecordsError>> {
        Box::pin(async move {
            if self.is_spoiled {
                return Err(RecordsError::Spoiled);
            }
            let done = match self.link {
                Link::Sqlite(tx, turn) => {
                    let done = tx.commit().await;
                    drop(turn);
                    done
                }
                Link::Postgres(tx) => tx.commit().await,
            };
            done.map_err(RecordsError::of_commit)
        })
    }

    /// Before a statement: until it has answered the transaction counts as spoiled.
    fn enter(&mut self, params: &[Param<'_>]) -> Result<bool, RecordsError> {
        if params.iter().any(Param::has_zero_byte) {
            return Err(RecordsError::ZeroByte);
        }
        Ok(std::mem::replace(&mut self.is_spoiled, true))
    }

    fn leave<T>(&mut self, before: bool, done: Result<T, sqlx::Error>) -> Result<T, RecordsError> {
        let done = done.map_err(RecordsError::of)?;
        self.is_spoiled = before;
        Ok(done)
    }
}

/// Puts the parameters into the places of a statement.
fn bind<'q, DB: Database>(
    mut query: Query<'q, DB, <DB as Database>::Arguments>,
    params: &[Param<'_>],
) -> Query<'q, DB, <DB as Database>::Arguments>
where
    Option<i64>: for<'p> Encode<'p, DB> + Type<DB>,
    for<'p> Option<&'p str>: Encode<'p, DB> + Type<DB>,
{
    for param in params {
        query = match param {
            Param::Int(number) => query.bind(*number),
            Param::Text(text) => query.bind(text.as_deref()),
        };
    }
    query
}
