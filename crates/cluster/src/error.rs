//! Why a cluster cannot be used. Errors of single calls are an [`isobar_base::Errno`].

use isobar_base::Errno;
use isobar_config::ConfigError;

use crate::AskError;

/// Why a cluster cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The cluster file or the credential cannot be used.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// No metadata quorum answered in time.
    #[error("no metadata quorum answered: {0}")]
    NoQuorum(AskError),
    /// The cluster refused.
    #[error("the cluster refused: {0}")]
    Refused(Errno),
}
