//! Why a file cannot be used.

/// Why a file cannot be used: one line with what to change. Not to be retried before that.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    /// The cluster file or a credential.
    #[error("{0}")]
    Cluster(String),
    /// A node's own file.
    #[error("configuration: {0}")]
    Node(String),
}
