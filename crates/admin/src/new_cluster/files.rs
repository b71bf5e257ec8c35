//! The files of a new cluster. `cluster.toml` comes last: where it is, everything is.

use std::io;
use std::path::{Path, PathBuf};

use isobar_config::{ClusterSpec, NodeConfig, NodeSpec, SAMPLE, TargetConfig};
use isobar_wire::{CredentialSet, Role};

use super::error::NewClusterError;
use crate::durable;

/// The configuration of one node, at its defaults.
///
/// # Errors
/// Never for a cluster of [`new_cluster`](super::new_cluster).
pub fn node_config(
    spec: &ClusterSpec,
    node: &NodeSpec,
    data_dir: PathBuf,
    targets: Vec<TargetConfig>,
) -> Result<NodeConfig, NewClusterError> {
    let mut config = NodeConfig::parse(SAMPLE)?;
    config.cluster = spec.cluster.clone();
    config.node = node.name.clone();
    config.listen = node.addr.clone();
    config.data_dir = data_dir;
    config.domain = node.domain.clone();
    config.cluster_file = PathBuf::from("cluster.toml");
    config.voter = node.voter;
    config.target = targets;
    Ok(config)
}

/// Writes the credentials, a file for each node and, when all of these are durable, `cluster.toml`, into a
/// directory that has no cluster and no credentials.
///
/// # Errors
/// See [`NewClusterError`]. Whatever is written when it fails, a node cannot be started from it.
pub fn write_cluster(
    out: &Path,
    spec: &ClusterSpec,
    config_of_node: impl Fn(&NodeSpec) -> Result<NodeConfig, NewClusterError>,
) -> Result<(), NewClusterError> {
    let failed = |path: &Path, error: io::Error| NewClusterError::Write { path: path.to_owned(), error };
    std::fs::create_dir_all(out).map_err(|e| failed(out, e))?;
    let cluster_file = out.join("cluster.toml");
    if cluster_file.exists() {
        return Err(NewClusterError::Exists { path: cluster_file });
    }
    if let Some(path) = Role::ALL.map(|role| out.join(role.file_name())).into_iter().find(|p| p.exists()) {
        return Err(NewClusterError::OthersCredential { path });
    }
    CredentialSet::generate(spec.id()?).and_then(|set| set.store(out)).map_err(|e| failed(out, e))?;
    for node in &spec.node {
        let path = out.join(format!("{}.toml", node.name));
        let text = format!(
            "# A node of cluster {}; every setting is explained in the manual.\n{}",
            spec.cluster,
            config_of_node(node)?.to_toml()?
        );
        durable::write(&path, text.as_bytes()).map_err(|e| failed(&path, e))?;
    }
    durable::write(&cluster_file, spec.to_toml()?.as_bytes()).map_err(|e| failed(&cluster_file, e))
}
