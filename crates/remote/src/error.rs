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
    /// The server: its address, whether it is trusted, whether it is reached, what it says.
    #[error("{}", words(.0))]
    Server(#[from] HttpsError),
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

    /// Whether the server was not reached or went away. Whether it has done what it was asked is not known.
    pub fn is_away(&self) -> bool {
        matches!(self, RemoteError::Server(error) if error.is_away())
    }

    /// Whether something was not found.
    pub fn is_not_found(&self) -> bool {
        matches!(self, RemoteError::Refused { status: 404, .. })
    }
}

/// What is wrong with the server, and what to do where that is known of a control plane.
fn words(error: &HttpsError) -> String {
    match error {
        HttpsError::Address(text) => {
            format!("'{text}' is no address of a control plane: write https://HOST:PORT")
        }
        HttpsError::Untrusted { .. } => format!("{error}: name the authority's with --ca FILE"),
        HttpsError::NobodyListens { .. } => format!("{error}: start it with isobar control"),
        other => other.to_string(),
    }
}
