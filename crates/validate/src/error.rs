//! Why a validation could not be carried out.

/// Why a validation could not be carried out. Each says in one line what happened and what to change.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// What was asked for contradicts itself or what is there; nothing was done.
    #[error("{0}")]
    BadInput(String),
    /// The cluster cannot be measured at all.
    #[error("{0}")]
    Failed(String),
    /// Whoever asked called it off; what was written has been removed.
    #[error("called off; what was written has been removed")]
    CalledOff,
}

impl From<isobar_bench::BenchError> for ValidateError {
    fn from(error: isobar_bench::BenchError) -> Self {
        match error {
            isobar_bench::BenchError::BadInput(text) => ValidateError::BadInput(text),
            isobar_bench::BenchError::CalledOff => ValidateError::CalledOff,
            other => ValidateError::Failed(other.to_string()),
        }
    }
}

/// What a validation gives.
pub type Result<T> = std::result::Result<T, ValidateError>;
