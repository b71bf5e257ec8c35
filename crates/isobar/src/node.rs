//! `isobar node`: the daemon, and what operators do to a node.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use isobar_client::{Cluster, ClusterSpec};
use isobar_server::NodeConfig;
use isobar_wire::message::cluster::AdminRequest;

use crate::cluster::{self, ClusterArgs};
use crate::output::{self, Format, Outcome};
use crate::progress::Progress;
use crate::{runtime, signals, status};

/// How long `replace` waits for the rebuild at most.
const REBUILD_WAIT: Duration = Duration::from_secs(24 * 3600);

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
            runtime
                .block_on(async { isobar_server::run(config, signals::asked_to_stop()).await })
                .map_err(|e| e.to_string())?;
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
    if !spec.node.iter().any(|n| n.name == name) {
        let names: Vec<_> = spec.node.iter().map(|n| n.name.as_str()).collect();
        return Err(format!("there is no node {name}: choose one of {}", names.join(", ")));
    }
    let cluster = Cluster::from_spec(spec, Duration::from_secs(30)).map_err(|e| e.to_string())?;
    let said = cluster.admin(&AdminRequest::ReplaceNode { node: name.to_owned() }).await?;
    if no_wait {
        return Ok(said);
    }
    let begun = std::time::Instant::now();
    while begun.elapsed() < REBUILD_WAIT {
        let view = cluster.refresh(Duration::from_secs(30)).await?;
        let waiting = view.map.replacing.iter().any(|n| n == name);
        let unclean = status::unclean_targets(&view.map);
        let mine = view.map.targets.iter().filter(|t| t.node == name).find(|t| unclean.contains(&t.id));
        match mine {
            _ if waiting => {
                progress.now(format!("{name}: waiting for the node to start with its blank disks"))
            }
            None => {
                return Ok(format!(
                    "{name} is rebuilt and at full redundancy ({:.1} s)",
                    begun.elapsed().as_secs_f64()
                ));
            }
            Some(target) => {
                let rebuild = view.live.iter().find(|l| l.id == target.id).and_then(|l| l.rebuild);
                let text =
                    rebuild.map_or("starting".to_owned(), |(done, total)| format!("{done} of {total} rows"));
                progress.now(format!("{name}: rebuilding, {text}"));
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(format!("{name} was not rebuilt within a day: see isobar status"))
}
