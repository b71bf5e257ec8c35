//! Why a validation could not be carried out.

use isobar_bench::BenchError;

use crate::targets::TargetsError;

/// Why a validation could not be carried out. Each says in one line what happened and what to change.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// An option makes no sense, or does not fit the cluster; nothing was done.
    #[error("{option}: {problem}")]
    Option {
        /// The option, or several.
        option: String,
        /// What is wrong and what to write.
        problem: String,
    },
    /// Nothing was asked for.
    #[error("everything is skipped: isobar status says how the cluster is")]
    NothingToDo,
    /// The file of targets cannot be used; nothing was done.
    #[error(transparent)]
    Targets(#[from] TargetsError),
    /// The cluster's file or credential cannot be used; nothing was done.
    #[error("{0}")]
    Cluster(String),
    /// The cluster cannot be measured at all.
    #[error("no node of the cluster answers ({first}): start them, or check --cluster")]
    NoNodeAnswers {
        /// What asking the first of them gave.
        first: String,
    },
    /// A workload could not be run; what was written has been removed.
    #[error(transparent)]
    Workload(BenchError),
    /// The drill's node could not be stopped; it has been told to start.
    #[error("cannot stop {node} for the drill: {why}")]
    NodeNotStopped {
        /// The node.
        node: String,
        /// Why.
        why: String,
    },
    /// The drill's node was stopped and could not be started: a person has to.
    #[error("cannot start {node} again after the drill: {why}; start it by hand")]
    NodeNotStarted {
        /// The node.
        node: String,
        /// Why.
        why: String,
    },
    /// The drill ended before there was anything to see.
    #[error("the drill could not be carried out: {0}")]
    Drill(String),
    /// This process could not do its part.
    #[error("{0}")]
    Process(String),
    /// Whoever asked called it off; what was written has been removed.
    #[error("called off; what was written has been removed")]
    CalledOff,
}

impl ValidateError {
    /// Whether nothing was done, since what was asked for contradicts itself or what is there.
    pub fn is_refusal(&self) -> bool {
        match self {
            ValidateError::Option { .. }
            | ValidateError::NothingToDo
            | ValidateError::Targets(_)
            | ValidateError::Cluster(_)
            | ValidateError::Workload(BenchError::BadInput(_)) => true,
            ValidateError::NoNodeAnswers { .. }
            | ValidateError::Workload(_)
            | ValidateError::NodeNotStopped { .. }
            | ValidateError::NodeNotStarted { .. }
            | ValidateError::Drill(_)
            | ValidateError::Process(_)
            | ValidateError::CalledOff => false,
        }
    }
}

impl From<BenchError> for ValidateError {
    fn from(error: BenchError) -> Self {
        match error {
            BenchError::CalledOff => ValidateError::CalledOff,
            other => ValidateError::Workload(other),
        }
    }
}

/// What a validation gives.
pub type Result<T> = std::result::Result<T, ValidateError>;
