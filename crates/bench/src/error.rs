//! Why a measurement could not be made.

use std::path::Path;

/// Why a measurement could not be made. Each says in one line what happened and what to change.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// What was asked for contradicts itself or what is there; nothing was done.
    #[error("{0}")]
    BadInput(String),
    /// The file system is full; what was written has been removed.
    #[error("{0}")]
    NoSpace(String),
    /// A call or a process failed; what was written has been removed.
    #[error("{0}")]
    Failed(String),
    /// Whoever asked for the measurement called it off; what was written has been removed.
    #[error("called off")]
    CalledOff,
}

/// What a measurement gives.
pub type Result<T> = std::result::Result<T, BenchError>;

/// Says which call failed on what, keeping its errno.
pub(crate) fn failed(verb: &str, path: &Path, error: std::io::Error) -> BenchError {
    let text = format!("cannot {verb} {}: {error}", path.display());
    if error.kind() == std::io::ErrorKind::StorageFull || error.kind() == std::io::ErrorKind::QuotaExceeded {
        BenchError::NoSpace(format!("{text}: free some space, or write less"))
    } else {
        BenchError::Failed(text)
    }
}
