//! A row of either database, read column by column.

use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Postgres, Row as _, Sqlite};

use crate::error::RecordsError;

/// One row.
pub(crate) enum Row {
    /// Of SQLite.
    Sqlite(SqliteRow),
    /// Of PostgreSQL.
    Postgres(PgRow),
}

/// Reads the columns of a row in their order.
pub(crate) struct Columns<'r> {
    row: &'r Row,
    at: usize,
}

impl Row {
    /// From the first column on.
    pub(crate) fn columns(&self) -> Columns<'_> {
        Columns { row: self, at: 0 }
    }
}

impl Columns<'_> {
    /// The next column: an `i64`, a `String`, or an `Option` of one of them.
    pub(crate) fn next<T>(&mut self) -> Result<T, RecordsError>
    where
        T: for<'r> Decode<'r, Sqlite> + for<'r> Decode<'r, Postgres>,
    {
        let at = self.at;
        self.at += 1;
        // The types are those of our own tables; SQLite knows none for an expression.
        let read = match self.row {
            Row::Sqlite(row) => row.try_get_unchecked::<T, _>(at),
            Row::Postgres(row) => row.try_get_unchecked::<T, _>(at),
        };
        read.map_err(|error| RecordsError::Foreign(error.to_string()))
    }

    /// A number of another type.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, RecordsError> {
        let number: i64 = self.next()?;
        T::try_from(number).map_err(|_| RecordsError::Foreign(format!("the number {number}")))
    }

    /// A yes or no.
    pub(crate) fn flag(&mut self) -> Result<bool, RecordsError> {
        Ok(self.next::<i64>()? != 0)
    }

    /// A document.
    pub(crate) fn document(&mut self) -> Result<Value, RecordsError> {
        self.maybe_document().map(Option::unwrap_or_default)
    }

    /// A document, or null.
    pub(crate) fn maybe_document(&mut self) -> Result<Option<Value>, RecordsError> {
        let parse = |text: String| serde_json::from_str(&text);
        let parsed = self.next::<Option<String>>()?.map(parse).transpose();
        parsed.map_err(|error| RecordsError::Foreign(format!("a document: {error}")))
    }
}
