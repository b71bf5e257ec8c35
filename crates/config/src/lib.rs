//! The files that describe a cluster to its nodes, its clients and its operators.
//!
//! | file | who reads it | type |
//! |---|---|---|
//! | `cluster.toml` | everybody: the nodes and where the credentials are | [`ClusterSpec`] |
//! | `NAME.toml` | one node: targets, roles, limits | [`NodeConfig`] |
//!
//! Every file refuses fields it does not know and versions it cannot read. Relative paths are relative to the
//! file.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod cluster_file;
mod error;
mod node_file;

pub use cluster_file::{ClusterSpec, NodeSpec};
pub use error::ConfigError;
pub use node_file::{
    CompactionConfig, MetaConfig, NodeConfig, RebuildConfig, SAMPLE, ScrubConfig, TARGET_BYTES_MIN,
    TARGETS_PER_NODE_MAX, TargetConfig,
};
