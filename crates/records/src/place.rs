//! Which database a URL names.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

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
            let options = with_tls(options, url, std::env::var("PGSSLMODE").ok().as_deref());
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

/// Lets a server on another machine prove who it is, unless the URL or the environment says how much TLS
/// there is. The default of `sqlx` trusts whoever answers, even without TLS.
fn with_tls(options: PgConnectOptions, url: &str, environment: Option<&str>) -> PgConnectOptions {
    // `sqlx` takes a mode that it does not know for none.
    let is_in_environment = environment.is_some_and(|mode| mode.parse::<PgSslMode>().is_ok());
    if says_mode(url) || is_in_environment || is_on_this_machine(&options) {
        return options;
    }
    options.ssl_mode(PgSslMode::VerifyFull)
}

fn says_mode(url: &str) -> bool {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut names = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    names.any(|name| name == "sslmode" || name == "ssl-mode")
}

/// Whether it is reached by a socket or a loopback address.
fn is_on_this_machine(options: &PgConnectOptions) -> bool {
    // An IPv6 address has brackets in a URL.
    let host = options.get_host().trim_start_matches('[').trim_end_matches(']');
    let is_loopback = host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    options.get_socket().is_some()
        || host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || is_loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str, environment: Option<&str>) -> PgSslMode {
        // Whatever this process has in its environment.
        let options = PgConnectOptions::from_str(url).expect(url);
        let options = if says_mode(url) { options } else { options.ssl_mode(PgSslMode::Prefer) };
        with_tls(options, url, environment).get_ssl_mode()
    }

    #[test]
    fn a_server_on_another_machine_proves_who_it_is_unless_told_otherwise() {
        for url in [
            "postgres://u@db.example/d",
            "postgresql://u@10.0.0.1:5432/d?application_name=sslmode",
            "postgres://u@[fd00::1]/d#?sslmode=disable",
            "postgres://u@localhost/d?host=db.example",
            "postgres://u@localhost.example/d",
        ] {
            assert!(matches!(mode(url, None), PgSslMode::VerifyFull), "{url}");
            assert!(matches!(mode(url, Some("no such mode")), PgSslMode::VerifyFull), "{url}");
            assert!(matches!(mode(url, Some("require")), PgSslMode::Prefer), "{url}: left as it is");
        }
        for url in [
            "postgres://u@localhost/d",
            "postgres://u@127.0.0.1:5433/d",
            "postgres://u@[::1]/d",
            "postgres://u@%2Frun%2Fpostgresql/d",
            "postgres://u@db.example/d?host=/run/postgresql",
        ] {
            assert!(matches!(mode(url, None), PgSslMode::Prefer), "{url}");
        }
        let said = mode("postgres://u@db.example/d?user=x&sslmode=disable", None);
        assert!(matches!(said, PgSslMode::Disable));
        assert!(matches!(mode("postgres://u@db.example/d?ssl-mode=prefer", None), PgSslMode::Prefer));
    }

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
