//! How a cluster is: what each node says of itself, and the segments there are.

use std::time::Duration;

use isobar_base::Errno;
use isobar_cluster::Cluster;
use isobar_config::ClusterSpec;
use isobar_wire::Opcode;
use isobar_wire::message::cluster::NodeStatus;
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::queries::{Answer, ClusterQuery};

/// How long a node may take to say how it is.
const NODE_WAIT: Duration = Duration::from_millis(1500);
/// Segments asked for at a time.
const SEGMENTS_PER_MESSAGE: u32 = 4096;

/// Every node of the cluster file as it sees itself, in the file's order; `None` when it does not answer.
pub async fn node_states(spec: &ClusterSpec, cluster: &Cluster) -> Vec<Option<NodeStatus>> {
    let mut asking = Vec::new();
    for node in &spec.node {
        let channel = cluster.channels().to(&node.addr);
        asking.push(tokio::spawn(async move {
            channel.call::<_, NodeStatus>(Opcode::NodeStatus, &(), NODE_WAIT).await.ok()
        }));
    }
    let mut states = Vec::new();
    for asked in asking {
        states.push(asked.await.ok().flatten());
    }
    states
}

/// All committed segments.
///
/// # Errors
/// `EIO` when no quorum answered in time.
pub async fn segments(cluster: &Cluster) -> Result<Vec<SegmentInfo>, Errno> {
    let mut all: Vec<SegmentInfo> = Vec::new();
    loop {
        let after = all.last().map(|s| s.id);
        match cluster.query(ClusterQuery::Segments { after, limit: SEGMENTS_PER_MESSAGE }).await? {
            Answer::Segments(more) if more.is_empty() => return Ok(all),
            Answer::Segments(more) => all.extend(more),
            _ => return Err(Errno::EPROTO),
        }
    }
}
