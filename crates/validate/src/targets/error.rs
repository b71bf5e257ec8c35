//! Why a file of targets cannot be used.

/// Why a file of targets cannot be used. Each names the file and says in one line what to write instead.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum TargetsError {
    /// It cannot be read as targets.
    #[error("{origin} line {line}: {problem}")]
    Syntax {
        /// The file.
        origin: String,
        /// Where, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A share is not one.
    #[error("{origin}: {name} = {value} is a share: write 0 to {most} (0.8 is 80 %)")]
    NotAShare {
        /// The file.
        origin: String,
        /// The target.
        name: &'static str,
        /// What was written.
        value: f64,
        /// The most that makes sense.
        most: f64,
    },
    /// A number of operations is not one.
    #[error("{origin}: {name} = {value}: write a number of 0 or more")]
    NotACount {
        /// The file.
        origin: String,
        /// The target.
        name: &'static str,
        /// What was written.
        value: f64,
    },
    /// Two targets cannot both be met.
    #[error("{origin}: {problem}")]
    Contradiction {
        /// The file.
        origin: String,
        /// Which, and what to change.
        problem: String,
    },
}
