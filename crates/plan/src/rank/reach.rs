//! What a number of nodes reaches of the work that was asked for.

use serde::Serialize;

use crate::assumptions::Assumptions;
use crate::code::{Code, CodingPath};
use crate::inputs::{Request, SMALL_FILE_BYTES};
use crate::limits::METADATA_GROUPS;
use crate::machine::Machine;
use crate::model::{self, Limit, Work};
use crate::predict::{self, ClusterFacts};
use crate::units::{Bytes, BytesPerSecond};

/// What an alternative reaches, all of it at once, large files in the proportions of the request; where that
/// names no bandwidth, reading and writing alike.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Reach {
    /// Reading of large files.
    pub read_bytes_per_second: BytesPerSecond,
    /// Writing of large files.
    pub write_bytes_per_second: BytesPerSecond,
    /// Reading and writing of small files, each.
    pub small_each_way_bytes_per_second: BytesPerSecond,
    /// What binds; of small files where there are any.
    pub limit: Limit,
}

impl Reach {
    /// The work of it, with small files of this size.
    fn work(&self, small_file_bytes: f64) -> Work {
        Work {
            read_bytes: self.read_bytes_per_second.0,
            write_bytes: self.write_bytes_per_second.0,
            small_read_bytes: self.small_each_way_bytes_per_second.0,
            small_write_bytes: self.small_each_way_bytes_per_second.0,
            small_file_bytes,
            ..Work::default()
        }
    }
}

/// So many nodes of one machine, with small files of the usual size.
pub(super) fn cluster(machine: &Machine, nodes: u32, code: Code, path: CodingPath) -> ClusterFacts {
    ClusterFacts {
        machine: machine.facts,
        nodes,
        code,
        path,
        metadata_groups: METADATA_GROUPS,
        small_file_bytes: SMALL_FILE_BYTES,
        clients: None,
    }
}

/// The work that explains a number of nodes: what was asked, or where the nodes were given what they reach.
pub(crate) fn work(request: &Request, reach: Option<&Reach>) -> Work {
    match (request.nodes, reach) {
        (Some(_), Some(reach)) => reach.work(0.0),
        _ => Work::of(request),
    }
}

/// The assumptions to plan with: where the nodes are given nothing is left free of what they reach.
pub(crate) fn planned_with(request: &Request, a: &Assumptions) -> Assumptions {
    if request.nodes.is_some() { a.without_headroom() } else { a.clone() }
}

/// What new data is written with when nodes are away: voters may be away with them.
pub(super) fn narrowed(code: Code, left: u32) -> Option<Code> {
    let room = left.checked_sub(u32::from(code.parity_rows()))?;
    let data = u32::from(code.data_rows()).min(room);
    Code::new(u8::try_from(data).ok()?, code.parity_rows()).ok()
}

/// Room for files of the kinds asked for.
pub(super) fn usable(
    work: &Work,
    machine: &Machine,
    nodes: u32,
    code: Code,
    a: &Assumptions,
) -> Option<Bytes> {
    let large = predict::usable(&machine.facts, nodes, code, a)?;
    let wanted = work.large_capacity_bytes + work.small_capacity_bytes;
    let share = match wanted > 0.0 {
        true => code.amplification() * wanted / work.stored_bytes(code),
        false => 1.0,
    };
    Some(Bytes((large.0 as f64 * share) as u64))
}

/// What a cluster reaches of the work's bandwidths. Large files need metadata only for their segments, so
/// they go on where small files and other operations wait for a metadata group.
pub(super) fn reach(work: &Work, cluster: &ClusterFacts, a: &Assumptions) -> Option<Reach> {
    let silent = work.read_bytes + work.write_bytes + work.small_read_bytes + work.small_write_bytes == 0.0;
    let work = match silent {
        true => Work { read_bytes: 1.0, write_bytes: 1.0, ..Work::default() },
        false => *work,
    };
    let metadata = |work: &Work| {
        let groups = model::metadata_groups(work, &cluster.machine, cluster.code, &a.without_headroom());
        (f64::from(cluster.metadata_groups) / groups, Limit::Metadata)
    };
    let least = |x: (f64, Limit), y: (f64, Limit)| if y.0 < x.0 { y } else { x };
    let nodes = model::multiple(&work, &cluster.machine, cluster.nodes, cluster.code, cluster.path, a)?;
    let large = least(nodes, metadata(&Work { write_bytes: work.write_bytes, ..Work::default() }));
    let small = least(nodes, metadata(&work));
    Some(Reach {
        read_bytes_per_second: BytesPerSecond(work.read_bytes * large.0),
        write_bytes_per_second: BytesPerSecond(work.write_bytes * large.0),
        small_each_way_bytes_per_second: BytesPerSecond(work.small_write_bytes * small.0),
        limit: if work.small_write_bytes > 0.0 { small.1 } else { large.1 },
    })
}
