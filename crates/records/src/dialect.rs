//! The points in which the statements of the two databases differ. Every other statement has one text for
//! both.
//!
//! What else differs: opening and beginning (`records`), a lock and a file of each migration (`migrate`), and
//! the codes of errors (`error`).

/// Which database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    /// A file of this machine.
    Sqlite,
    /// A server.
    Postgres,
}

impl Dialect {
    /// Begins a transaction that writes. SQLite takes the lock of the one writer at once: a lock taken
    /// half way through cannot be waited for. PostgreSQL gets its default in words, since servers may
    /// have another.
    pub(crate) fn begin(self) -> &'static str {
        match self {
            Dialect::Sqlite => "begin immediate",
            Dialect::Postgres => "begin isolation level read committed read write",
        }
    }

    /// Begins a transaction that only reads, all of it as of one moment.
    pub(crate) fn begin_reading(self) -> &'static str {
        match self {
            Dialect::Sqlite => "begin",
            Dialect::Postgres => "begin isolation level repeatable read read only",
        }
    }

    /// Ends a `select` whose rows nobody else may change before the transaction ends. SQLite has one writer.
    pub(crate) fn for_update(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => " for update",
        }
    }

    /// The same, leaving out rows that others hold.
    pub(crate) fn for_update_skip_locked(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => " for update skip locked",
        }
    }

    /// Gives a number that was never given before. A sequence holds no lock until the commit, as a row would.
    pub(crate) fn next_revision(self) -> &'static str {
        match self {
            Dialect::Sqlite => "update revisions set last = last + 1 returning last",
            Dialect::Postgres => "select nextval('revisions')",
        }
    }

    /// The text of a migration. Text that is ordered or compared by ranges goes by its bytes, whatever
    /// language the database was made for.
    pub(crate) fn translate(self, migration: &str) -> String {
        let (ordered_text, numbered_key) = match self {
            Dialect::Sqlite => ("text", "integer primary key autoincrement"),
            Dialect::Postgres => ("text collate \"C\"", "bigint generated always as identity primary key"),
        };
        migration.replace("ORDERED_TEXT", ordered_text).replace("NUMBERED_KEY", numbered_key)
    }
}
