//! Names that are also names of files.

use super::error::NewClusterError;

/// Whether it can be the name of a file system.
pub(super) fn check_name(name: &str) -> Result<(), NewClusterError> {
    is_plain(name).then_some(()).ok_or_else(|| NewClusterError::Name { name: name.to_owned() })
}

/// Whether this can be the name of a node and of its file.
///
/// # Errors
/// When it cannot.
pub fn check_node_name(name: &str) -> Result<(), NewClusterError> {
    match name {
        "cluster" => Err(NewClusterError::NodeNamedCluster),
        _ if is_plain(name) => Ok(()),
        _ => Err(NewClusterError::NodeName { name: name.to_owned() }),
    }
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}
