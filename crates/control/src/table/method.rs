//! Methods of HTTP.

use std::fmt;

/// A method of HTTP.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Method {
    /// Reads.
    Get,
    /// Says whether it is there.
    Head,
    /// Makes, or replaces.
    Put,
    /// Changes a part.
    Patch,
    /// Does something.
    Post,
    /// Takes away.
    Delete,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 6] =
        [Method::Get, Method::Head, Method::Put, Method::Patch, Method::Post, Method::Delete];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        }
    }

    /// Reads one.
    pub fn parse(text: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.as_str() == text)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
