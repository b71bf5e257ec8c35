//! Where a node listens: a host and a port, checked once, when it is read.
//!
//! ```text
//! 10.0.0.1:7420    [fd00::1]:7420    n1.example:7420
//! ```
//! In files, in JSON and on the wire an address is that text.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest name of a host in bytes, as in the DNS.
const NAME_BYTES_MAX: usize = 253;

/// Where a node listens. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    host: Host,
    port: u16,
}

/// The host of an [`Address`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Host {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; in brackets in an [`Address`].
    V6(Ipv6Addr),
    /// A name that somebody resolves: letters, digits, `-`, `_` and `.`.
    Name(Arc<str>),
}

/// Why a text is not an address.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressError {
    /// It has another form.
    #[error("\"{0}\" is not host:port, such as 10.0.0.1:7420, [fd00::1]:7420 or n1.example:7420")]
    Form(String),
    /// The colons of the host and the one before the port cannot be told apart.
    #[error("\"{0}\" is not host:port: an IPv6 address is written in brackets, such as [fd00::1]:7420")]
    Brackets(String),
}

impl Address {
    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the host stands for all addresses of a machine, as 0.0.0.0 and [::] do: one can listen there.
    pub fn is_unspecified(&self) -> bool {
        match &self.host {
            Host::V4(ip) => ip.is_unspecified(),
            Host::V6(ip) => ip.is_unspecified(),
            Host::Name(_) => false,
        }
    }

    /// Whether only this machine reaches it.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::V4(ip) => ip.is_loopback(),
            Host::V6(ip) => ip.is_loopback(),
            Host::Name(name) => &**name == "localhost",
        }
    }

    /// Why nobody can connect there, if so.
    pub fn unreachable_because(&self) -> Option<&'static str> {
        if self.port == 0 {
            return Some("nobody can connect to port 0: give the port");
        }
        self.is_unspecified().then_some("nobody can connect to all addresses: give the one of the node")
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let form = || AddressError::Form(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(form)?;
        // `parse` alone would take a sign.
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(form());
        }
        let port = port.parse().map_err(|_| form())?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bracketed {
            Some(v6) => Host::V6(v6.parse().map_err(|_| form())?),
            None if host.contains(':') => return Err(AddressError::Brackets(text.to_owned())),
            None => match host.parse() {
                Ok(v4) => Host::V4(v4),
                Err(_) if is_name(host) => Host::Name(host.into()),
                Err(_) => return Err(form()),
            },
        };
        Ok(Address { host, port })
    }
}

/// Digits and dots alone are a mistyped IPv4 address.
fn is_name(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && !text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::V4(ip) => ip.fmt(f),
            Host::V6(ip) => ip.fmt(f),
            Host::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::V6(ip) => write!(f, "[{ip}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<SocketAddr> for Address {
    fn from(addr: SocketAddr) -> Address {
        let host = match addr.ip() {
            IpAddr::V4(ip) => Host::V4(ip),
            IpAddr::V6(ip) => Host::V6(ip),
        };
        Address { host, port: addr.port() }
    }
}

impl From<Address> for String {
    fn from(addr: Address) -> String {
        addr.to_string()
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Address, AddressError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_it_was_written() {
        for text in ["10.0.0.1:7420", "[fd00::1]:7420", "[::]:0", "n1:1", "n_1.example-net.org:65535"] {
            let addr: Address = text.parse().unwrap();
            assert_eq!(addr.to_string(), text);
            assert_eq!(format!("{addr:?}"), text);
            assert_eq!(crate::encode(&addr), crate::encode(&text), "a text on the wire");
            assert_eq!(crate::decode::<Address>(&crate::encode(&addr)).unwrap(), addr);
        }
        let addr: Address = "[0:0::1]:7420".parse().unwrap();
        assert_eq!((addr.host(), addr.port()), (&Host::V6(Ipv6Addr::LOCALHOST), 7420));
        assert_eq!(Address::from(SocketAddr::from((Ipv6Addr::LOCALHOST, 7420))), addr);
    }

    #[test]
    fn whatever_has_another_form_is_refused_in_one_line() {
        for text in [
            "",
            ":1",
            "n1",
            "n1:",
            "n1:port",
            "n1:65536",
            "n1:+1",
            "n1:-1",
            "n 1:1",
            "n1 :1",
            "n1: 1",
            "10.0.0.256:1",
            "1:1",
            "[n1]:1",
            "[::1]",
            "[::1]:",
            "[::1:1",
            "n1/x:1",
            "n1\n:1",
            "ünode:1",
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains("host:port"), "{error}");
        }
        let error = "fd00::1:7420".parse::<Address>().unwrap_err();
        assert_eq!(error, AddressError::Brackets("fd00::1:7420".to_owned()));
        assert!(crate::decode::<Address>(&crate::encode(&"nowhere")).is_err());
    }
}
