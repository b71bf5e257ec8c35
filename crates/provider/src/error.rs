//! What failed, and whether it may go better another time.

/// A call that failed. What was done before it failed stays, and a repetition finds it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProviderError {
    /// It may go better another time: repeat the call, a little later.
    #[error("{0}")]
    Retry(String),
    /// It will not get better by itself. The line says what would help.
    #[error("{0}")]
    Cannot(String),
}

impl ProviderError {
    /// It may go better another time.
    pub fn retry(why: impl ToString) -> ProviderError {
        ProviderError::Retry(why.to_string())
    }

    /// It will not get better by itself.
    pub fn cannot(why: impl ToString) -> ProviderError {
        ProviderError::Cannot(why.to_string())
    }
}
