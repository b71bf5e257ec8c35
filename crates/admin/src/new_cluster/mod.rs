//! New clusters: what they are, and the files that their nodes, clients and operators need.
//!
//! | file | what |
//! |---|---|
//! | `error` | why one is not made |
//! | `files` | `cluster.toml`, credentials, a file for each node |
//! | `names` | what names of nodes and file systems are made of |
//! | `spec` | identity, width, voters |

mod error;
mod files;
mod names;
mod spec;

pub use error::NewClusterError;
pub use files::{node_config, write_cluster};
pub use names::check_node_name;
pub use spec::new_cluster;
