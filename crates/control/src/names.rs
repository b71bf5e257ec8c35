//! The names under which clients reach this server.
//!
//! Answers have addresses in them (of the next page, of an operation's status), and tokens name the server
//! that they are for. All of these are made from names that the server's certificate has; the `Host` of a
//! request only chooses among them.

/// The names of a server, each of which is an address with the port: `https://localhost:8443`.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    hosts: Vec<String>,
    port: u16,
}

impl Names {
    /// These names; the first one is used where a request names none of them.
    pub(crate) fn new(hosts: Vec<String>, port: u16) -> Names {
        Names { hosts, port }
    }

    /// The first name's address.
    pub(crate) fn first(&self) -> String {
        self.hosts.first().map_or_else(|| self.of("localhost"), |host| self.of(host))
    }

    /// The address by which a request's `Host` means this server.
    pub(crate) fn chosen_by(&self, host: Option<&str>) -> String {
        let chosen = host.and_then(|host| self.hosts.iter().find(|known| self.is(known, host)));
        chosen.map_or_else(|| self.first(), |host| self.of(host))
    }

    /// Whether an address is one of ours, whatever slashes it ends with.
    pub(crate) fn has(&self, address: &str) -> bool {
        let address = address.trim_end_matches('/');
        self.hosts.iter().any(|host| self.of(host).eq_ignore_ascii_case(address))
    }

    fn is(&self, known: &str, host: &str) -> bool {
        let with_port = format!("{}:{}", bracketed(known), self.port);
        with_port.eq_ignore_ascii_case(host)
            || self.port == 443 && bracketed(known).eq_ignore_ascii_case(host)
    }

    fn of(&self, host: &str) -> String {
        match self.port {
            443 => format!("https://{}", bracketed(host)),
            port => format!("https://{}:{port}", bracketed(host)),
        }
    }
}

/// An address of IPv6 stands in brackets in a URL.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_chooses_among_our_own_names() {
        let names = Names::new(vec!["127.0.0.1".into(), "localhost".into(), "::1".into()], 8443);
        assert_eq!(names.chosen_by(Some("LOCALHOST:8443")), "https://localhost:8443");
        assert_eq!(names.chosen_by(Some("[::1]:8443")), "https://[::1]:8443");
        for other in [None, Some("evil.example"), Some("localhost"), Some("localhost:1")] {
            assert_eq!(names.chosen_by(other), "https://127.0.0.1:8443");
        }
        assert!(names.has("https://localhost:8443//") && !names.has("https://localhost"));
        assert!(Names::new(vec!["a.example".into()], 443).has("https://A.example/"));
    }
}
