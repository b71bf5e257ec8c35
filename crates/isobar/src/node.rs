//! `isobar node`: the daemon, and what operators do to a node.

use std::process::ExitCode;
use std::time::Duration;

use isobar_admin::{ReplaceProgress, Replaced};
use isobar_cluster::Cluster;
use isobar_config::{ClusterSpec, NodeConfig};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{ClusterArgs, Format, NodeArgs, NodeCommand, Outcome};
use crate::progress::Progress;
use crate::{local, output};

/// Runs a node, or acts on one.
pub fn run(args: NodeArgs, format: Format) -> Outcome {
    match (args.action, args.config) {
        (Some(NodeCommand::Replace { name, cluster, no_wait }), _) => {
            replace(&name, &cluster, no_wait, format)
        }
        (None, Some(config)) => {
            if args.with_parent {
                local::end_with_parent();
            }
            let config = NodeConfig::load(&config).map_err(|e| e.to_string())?;
            let runtime = isobar_server::runtime(&config).map_err(|e| e.to_string())?;
            runtime
                .block_on(async { isobar_server::run(config, asked_to_stop()).await })
                .map_err(|e| e.to_string())?;
            Ok(ExitCode::SUCCESS)
        }
        (None, None) => Err("name the node's configuration: isobar node --config FILE".to_owned()),
    }
}

/// Resolves on SIGTERM or SIGINT.
pub async fn asked_to_stop() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("cannot listen for signals");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

fn replace(name: &str, cluster: &ClusterArgs, no_wait: bool, format: Format) -> Outcome {
    let spec = local::find_cluster(cluster)?;
    local::block_on(async {
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
    let cluster = Cluster::from_spec(spec, Duration::from_secs(30)).map_err(|e| e.to_string())?;
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
