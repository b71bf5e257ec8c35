//! Which database a URL names.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use crate::error::RecordsError;

/// Where the records are.
pub(crate) enum Place {
    /// A file of this machine.
    Sqlite(PathBuf),
    /// A server, and how to reach it.
    Postgres(Box<PgConnectOptions>),
}

impl Place {
    /// # Errors
    /// `Url`. It does not repeat the URL, which may have a password in it.
    pub(crate) fn from_url(url: &str) -> Result<Place, RecordsError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url).map_err(|error| {
                RecordsError::Url(format!("the URL of the PostgreSQL database cannot be read: {error}"))
            })?;
            return Ok(Place::Postgres(Box::new(options.application_name("isobar"))));
        }
        let path = url.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
        match (path, url) {
            (None, url) if url.contains("://") => {
                Err(RecordsError::Url("the URL is of a database of another kind".to_owned()))
            }
            (Some(path), _) if path.contains('?') => {
                Err(RecordsError::Url("the URL of a SQLite file takes no parameters".to_owned()))
            }
            (Some("" | ":memory:"), _) | (None, "" | ":memory:") => {
                Err(RecordsError::Url("the database needs a file".to_owned()))
            }
            // Names that begin with `file:` would be read as URLs once more.
            (path, url) => Ok(Place::Sqlite(Path::new(".").join(path.unwrap_or(url)))),
        }
    }

    /// In words, without a password.
    pub(crate) fn words(&self) -> String {
        match self {
            Place::Sqlite(path) => path.strip_prefix(".").unwrap_or(path).display().to_string(),
            Place::Postgres(options) => {
                let database = options.get_database().unwrap_or_else(|| options.get_username());
                format!("{database} on {}", options.get_host())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_with_or_without_a_scheme() {
        for (url, file) in [
            ("sqlite:a.db", "a.db"),
            ("sqlite://a.db", "a.db"),
            ("sqlite:/x/a.db", "/x/a.db"),
            ("sqlite:///x/a.db", "/x/a.db"),
            ("x/a.db", "x/a.db"),
            ("file:a.db", "file:a.db"),
        ] {
            assert_eq!(Place::from_url(url).unwrap().words(), file, "{url}");
        }
    }

    #[test]
    fn what_names_no_database_is_refused_without_repeating_it() {
        for url in ["", "sqlite:", ":memory:", "sqlite::memory:", "sqlite:a?mode=ro", "mysql://u:pw@h/d"] {
            let error = Place::from_url(url).err().expect(url).to_string();
            assert!(!error.contains("pw") && !error.contains('\n'), "{error}");
        }
        let error = Place::from_url("postgres://u:pw@h:port/d").err().expect("no port").to_string();
        assert!(!error.contains("pw"), "{error}");
    }

    #[test]
    fn words_about_a_server_leave_the_password_out() {
        let place = Place::from_url("postgres://u:secret@db.example/records?sslmode=require").unwrap();
        assert_eq!(place.words(), "records on db.example");
    }
}
