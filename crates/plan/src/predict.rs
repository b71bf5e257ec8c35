//! What a cluster that exists should reach: the number a measurement is compared with.

use serde::Serialize;

use crate::assumptions::Assumptions;
use crate::code::{Code, CodingPath};
use crate::error::PlanError;
use crate::machine::MachineFacts;
use crate::model::{self, Limit, Work};
use crate::units::{Bytes, BytesPerSecond, PerSecond};

/// Clients, where their own network may be what limits.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ClientFacts {
    /// How many machines.
    pub count: u32,
    /// Line rate of each, in either direction.
    pub network_bytes_per_second: BytesPerSecond,
}

/// A cluster.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ClusterFacts {
    /// The machine of each node; on a shared machine, each node's share of it.
    pub machine: MachineFacts,
    /// Nodes that are up.
    pub nodes: u32,
    /// The code new data is written with.
    pub code: Code,
    /// Where the coding happens.
    pub path: CodingPath,
    /// Metadata groups; a cluster of today has 1.
    pub metadata_groups: u32,
    /// Size of the small files to predict for, above 4 KiB.
    pub small_file_bytes: Bytes,
    /// The clients; `None` when they are not to be a limit.
    pub clients: Option<ClientFacts>,
}

/// A rate of bytes, and what sets it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Rate {
    /// Bytes of files.
    pub bytes_per_second: BytesPerSecond,
    /// What binds.
    pub limit: Limit,
}

/// A rate of operations, and what sets it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct OperationRate {
    /// Operations.
    pub per_second: PerSecond,
    /// What binds.
    pub limit: Limit,
}

/// A rate of small files, and what sets it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct FileRate {
    /// Files.
    pub files_per_second: PerSecond,
    /// Their bytes.
    pub bytes_per_second: BytesPerSecond,
    /// What binds.
    pub limit: Limit,
}

/// What a cluster should reach with enough clients. A rate is `None` when no known fact limits it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Prediction {
    /// The code it is for.
    pub code: Code,
    /// Nodes it is for.
    pub nodes: u32,
    /// Large files, reading only.
    pub read: Option<Rate>,
    /// Large files, writing only.
    pub write: Option<Rate>,
    /// Large files, reading and writing at once: the rate of each.
    pub both_each_way: Option<Rate>,
    /// Small files, reading only.
    pub small_read: Option<FileRate>,
    /// Small files, making and writing only.
    pub small_write: Option<FileRate>,
    /// Small files, reading and writing at once: the rate of each.
    pub small_both_each_way: Option<FileRate>,
    /// Empty files made.
    pub creates: Option<OperationRate>,
    /// Attributes read.
    pub stats: Option<OperationRate>,
    /// Files removed.
    pub removes: Option<OperationRate>,
    /// Room for large files after parity and reserve.
    pub usable_bytes: Option<Bytes>,
    /// Facts that are not known and so set no limit.
    pub unknown: Vec<&'static str>,
}

