//! Who stops and starts a node for the drill: the local cluster's processes, or commands of the user.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use isobar_admin::Local;
use isobar_client::{Cluster, ClusterSpec};
use isobar_validate::NodeControl;
use isobar_wire::Role;

use crate::{local, runtime};

/// How long a killed process may take to be gone.
const GONE_WAIT: Duration = Duration::from_secs(10);
const LEADER_WAIT: Duration = Duration::from_secs(3);

/// Nodes that are processes of a local cluster.
pub struct DevCluster {
    pub local: Local,
}

impl NodeControl for DevCluster {
    fn stop(&self, node: &str) -> Result<(), String> {
        local::kill(&self.local, node)?;
        let begun = Instant::now();
        while self.local.is_running(node) {
            if begun.elapsed() > GONE_WAIT {
                return Err(format!("{node} still runs {} s after SIGKILL", GONE_WAIT.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn start(&self, node: &str) -> Result<(), String> {
        self.local.start_node(node, false).map(drop).map_err(local::words)
    }

    fn commands(&self, node: &str) -> (String, String) {
        let data = match self.local.dir == local::dev_dir() {
            true => String::new(),
            false => format!(" --data {}", self.local.dir.display()),
        };
        (format!("isobar dev kill {node}{data}"), format!("isobar dev start {node}{data}"))
    }

    fn is_whole(&self) -> Result<bool, String> {
        is_whole(&self.local.spec)
    }
}

/// Commands of the user, `{}` being the node's name.
pub struct Commands {
    pub stop: String,
    pub start: String,
    pub spec: ClusterSpec,
}

impl NodeControl for Commands {
    fn stop(&self, node: &str) -> Result<(), String> {
        shell(&self.stop, node)
    }

    fn start(&self, node: &str) -> Result<(), String> {
        shell(&self.start, node)
    }

    fn commands(&self, node: &str) -> (String, String) {
        (self.stop.replace("{}", node), self.start.replace("{}", node))
    }

    fn is_whole(&self) -> Result<bool, String> {
        is_whole(&self.spec)
    }
}

fn shell(command: &str, node: &str) -> Result<(), String> {
    let command = command.replace("{}", node);
    let output = Command::new("sh")
        .arg("-c")
        .arg(&command)
        .env("ISOBAR_NODE", node)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{command}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command}: {} ({})", output.status, said.lines().last().unwrap_or("it said nothing")))
}

/// Every target up and admitted, and no row of any segment missing.
pub(super) fn is_whole(spec: &ClusterSpec) -> Result<bool, String> {
    runtime::block_on(async {
        let cluster =
            Cluster::from_spec(spec, Role::Administrator, LEADER_WAIT).map_err(|e| e.to_string())?;
        let view = cluster.refresh(LEADER_WAIT).await.map_err(|e| e.to_string())?;
        let segments = isobar_admin::segments(&cluster).await.map_err(|e| e.to_string())?;
        let up = view.live.iter().all(|live| live.up && !live.failed);
        Ok(up && isobar_admin::redundancy(&segments, &view).worst() == 0)
    })
}
