//! `isobar credentials`: new credentials for a cluster that there is.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use isobar_wire::{CredentialSet, Role};

use crate::cluster::{self, ClusterArgs};
use crate::output::{self, Format, Outcome};

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Example:\n  isobar credentials renew --cluster cluster/";

/// What is done with credentials.
#[derive(Subcommand, Debug)]
pub enum CredentialsAction {
    /// Make new credentials of all roles: who has only an old one gets no further once all nodes are started
    /// with the new ones.
    #[command(after_help = EXAMPLES)]
    Renew(ClusterArgs),
}

/// Carries it out.
pub fn run(action: &CredentialsAction, format: Format) -> Outcome {
    let CredentialsAction::Renew(args) = action;
    let spec = cluster::find(args)?;
    let id = spec.id().map_err(|e| e.to_string())?;
    let dir: PathBuf = spec.base.join(&spec.credentials).components().collect();
    let set = CredentialSet::generate(id).and_then(|set| set.store(&dir));
    set.map_err(|e| format!("no credentials made in {}: {e}", dir.display()))?;
    let files = Role::ALL.map(|role| dir.join(role.file_name()));
    if output::is_json(format) {
        output::json(&serde_json::json!({ "cluster": spec.cluster, "files": files }));
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "new credentials of cluster {} in {}: {}",
        spec.cluster,
        dir.display(),
        Role::ALL.map(Role::file_name).join(", ")
    );
    println!(
        "Unmount, stop all nodes, copy node.pem to each node and client.pem to each client, start them."
    );
    Ok(ExitCode::SUCCESS)
}
