//! The address of a server, and links that lead there.

use crate::error::HttpsError;

/// The port where a URL names none.
const HTTPS_PORT: u16 = 443;

/// The address of a server: `https://HOST:PORT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address {
    /// A name or an address of IP, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Address {
    /// Reads one; slashes at the end do not count.
    ///
    /// # Errors
    /// It is none, or has a path.
    pub fn parse(text: &str) -> Result<Address, HttpsError> {
        let wrong = || HttpsError::Address(text.chars().take(200).collect());
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

    /// Reads a URL: the address, and the path with what follows it, which begins with a slash.
    ///
    /// # Errors
    /// It is none.
    pub fn of_url(url: &str) -> Result<(Address, String), HttpsError> {
        let url = url.trim();
        let path_at = path_at(url);
        let path = path_at.map_or("/", |at| &url[at..]);
        // What cannot stand in a path as it is would be taken for something else by somebody.
        if !path.bytes().all(|b| b.is_ascii_graphic()) || path.contains('#') {
            return Err(HttpsError::Address(url.chars().take(200).collect()));
        }
        Ok((Address::parse(&url[..path_at.unwrap_or(url.len())])?, path.to_owned()))
    }

    /// Host and port, as a `Host` header has them.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match self.port {
            HTTPS_PORT => host,
            port => format!("{host}:{port}"),
        }
    }

    /// The whole address, without a slash at the end.
    pub fn url(&self) -> String {
        format!("https://{}", self.authority())
    }

    /// The path and query of a link to this server, absolute or from its root.
    ///
    /// # Errors
    /// It leads elsewhere. Nothing is sent there: a token would go with it.
    pub fn path_of(&self, link: &str) -> Result<String, HttpsError> {
        if link.starts_with('/') && !link.starts_with("//") {
            return Ok(link.to_owned());
        }
        let path_at = path_at(link);
        let base = Address::parse(&link[..path_at.unwrap_or(link.len())]);
        if base.is_ok_and(|base| base == *self) {
            return Ok(path_at.map_or("/", |at| &link[at..]).to_owned());
        }
        let why = format!("{link} leads to another server: nothing is sent there");
        Err(HttpsError::Nonsense { url: self.url(), why })
    }
}

/// Where the path of a URL begins, if it has one.
fn path_at(url: &str) -> Option<usize> {
    url.get(8..).and_then(|rest| rest.find('/')).map(|at| at + 8)
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
    fn a_url_is_an_address_and_a_path() {
        let read = |url: &str| Address::of_url(url).map(|(address, path)| (address.url(), path));
        let of = |url: &str, path: &str| Ok((url.to_owned(), path.to_owned()));
        assert_eq!(read("https://a.example/t/v2.0?x=1"), of("https://a.example", "/t/v2.0?x=1"));
        assert_eq!(read("https://a.example:8443"), of("https://a.example:8443", "/"));
        for url in
            ["http://a/b", "https:///b", "https://a/b c", "https://a/b#c", "https://a/\r\nx", "a/b", "é"]
        {
            assert!(read(url).is_err(), "{url}");
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