/// Predicts what a cluster reaches: efficiency is applied, headroom is not.
///
/// This is the same arithmetic as a plan's ([`crate::model`]), the other way round. Pass
/// [`Assumptions::at_line_rate`] for what the hardware alone allows: the quotient of a measurement and that
/// is the efficiency to put into `--assume efficiency=…`.
///
/// # Errors
/// [`PlanError::Request`] when there are fewer nodes than the code has rows, no metadata group, or when
/// small files have 0 bytes.
///
/// ```
/// use isobar_plan::{Assumptions, Catalogue, ClusterFacts, Code, CodingPath, Limit, predict, Bytes};
/// let cluster = ClusterFacts {
///     machine: Catalogue::built_in().resolve("L96s_v4")?.facts,
///     nodes: 8,
///     code: Code::new(6, 2)?,
///     path: CodingPath::Clients,
///     metadata_groups: 1,
///     small_file_bytes: Bytes(32 << 10),
///     clients: None,
/// };
/// let prediction = predict(&cluster, &Assumptions::built_in())?;
/// let both = prediction.both_each_way.ok_or(isobar_plan::PlanError::Impossible(String::new()))?;
/// assert_eq!(both.bytes_per_second.to_string(), "24.6 GB/s");
/// assert_eq!(both.limit, Limit::NetworkIn);
/// # Ok::<(), isobar_plan::PlanError>(())
/// ```
pub fn predict(cluster: &ClusterFacts, assumptions: &Assumptions) -> Result<Prediction, PlanError> {
    if cluster.nodes < cluster.code.rows() {
        return Err(PlanError::Request(format!(
            "{} needs {} nodes, there are {}",
            cluster.code,
            cluster.code.rows(),
            cluster.nodes
        )));
    }
    if cluster.metadata_groups == 0 || cluster.small_file_bytes.0 == 0 {
        return Err(PlanError::Request("a cluster has a metadata group, and files have bytes".to_owned()));
    }
    let file = cluster.small_file_bytes.0 as f64;
    let rate = |read: f64, write: f64| {
        let (times, limit) =
            reach(&Work { read_bytes: read, write_bytes: write, ..Work::default() }, cluster, assumptions)?;
        Some(Rate { bytes_per_second: BytesPerSecond(times), limit })
    };
    let files = |read: f64, write: f64| {
        let work = Work {
            small_read_bytes: read * file,
            small_write_bytes: write * file,
            small_file_bytes: file,
            ..Work::default()
        };
        let (times, limit) = reach(&work, cluster, assumptions)?;
        Some(FileRate {
            files_per_second: PerSecond(times),
            bytes_per_second: BytesPerSecond(times * file),
            limit,
        })
    };
    let operations = |work: Work| {
        let (times, limit) = reach(&work, cluster, assumptions)?;
        Some(OperationRate { per_second: PerSecond(times), limit })
    };
    Ok(Prediction {
        code: cluster.code,
        nodes: cluster.nodes,
        read: rate(1.0, 0.0),
        write: rate(0.0, 1.0),
        both_each_way: rate(1.0, 1.0),
        small_read: files(1.0, 0.0),
        small_write: files(0.0, 1.0),
        small_both_each_way: files(1.0, 1.0),
        creates: operations(Work { creates: 1.0, ..Work::default() }),
        stats: operations(Work { stats: 1.0, ..Work::default() }),
        removes: operations(Work { removes: 1.0, ..Work::default() }),
        usable_bytes: usable(&cluster.machine, cluster.nodes, cluster.code, assumptions),
        unknown: cluster.machine.unknown(),
    })
}

/// Room for large files on so many nodes.
pub(crate) fn usable(facts: &MachineFacts, nodes: u32, code: Code, a: &Assumptions) -> Option<Bytes> {
    let raw = facts.nvme_bytes?.0 as f64 * f64::from(nodes);
    Some(Bytes((raw * (1.0 - a.reserve) / code.amplification()) as u64))
}

/// How many times the work the cluster does, and what binds: its nodes, its metadata groups or its clients.
pub(crate) fn reach(work: &Work, cluster: &ClusterFacts, a: &Assumptions) -> Option<(f64, Limit)> {
    let free = a.without_headroom();
    let nodes = model::multiple(work, &cluster.machine, cluster.nodes, cluster.code, cluster.path, &free);
    let groups = model::metadata_groups(work, &cluster.machine, cluster.code, &free);
    let metadata = (groups > 0.0).then(|| (f64::from(cluster.metadata_groups) / groups, Limit::Metadata));
    let clients = cluster.clients.and_then(|clients| {
        let read = work.read_bytes + work.small_read_bytes;
        let written = match cluster.path {
            CodingPath::Clients => work.stored_rate(cluster.code),
            CodingPath::Gateways => work.write_bytes + work.small_write_bytes,
        };
        let line = f64::from(clients.count) * clients.network_bytes_per_second.0 * a.efficiency;
        // Reading comes in, writing goes out, each over its own direction of the link.
        let busiest = read.max(written);
        (busiest > 0.0).then(|| (line / busiest, Limit::ClientNetwork))
    });
    [nodes, metadata, clients].into_iter().flatten().min_by(|a, b| a.0.total_cmp(&b.0))
}
