//! The arithmetic. Work is spread evenly over all nodes, so each limit is one division: what all nodes
//! together have to carry, by what one node can carry. The largest quotient binds.
//!
//! With R and W the bytes per second read and written by applications and a = (N+K)/N:
//!
//! | limit | coded in clients | through gateways on the same nodes |
//! |---|---|---|
//! | network out | R | 2 R + a W |
//! | network in | a W | R + W + a W |
//! | NVMe, as a share of time | R / read rate + a W / write rate | the same |
//! | processors | share of the nodes, per GiB and per file | all of it |
//!
//! An Azure VM is metered on egress only; ingress is taken as limited by the same line rate. Rates are
//! multiplied by the efficiency and lessened by the headroom; capacity is lessened by parity and reserve.
//! Small files are stored in fewer and shorter rows ([`Code::amplification_of`]) and each costs
//! operations. Metadata operations are done by groups of 2K+1 voters, and a group by as many processors
//! per voter as it can use: more nodes do not help a group, more groups do.

use isobar_base::limits::SEGMENT_BYTES_MAX;
use serde::Serialize;

use crate::assumptions::{Assumptions, VOTERS_MEASURED};
use crate::code::{Code, CodingPath};
use crate::inputs::Request;
use crate::machine::MachineFacts;
use crate::units::{Bytes, BytesPerSecond};

const GIB: f64 = (1u64 << 30) as f64;
/// The file size at which the cost of a small write was measured.
const SMALL_MEASURED_BYTES: f64 = (32u64 << 10) as f64;

/// What sets a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Bytes into a node.
    NetworkIn,
    /// Bytes out of a node.
    NetworkOut,
    /// Time of the NVMe devices, reading and writing.
    Nvme,
    /// Processors of all nodes.
    Processors,
    /// Bytes stored.
    Capacity,
    /// Each row and each voter needs a node of its own.
    Width,
    /// What one metadata group can do; more nodes do not help.
    Metadata,
    /// The network of the clients.
    ClientNetwork,
}

impl Limit {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Limit::NetworkIn => "network in",
            Limit::NetworkOut => "network out",
            Limit::Nvme => "NVMe",
            Limit::Processors => "processors",
            Limit::Capacity => "capacity",
            Limit::Width => "rows",
            Limit::Metadata => "metadata",
            Limit::ClientNetwork => "client network",
        }
    }
}

/// What all nodes together have to do. Rates are per second.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Work {
    /// Bytes of large files read.
    pub read_bytes: f64,
    /// Bytes of large files written.
    pub write_bytes: f64,
    /// Bytes of small files read.
    pub small_read_bytes: f64,
    /// Bytes of small files written.
    pub small_write_bytes: f64,
    /// Mean size of a small file in bytes; not 0 where small files are read or written.
    pub small_file_bytes: f64,
    /// Creates, beside those of small files.
    pub creates: f64,
    /// Stats, beside those of small files.
    pub stats: f64,
    /// Removes.
    pub removes: f64,
    /// Bytes of large files kept.
    pub large_capacity_bytes: f64,
    /// Bytes of small files kept.
    pub small_capacity_bytes: f64,
}

impl Work {
    /// What a request asks for.
    pub fn of(request: &Request) -> Self {
        let small = request.small_files;
        let small_rate = small.map_or(0.0, |s| s.each_way_bytes_per_second.0);
        Work {
            read_bytes: request.read_bytes_per_second.0,
            write_bytes: request.write_bytes_per_second.0,
            small_read_bytes: small_rate,
            small_write_bytes: small_rate,
            small_file_bytes: small.map_or(0.0, |s| s.file_bytes.0 as f64),
            creates: request.metadata.creates_per_second.0,
            stats: request.metadata.stats_per_second.0,
            removes: request.metadata.removes_per_second.0,
            large_capacity_bytes: request.capacity_bytes.0 as f64,
            small_capacity_bytes: small.map_or(0.0, |s| s.capacity_bytes.0 as f64),
        }
    }

    /// Small files written per second.
    pub fn small_writes(&self) -> f64 {
        if self.small_file_bytes > 0.0 { self.small_write_bytes / self.small_file_bytes } else { 0.0 }
    }

    /// Small files read per second.
    pub fn small_reads(&self) -> f64 {
        if self.small_file_bytes > 0.0 { self.small_read_bytes / self.small_file_bytes } else { 0.0 }
    }

    /// Segments of large files written per second. Those of small files are part of the cost of their
    /// creates.
    pub fn extents(&self) -> f64 {
        self.write_bytes / SEGMENT_BYTES_MAX as f64
    }

    /// Bytes of rows written per second, parity included.
    pub fn stored_rate(&self, code: Code) -> f64 {
        let small = code.amplification_of(Bytes(self.small_file_bytes as u64));
        code.amplification() * self.write_bytes + small * self.small_write_bytes
    }

    /// Bytes of rows kept, parity included.
    pub fn stored_bytes(&self, code: Code) -> f64 {
        let small = code.amplification_of(Bytes(self.small_file_bytes as u64));
        code.amplification() * self.large_capacity_bytes + small * self.small_capacity_bytes
    }
}

/// How one limit stands.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Need {
    /// Which.
    pub limit: Limit,
    /// What all nodes together have to carry: bytes per second, bytes, processors, or for NVMe the nodes'
    /// worth of device time.
    pub demand: f64,
    /// What one node carries, in the same unit, after efficiency, headroom and reserve.
    pub per_node: f64,
    /// Their quotient.
    pub nodes: f64,
}

