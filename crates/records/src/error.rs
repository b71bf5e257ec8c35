//! What can go wrong, and what the caller can do about it.

use sqlx::error::ErrorKind;

/// A record was not read or written. Whatever the reason, nothing of a transaction is kept unless its commit
/// returned without an error; the one exception is [`RecordsError::Uncertain`].
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The URL names no database that can be opened. Trying again without a change gives the same.
    #[error("{0}; write a path or sqlite:PATH for a file, or postgres://USER@HOST/DATABASE")]
    Url(String),
    /// The database did not open: see the reason, then try again.
    #[error("cannot open the database {place}: {source}")]
    Open {
        /// The file, or host and database; never a password.
        place: String,
        /// What was said.
        source: sqlx::Error,
    },
    /// A newer program has already changed the tables: use that one.
    #[error("the database has version {found} and this program knows up to {known}: use a newer program")]
    Newer {
        /// The version found.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The database cannot be reached, or others kept it busy for too long: try again.
    #[error("the database is not available at the moment: {0}")]
    Unavailable(String),
    /// The database refused or failed. Trying again helps only after what it says has been seen to.
    #[error("the database failed: {0}")]
    Database(#[source] sqlx::Error),
    /// The connection was lost while committing: the transaction is kept either as a whole or not at all.
    /// Read before doing it again.
    #[error("the connection to the database was lost while committing: {0}")]
    Uncertain(#[source] sqlx::Error),
    /// An earlier statement of the transaction failed or was given up, so it cannot be committed: begin
    /// again.
    #[error("an earlier statement of this transaction failed: nothing of it is kept")]
    Spoiled,
    /// There is a resource with this key already.
    #[error("{key} exists already")]
    Exists {
        /// Its key.
        key: String,
    },
    /// There is no such resource.
    #[error("there is no {key}")]
    Missing {
        /// Its key.
        key: String,
    },
    /// The parent that a new resource names does not exist; the transaction is spoiled.
    #[error("{key} cannot be made: its parent {parent} does not exist")]
    NoParent {
        /// The key of the resource.
        key: String,
        /// The key of the parent.
        parent: String,
    },
    /// Somebody changed the resource meanwhile: read it again.
    #[error("{key} has changed meanwhile")]
    Stale {
        /// Its key.
        key: String,
    },
    /// Another operation on the target has not ended: wait for it, or cancel it.
    #[error("operation {operation} on {target} has not ended yet")]
    Busy {
        /// The resource's key.
        target: String,
        /// The id of the operation under way.
        operation: String,
    },
    /// An operation with this id exists already: draw another id.
    #[error("there is an operation {id} already")]
    SameOperation {
        /// The id.
        id: String,
    },
    /// Somebody else has claimed the operation meanwhile, or it has ended: leave it alone.
    #[error("operation {id} belongs to somebody else by now")]
    Lost {
        /// The id of the operation.
        id: String,
    },
    /// A document is larger than rows may be: make it smaller.
    #[error("{what} has {bytes} bytes, at most {bytes_max} are kept")]
    TooLarge {
        /// Which document.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The largest size.
        bytes_max: usize,
    },
    /// A document has more lists and objects inside each other than can be read back: make it flatter.
    #[error("{what}: nested more than {depth_max} levels deep")]
    TooDeep {
        /// Which document.
        what: &'static str,
        /// The most levels.
        depth_max: usize,
    },
    /// A text has a zero byte, which PostgreSQL cannot keep.
    #[error("a text with a zero byte cannot be kept")]
    ZeroByte,
    /// A row does not make sense: somebody else wrote into the database.
    #[error("the database holds something that this program did not write: {0}")]
    Foreign(String),
}

impl RecordsError {
    /// Of a statement, or of the beginning of a transaction.
    pub(crate) fn of(error: sqlx::Error) -> RecordsError {
        match &error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
                RecordsError::Unavailable(error.to_string())
            }
            sqlx::Error::Database(said) if is_passing(said.code().as_deref().unwrap_or_default()) => {
                RecordsError::Unavailable(said.to_string())
            }
            _ => RecordsError::Database(error),
        }
    }

    /// Of a commit. What the database says itself is certain; a lost connection is not, nor is the farewell
    /// of a server that stops or is told to end the connection: the commit may have been done before.
    pub(crate) fn of_commit(error: sqlx::Error) -> RecordsError {
        match &error {
            sqlx::Error::Database(said) if !said.code().is_some_and(|code| code.starts_with("57P")) => {
                RecordsError::of(error)
            }
            _ => RecordsError::Uncertain(error),
        }
    }

    /// Whether a row names another that does not exist.
    pub(crate) fn is_of_foreign_key(&self) -> bool {
        let RecordsError::Database(sqlx::Error::Database(said)) = self else { return false };
        said.kind() == ErrorKind::ForeignKeyViolation
    }
}

/// Whether an error with this code goes away by itself: locks, deadlocks, servers that start or stop.
fn is_passing(code: &str) -> bool {
    const POSTGRES: &[&str] = &["40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53300", "25P03"];
    /// SQLITE_BUSY and SQLITE_LOCKED; the upper bits say more exactly why.
    const SQLITE: &[u32] = &[5, 6];
    // The codes of PostgreSQL have five characters, those of SQLite at most four.
    match code.len() {
        5 => POSTGRES.contains(&code),
        _ => code.parse().is_ok_and(|code: u32| SQLITE.contains(&(code & 0xff))),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error;
    use std::fmt;

    use super::*;

    /// What a database says, by its code.
    #[derive(Debug)]
    struct Said(&'static str);

    impl fmt::Display for Said {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Said {}

    impl sqlx::error::DatabaseError for Said {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn a_commit_is_uncertain_when_the_server_stops_in_between() {
        let of_commit = |code| RecordsError::of_commit(sqlx::Error::Database(Box::new(Said(code))));
        for code in ["57P01", "57P02", "57P03", "57P05"] {
            let error = of_commit(code);
            assert!(matches!(error, RecordsError::Uncertain(_)), "{code}: {error:?}");
        }
        assert!(matches!(RecordsError::of_commit(sqlx::Error::WorkerCrashed), RecordsError::Uncertain(_)));
        for code in ["40001", "5", "55P03"] {
            let error = of_commit(code);
            assert!(matches!(error, RecordsError::Unavailable(_)), "{code}: {error:?}");
        }
        for code in ["23505", "57014", "13"] {
            let error = of_commit(code);
            assert!(matches!(error, RecordsError::Database(_)), "{code}: {error:?}");
        }
    }

    #[test]
    fn what_goes_away_by_itself_is_told_from_what_does_not() {
        for code in ["5", "6", "261", "517", "40001", "40P01", "55P03"] {
            assert!(is_passing(code), "{code}");
        }
        for code in ["", "1", "11", "13", "2067", "23505", "42601"] {
            assert!(!is_passing(code), "{code}");
        }
    }
}
