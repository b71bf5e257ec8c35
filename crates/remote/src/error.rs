//! What can go wrong, each in one line that says what to do.

use std::path::PathBuf;

use isobar_arm::ArmError;
use isobar_https::HttpsError;

/// A request that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// There is no profile.
    #[error("nobody is logged in: isobar login URL --client-id ID")]
    NotLoggedIn,
    /// The profile cannot be read or written.
    #[error("the profile {path}: {why}")]
    Profile {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An address that is none.
    #[error("'{0}' is no address of a control plane: write https://HOST:PORT")]
    Address(String),
    /// A certificate of an authority cannot be used.
    #[error("the authority's certificate: {0}")]
    Authority(String),
    /// The server has a certificate that nobody trusted has signed.
    #[error("{url}: its certificate is not trusted here ({why}): name the authority's with --ca FILE")]
    Untrusted {
        /// The server.
        url: String,
        /// What was wrong with it.
        why: String,
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
    /// The client id or the secret is wrong, or there is no such tenant.
    #[error("the login was refused: {0}")]
    Login(String),
    /// The server refuses.
    #[error("{error}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Why.
        error: Box<ArmError>,
    },
    /// What went on after the request was answered has failed or was canceled.
    #[error("{0}")]
    Failed(Box<ArmError>),
    /// What goes on is not waited for any longer.
    #[error("it still goes on, and is not waited for any longer: {0}")]
    TooLong(String),
    /// A value that is missing or cannot be used.
    #[error("{0}")]
    Value(String),
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    NoRandomness(String),
}

impl RemoteError {
    /// What the server said, if it was the server.
    pub fn said(&self) -> Option<&ArmError> {
        match self {
            RemoteError::Refused { error, .. } | RemoteError::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Whether something was not found.
    pub fn is_not_found(&self) -> bool {
        matches!(self, RemoteError::Refused { status: 404, .. })
    }
}

impl From<HttpsError> for RemoteError {
    fn from(error: HttpsError) -> RemoteError {
        match error {
            HttpsError::Address(text) => RemoteError::Address(text),
            HttpsError::Authority(why) => RemoteError::Authority(why),
            HttpsError::Untrusted { url, why } => RemoteError::Untrusted { url, why },
            HttpsError::NobodyListens { url } => {
                let why = "nobody listens there: start it with isobar control".to_owned();
                RemoteError::Unreachable { url, why }
            }
            HttpsError::Unreachable { url, why } => RemoteError::Unreachable { url, why },
            HttpsError::Nonsense { url, why } => RemoteError::Nonsense { url, why },
            HttpsError::Message(why) => RemoteError::Value(why),
        }
    }
}
