//! `isobar node`: the daemon, and what operators do to a node.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use isobar_admin::{ReplaceProgress, Replaced};
use isobar_cluster::Cluster;
use isobar_config::{ClusterSpec, NodeConfig};
use isobar_wire::Role;

use crate::cluster::{self, ClusterArgs};
use crate::output::{self, Format, Outcome};
use crate::progress::Progress;
use crate::{runtime, signals};

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Examples:\n  isobar node --config n1.toml\n  isobar node replace n3";

/// Arguments of `isobar node`.
#[derive(Args, Debug)]
pub struct NodeArgs {
    #[command(subcommand)]
    pub action: Option<NodeCommand>,
    /// The node's configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Stop when the process that started this one ends.
    #[arg(long, hide = true)]
    pub with_parent: bool,
}

/// What operators do to a node.
#[derive(Subcommand, Debug)]
pub enum NodeCommand {
    /// The node's disks are gone for good: rebuild onto the blank ones it now has.
    Replace {
        /// Name of the node.
        name: String,
        #[command(flatten)]
        cluster: ClusterArgs,
        /// Return at once instead of waiting for the rebuild.
        #[arg(long)]
        no_wait: bool,
    },
}

/// Runs a node, or acts on one.
pub fn run(args: NodeArgs, format: Format) -> Outcome {
    match (args.action, args.config) {
        (Some(NodeCommand::Replace { name, cluster, no_wait }), _) => {
            replace(&name, &cluster, no_wait, format)
        }
        (None, Some(config)) => {
            if args.with_parent {
                signals::end_with_parent();
            }
            let config = NodeConfig::load(&config).map_err(|e| e.to_string())?;
            let runtime = isobar_server::runtime(&config).map_err(|e| e.to_string())?;
            // On the runtime's threads: waking this one takes a system call each time.
            let node =
                runtime.spawn(async move { isobar_server::run(config, signals::asked_to_stop()).await });
            let ended = runtime.block_on(node);
            // After a panic some of its threads may never end.
            runtime.shutdown_background();
            ended.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
            Ok(ExitCode::SUCCESS)
        }
        (None, None) => Err("name the node's configuration: isobar node --config FILE".to_owned()),
    }
}

fn replace(name: &str, cluster: &ClusterArgs, no_wait: bool, format: Format) -> Outcome {
    let spec = cluster::find(cluster)?;
    runtime::block_on(async {
        let said = replace_and_wait(&spec, name, no_wait, &Progress::new(output::is_json(format))).await?;
        if output::is_json(format) {
            output::json(&serde_json::json!({ "node": name, "result": said }));
        } else {
            println!("{said}");
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Asks for the replacement of a node and, unless told otherwise, waits until it is rebuilt.
pub async fn replace_and_wait(
    spec: &ClusterSpec,
    name: &str,
    no_wait: bool,
    progress: &Progress,
) -> Result<String, String> {
    let cluster =
        Cluster::from_spec(spec, Role::Administrator, Duration::from_secs(30)).map_err(|e| e.to_string())?;
    let show = |waiting_for| match waiting_for {
        ReplaceProgress::WaitingForNode => {
            progress.now(format!("{name}: waiting for the node to start with its blank disks"));
        }
        ReplaceProgress::Rebuilding(None) => progress.now(format!("{name}: rebuilding, starting")),
        ReplaceProgress::Rebuilding(Some((done, total))) => {
            progress.now(format!("{name}: rebuilding, {done} of {total} rows"));
        }
    };
    let replaced =
        isobar_admin::replace(&cluster, spec, name, !no_wait, show).await.map_err(|e| e.to_string())?;
    Ok(match replaced {
        Replaced::Begun { now: true } => {
            format!("the blank disks of {name} take the places of its old ones now")
        }
        Replaced::Begun { now: false } => {
            format!("the blank disks of {name} will take the places of its old ones once it is started")
        }
        Replaced::VoterOnly => format!("{name} votes with the disk it has now"),
        Replaced::Whole { took } => {
            format!("{name} is rebuilt and at full redundancy ({:.1} s)", took.as_secs_f64())
        }
    })
}
