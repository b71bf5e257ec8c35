//! Why a node does not start or stops.

use std::path::PathBuf;

use isobar_config::ConfigError;
use isobar_wire::Address;

/// Why a node does not start or stops. Each is one line that says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The configuration cannot be used. Not to be retried before it is changed.
    #[error("configuration: {0}")]
    Config(String),
    /// The node's own file cannot be used. Not to be retried before it is changed.
    #[error(transparent)]
    File(#[from] ConfigError),
    /// A storage target cannot be used.
    #[error("target {path}: {why}")]
    Target {
        /// Its path.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// The metadata role cannot be used.
    #[error("metadata in {path}: {why}")]
    Meta {
        /// Its directory.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// A part of the node failed in a way nobody foresaw: only a new start helps.
    #[error("a part of the node panicked ({what}): the process ends, to be started again")]
    Panicked {
        /// Which.
        what: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// Where.
        addr: Address,
        /// What the system said.
        source: std::io::Error,
    },
}
