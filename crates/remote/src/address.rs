//! The address of a control plane, and links that lead there.

use crate::error::RemoteError;

/// The port where a URL names none.
const HTTPS_PORT: u16 = 443;

/// The address of a control plane: `https://HOST:PORT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Address {
    /// A name or an address of IP, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Address {
    /// Reads one; slashes at the end do not count.
    pub(crate) fn parse(text: &str) -> Result<Address, RemoteError> {
        let wrong = || RemoteError::Address(text.chars().take(200).collect());
        let rest = text.trim().strip_prefix("https://").ok_or_else(wrong)?.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            // The colons of an address of IPv6 are within brackets.
            Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (rest, HTTPS_PORT),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_of_host = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
        if bare.is_empty() || port == 0 || !bare.chars().all(is_of_host) {
            return Err(wrong());
        }
        Ok(Address { host: bare.to_lowercase(), port })
    }

    /// Host and port, as a `Host` header has them.
    pub(crate) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match self.port {
            HTTPS_PORT => host,
            port => format!("{host}:{port}"),
        }
    }

    /// The whole address, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.authority())
    }

    /// The path and query of a link to this server, absolute or from its root.
    ///
    /// # Errors
    /// It leads elsewhere. Nothing is sent there: a token would go with it.
    pub(crate) fn path_of(&self, link: &str) -> Result<String, RemoteError> {
        if link.starts_with('/') && !link.starts_with("//") {
            return Ok(link.to_owned());
        }
        let path_at = link.get(8..).and_then(|rest| rest.find('/')).map(|at| at + 8);
        let base = Address::parse(&link[..path_at.unwrap_or(link.len())]);
        if base.is_ok_and(|base| base == *self) {
            return Ok(path_at.map_or("/", |at| &link[at..]).to_owned());
        }
        let why = format!("{link} leads to another server: nothing is sent there");
        Err(RemoteError::Nonsense { url: self.url(), why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, url) in [
            ("https://127.0.0.1:7443", "https://127.0.0.1:7443"),
            ("https://Control.example.org/", "https://control.example.org"),
            ("https://[::1]:7443//", "https://[::1]:7443"),
            ("https://[::1]", "https://[::1]"),
        ] {
            assert_eq!(Address::parse(text).unwrap().url(), url, "{text}");
        }
        for text in ["", "http://a", "https://", "https://a:b", "https://a:0", "https://a/b", "https://u@a"] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.contains("write https://HOST:PORT"), "{text}: {error}");
        }
    }

    #[test]
    fn no_link_leads_to_another_server() {
        let address = Address::parse("https://localhost:7443").unwrap();
        assert_eq!(address.path_of("https://LOCALHOST:7443/a?b=c").unwrap(), "/a?b=c");
        assert_eq!(address.path_of("/a").unwrap(), "/a");
        for link in [
            "https://localhost/a",
            "https://evil.example:7443/a",
            "http://localhost:7443/a",
            "//evil/a",
            "a",
            "é",
        ] {
            assert!(address.path_of(link).is_err(), "{link}");
        }
    }
}
