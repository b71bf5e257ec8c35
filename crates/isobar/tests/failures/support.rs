//! What the tests of failures need beside a cluster.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use isobar_base::Ino;
use isobar_client::{Cluster, ClusterSpec};
use isobar_wire::Role;
use isobar_wire::message::queries::{Answer, ClusterQuery};
use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::common::{TestCluster, until};

pub const SECOND: Duration = Duration::from_secs(1);
pub const MIB: usize = 1 << 20;

/// Writes a file and syncs it.
pub fn put(path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// What a call gave, and how long it took.
pub fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let result = call();
    (result, begun.elapsed())
}

/// Whether a call failed with this error number.
pub fn is_errno<T>(result: &io::Result<T>, errno: rustix::io::Errno) -> bool {
    result.as_ref().err().and_then(io::Error::raw_os_error) == Some(errno.raw_os_error())
}

/// Sends a signal to one process.
pub fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid as i32).expect("a process id");
    rustix::process::kill_process(pid, signal).expect("the signal is sent");
}

/// All processes of a cluster.
pub fn pids(cluster: &TestCluster) -> Vec<u32> {
    let pids = cluster.dev(&["pids"]);
    pids.lines().filter_map(|line| line.split_once(' ')?.1.parse().ok()).collect()
}

/// A process that is stopped, until this is dropped.
pub struct Frozen(u32);

impl Frozen {
    pub fn new(pid: u32) -> Frozen {
        signal(pid, Signal::STOP);
        Frozen(pid)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal(self.0, Signal::CONT);
    }
}

/// Name of the metadata leader.
pub fn leader(cluster: &TestCluster) -> String {
    let mut leader = None;
    until(20 * SECOND, "somebody leads", || {
        let status = cluster.status();
        let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
        leader = nodes.iter().find_map(|n| n["status"]["meta"]["leader"].as_str().map(str::to_owned));
        leader.is_some()
    });
    leader.expect("somebody leads")
}

/// Waits until so many targets are up.
pub fn wait_up(cluster: &TestCluster, count: usize) {
    until(30 * SECOND, "the others notice who is up", || {
        let status = cluster.status();
        let live = status["view"]["live"].as_array().cloned().unwrap_or_default();
        live.iter().filter(|l| l["up"] == true && l["failed"] == false).count() == count
    });
}

/// Bytes used on each device.
pub fn used(cluster: &TestCluster) -> Vec<u64> {
    let status = cluster.status();
    let live = status["view"]["live"].as_array().cloned().unwrap_or_default();
    live.iter().filter_map(|l| l["used_bytes"].as_u64()).collect()
}

/// `isobar fsck` as JSON.
pub fn fsck(cluster: &TestCluster) -> Value {
    let output = cluster.isobar(&["fsck", "--output", "json"]);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("fsck said nothing: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Panics with the report unless fsck finds nothing wrong. Prints the longest apply of each voter.
pub fn assert_clean(cluster: &TestCluster) {
    let status = cluster.status();
    for node in status["nodes"].as_array().into_iter().flatten() {
        if let Some(longest_ms) = node["status"]["meta"]["apply_ms_max"].as_u64() {
            println!("longest apply on {}: {longest_ms} ms", node["status"]["node"]);
        }
    }
    let report = fsck(cluster);
    assert!(report["clean"] == true, "{report:#}");
}

/// Data and parity rows of each segment of a file.
pub fn widths(cluster: &TestCluster, file: &Path) -> Vec<(u8, u8)> {
    let ino = Ino(fs::metadata(file).expect("the file is there").ino());
    let spec = ClusterSpec::load(cluster.dir()).expect("the cluster file loads");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let access =
            Cluster::from_spec(&spec, Role::Administrator, 20 * SECOND).expect("the credential loads");
        let (mut widths, mut after) = (Vec::new(), None);
        loop {
            let Ok(Answer::Segments(step)) =
                access.query(ClusterQuery::Segments { after, limit: 1000 }).await
            else {
                panic!("segments cannot be listed");
            };
            let Some(last) = step.last() else { return widths };
            after = Some(last.id);
            widths.extend(step.iter().filter(|s| s.ino == ino).map(|s| (s.geometry.data, s.geometry.parity)));
        }
    })
}

/// The row of `isobar status` about a node.
pub fn status_line(cluster: &TestCluster, node: &str) -> String {
    let output = cluster.isobar(&["status"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find(|line| line.split_whitespace().next() == Some(node)).unwrap_or_default().to_owned()
}

/// Whether status names the blank disk of a node, and the command that replaces it.
pub fn asks_to_be_replaced(cluster: &TestCluster, node: &str) -> bool {
    let attention = cluster.status()["attention"].as_array().cloned().unwrap_or_default();
    let command = format!("isobar node replace {node}");
    attention.iter().any(|a| {
        let blank = a["what"]["kind"] == "target_blank" || a["what"]["kind"] == "voter_blank";
        blank && a["what"]["node"] == node && a["text"].as_str().is_some_and(|text| text.contains(&command))
    })
}

/// Kills a node, empties its directory and starts it with blank disks.
pub fn blank(cluster: &TestCluster, node: &str) {
    cluster.kill(node);
    fs::remove_dir_all(cluster.dir().join(node)).expect("the node's directory goes");
    cluster.start_node(node);
}

/// `isobar node replace`, to the end.
pub fn replace(cluster: &TestCluster, node: &str) {
    let output = cluster.isobar(&["node", "replace", node]);
    assert!(output.status.success(), "{node}: {}", String::from_utf8_lossy(&output.stderr));
}