/// Bytes per second that cross the nodes' network, out and in.
pub fn network(work: &Work, code: Code, path: CodingPath) -> (f64, f64) {
    let read = work.read_bytes + work.small_read_bytes;
    let write = work.write_bytes + work.small_write_bytes;
    let stored = work.stored_rate(code);
    match path {
        CodingPath::Clients => (read, stored),
        // A read goes from the store to the gateway to the client, a write from the client to the gateway
        // to the stores.
        CodingPath::Gateways => (2.0 * read + stored, read + write + stored),
    }
}

/// Processors that metadata keeps busy: those of one group's busiest voter if there were one group, and
/// those of all voters together.
pub fn metadata_cores(work: &Work, code: Code, a: &Assumptions) -> (f64, f64) {
    let changes = (work.creates + work.small_writes()) * a.create_core_s + work.removes * a.remove_core_s;
    let questions = (work.stats + work.small_reads()) * a.stat_core_s;
    let per_voter = changes / VOTERS_MEASURED + work.extents() * a.extent_core_s;
    (per_voter + questions, per_voter * f64::from(code.voters()) + questions)
}

/// Processors that file data keeps busy on the nodes.
pub fn data_cores(work: &Work, path: CodingPath, a: &Assumptions) -> f64 {
    let share = match path {
        CodingPath::Clients => a.node_share,
        CodingPath::Gateways => 1.0,
    };
    let written =
        work.write_bytes + work.small_writes() * (work.small_file_bytes - SMALL_MEASURED_BYTES).max(0.0);
    let read = work.read_bytes + work.small_read_bytes;
    // The create within the cost of a small file is counted with the metadata.
    let files = work.small_writes() * (a.small_write_core_s - a.create_core_s).max(0.0)
        + work.small_reads() * a.small_read_core_s;
    share * (written / GIB * a.write_core_s_per_gib + read / GIB * a.read_core_s_per_gib + files)
}

/// Every limit that the facts and the work set, the binding one first. A fact that is not known sets none.
pub fn needs(work: &Work, facts: &MachineFacts, code: Code, path: CodingPath, a: &Assumptions) -> Vec<Need> {
    let rate = a.efficiency * (1.0 - a.headroom);
    let (out, inwards) = network(work, code, path);
    let read = work.read_bytes + work.small_read_bytes;
    let time = |bytes: f64, rate: Option<BytesPerSecond>| rate.map_or(0.0, |rate| bytes / rate.0);
    let nvme = time(read, facts.nvme_read_bytes_per_second)
        + time(work.stored_rate(code), facts.nvme_write_bytes_per_second);
    let (_, metadata) = metadata_cores(work, code, a);
    let limits = [
        (Limit::NetworkIn, inwards, facts.network_in_bytes_per_second.map(|r| r.0 * rate)),
        (Limit::NetworkOut, out, facts.network_out_bytes_per_second.map(|r| r.0 * rate)),
        (Limit::Nvme, nvme, Some(rate)),
        (
            Limit::Processors,
            data_cores(work, path, a) + metadata,
            facts.vcpus.map(|cores| cores * (1.0 - a.headroom)),
        ),
        (
            Limit::Capacity,
            work.stored_bytes(code),
            facts.nvme_bytes.map(|raw| raw.0 as f64 * (1.0 - a.reserve)),
        ),
    ];
    let mut needs: Vec<Need> = limits
        .into_iter()
        .filter_map(|(limit, demand, per_node)| {
            let per_node = per_node.filter(|p| *p > 0.0 && demand > 0.0)?;
            Some(Need { limit, demand, per_node, nodes: demand / per_node })
        })
        .collect();
    needs.sort_by(|a, b| b.nodes.total_cmp(&a.nodes));
    needs
}

/// Metadata groups the work needs, as a fraction; 0 when it asks for no metadata. Sizes whose processors
/// are not known are taken to have enough.
pub fn metadata_groups(work: &Work, facts: &MachineFacts, code: Code, a: &Assumptions) -> f64 {
    let cores = facts.vcpus.map_or(a.metadata_cores, |cores| cores.min(a.metadata_cores));
    metadata_cores(work, code, a).0 / (cores * (1.0 - a.headroom))
}

/// A whole number of nodes or groups. What is a whole number but for rounding is not raised to the next.
pub fn whole(exact: f64) -> u32 {
    (exact - exact * 1e-9).ceil().clamp(0.0, f64::from(u32::MAX)) as u32
}

/// Nodes for the work and the limit that binds.
pub fn nodes(
    work: &Work,
    facts: &MachineFacts,
    code: Code,
    path: CodingPath,
    a: &Assumptions,
) -> (u32, Limit) {
    let least = code.nodes_min();
    match needs(work, facts, code, path, a).first() {
        Some(need) if whole(need.nodes) >= least => (whole(need.nodes), need.limit),
        _ => (least, Limit::Width),
    }
}

/// How many times the work `nodes` nodes can do with all their efficiency and no headroom, and what
/// binds; `None` when nothing known does. Capacity is not a rate and does not count.
pub fn multiple(
    work: &Work,
    facts: &MachineFacts,
    nodes: u32,
    code: Code,
    path: CodingPath,
    a: &Assumptions,
) -> Option<(f64, Limit)> {
    let free = a.without_headroom();
    let need = needs(work, facts, code, path, &free).into_iter().find(|n| n.limit != Limit::Capacity)?;
    Some((f64::from(nodes) / need.nodes, need.limit))
}
