//! Why a client cannot be had. Errors of single calls are an [`isobar_base::Errno`].

use isobar_base::Errno;

/// Why a client cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The cluster file or the secret cannot be used.
    #[error("{0}")]
    Spec(String),
    /// No metadata quorum answered in time.
    #[error("no metadata quorum answered: {0}")]
    NoQuorum(String),
    /// The cluster refused.
    #[error("the cluster refused: {0}")]
    Refused(Errno),
}
