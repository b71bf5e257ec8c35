//! Which cluster a command is about.

use std::path::PathBuf;

use clap::Args;
use isobar_client::ClusterSpec;

use crate::local;

/// Which cluster.
#[derive(Args, Debug, Clone)]
pub struct ClusterArgs {
    /// A cluster file, or the directory that holds cluster.toml. Default: the local cluster of `dev`,
    /// or else of `demo`.
    #[arg(long, env = "ISOBAR_CLUSTER", value_name = "PATH")]
    pub cluster: Option<PathBuf>,
}

/// The cluster these arguments name.
pub fn find(args: &ClusterArgs) -> Result<ClusterSpec, String> {
    let path = args.cluster.clone().unwrap_or_else(local::cluster_dir);
    ClusterSpec::load(&path).map_err(|e| match path.exists() {
        true => e.to_string(),
        false => format!("{e} (name a cluster with --cluster PATH, or make a local one with isobar dev up)"),
    })
}
