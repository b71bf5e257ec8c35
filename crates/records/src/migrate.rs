//! Brings a database to the tables that this program knows.
//!
//! Migrations are numbered from 1. All that are missing are applied in one transaction with the version,
//! so a database has either all of a migration or nothing. Whoever opens at the same time waits for it,
//! and finds nothing left to do. A database that a newer program has changed is refused: its tables may
//! mean other things.

use crate::dialect::Dialect;
use crate::error::RecordsError;
use crate::session::Session;
use crate::sql::params;

/// One step of the tables. Once released it never changes.
struct Migration {
    /// What both databases do first.
    common: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// Number 1 first.
const MIGRATIONS: &[Migration] = &[Migration {
    common: include_str!("../migrations/0001.sql"),
    sqlite: include_str!("../migrations/0001.sqlite.sql"),
    postgres: include_str!("../migrations/0001.postgres.sql"),
}];

/// Any number that no other program on the same server takes: "isobar" in ASCII.
const ADVISORY_LOCK: i64 = 0x69_73_6f_62_61_72;

/// Applies what is missing, in the caller's transaction.
///
/// # Errors
/// `Newer`, `Unavailable`, `Database`.
pub(crate) async fn migrate(session: &mut Session) -> Result<(), RecordsError> {
    // SQLite has locked others out since the transaction began; PostgreSQL makes tables concurrently and
    // fails.
    if session.dialect() == Dialect::Postgres {
        session.execute("select pg_advisory_xact_lock($1)", &params![ADVISORY_LOCK]).await?;
    }
    session.execute("create table if not exists schema_version (version bigint not null)", &[]).await?;
    let row = session.row("select coalesce(max(version), 0) from schema_version", &[]).await?;
    let found: i64 = row.map_or(Ok(0), |row| row.columns().next())?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(RecordsError::Newer { found, known });
    }
    for (version, migration) in (1..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        let dialect = session.dialect();
        let own = match dialect {
            Dialect::Sqlite => migration.sqlite,
            Dialect::Postgres => migration.postgres,
        };
        for part in [migration.common, own] {
            session.script(dialect.translate(part)).await?;
        }
        session.execute("insert into schema_version (version) values ($1)", &params![version]).await?;
        tracing::info!(version, "the tables of the records are made");
    }
    Ok(())
}
