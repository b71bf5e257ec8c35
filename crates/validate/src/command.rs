//! Command lines by which a reader gets a number again.

use serde::Serialize;

/// A command line that gives a number again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Command {
    /// What it measures or does.
    pub what: String,
    /// For a shell.
    pub command: String,
}

impl Command {
    pub(crate) fn new(what: &str, command: impl Into<String>) -> Command {
        Command { what: what.to_owned(), command: command.into() }
    }
}
