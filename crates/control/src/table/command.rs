//! What people type at a command line for an operation.

/// What people type for an operation.
///
/// Reads may share their words when the path of one has all parameters of the other's and more: which one is
/// meant follows from what is given. So `cluster list` is a list of the subscription, and with `--group` that
/// of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Nobody has said: a row that is not complete.
    Unsaid,
    /// These words behind the program's name: `group create`.
    Words(&'static str),
    /// Nothing, for this reason: programs alone have use for it.
    ForPrograms(&'static str),
}
