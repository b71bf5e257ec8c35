//! What can go wrong, each in one line.

/// A message that came to nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HttpsError {
    /// An address that is none.
    #[error("'{0}' is no address: write https://HOST:PORT")]
    Address(String),
    /// A certificate of an authority cannot be used.
    #[error("the authority's certificate: {0}")]
    Authority(String),
    /// The server has a certificate that nobody trusted has signed.
    #[error("{url}: its certificate is not trusted here ({why})")]
    Untrusted {
        /// The server.
        url: String,
        /// What was wrong with it.
        why: String,
    },
    /// The machine is there, and no program takes connections.
    #[error("{url}: nobody listens there")]
    NobodyListens {
        /// The server.
        url: String,
    },
    /// The server cannot be reached, or went away. Whether it has done what it was asked is not known.
    #[error("{url}: {why}")]
    Unreachable {
        /// The server.
        url: String,
        /// What was said.
        why: String,
    },
    /// What the server says makes no sense.
    #[error("{url}: {why}")]
    Nonsense {
        /// The server.
        url: String,
        /// What about it.
        why: String,
    },
    /// The message is none that can be sent.
    #[error("{0}")]
    Message(String),
}

impl HttpsError {
    /// Whether the server was not reached or went away.
    pub fn is_away(&self) -> bool {
        matches!(self, HttpsError::Unreachable { .. } | HttpsError::NobodyListens { .. })
    }
}
