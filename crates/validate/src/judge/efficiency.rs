//! Streams at once against what network and devices showed when all nodes used them at once.

use isobar_client::ClusterSpec;

use super::table::Table;
use crate::check::{Check, Outcome, Unmeasured, Want};
use crate::measure::small_file_bytes;
use crate::preflight::{Preflight, cluster_facts};
use crate::quantity::Quantity;
use crate::report::Report;
use crate::verdict::Group;

/// Bytes per second of all nodes together.
#[derive(Clone, Copy)]
struct Moved {
    /// Out of the nodes and off their devices.
    read: f64,
    /// Into the nodes and onto their devices, with parity.
    stored: f64,
}

/// All of them, in the order they are shown.
pub(super) fn checks(report: &Report, spec: &ClusterSpec) -> Vec<Check> {
    let wanted = &report.targets.efficiency;
    let moved = moved(report, spec);
    let rows = [
        (
            "efficiency.network_min",
            "Of the network's rate, the busier direction",
            "cross the network",
            "network",
            moved.clone().and_then(|moved| of_network(report, moved)),
            wanted.network_min,
        ),
        (
            "efficiency.device_min",
            "Of the devices' time, reading and writing",
            "reach the devices",
            "devices",
            moved.and_then(|moved| of_devices(report, spec, moved)),
            wanted.device_min,
        ),
    ];
    let command = report.measured.as_ref().map_or("isobar bench mixed", |m| m.commands.mixed.as_str());
    let check = |(id, title, bytes, what, share, least): (_, &str, &str, &str, _, Option<f64>)| {
        let method = format!(
            "{command}, bytes that {bytes} in each node, over the rate of the pre-flight with all nodes at work"
        );
        let want = Want::at_least(least.map(Quantity::Share));
        unless_shared(Table(Group::Efficiency).row(id, title, &method, None, share, want), report, what)
    };
    rows.map(check).into()
}

/// Nodes that share a machine are limited by its processors: then a share of the hardware means nothing.
fn unless_shared(check: Check, report: &Report, what: &str) -> Check {
    let sharing = &report.preflight.sharing;
    if !sharing.is_shared() || check.measured.is_none() {
        return check;
    }
    check.not_measurable(format!(
        "{} nodes{} share {} processors: those limit, not the {what}",
        sharing.nodes_on_one,
        if sharing.with_clients { " and the clients" } else { "" },
        sharing.processors,
    ))
}

fn moved(report: &Report, spec: &ClusterSpec) -> Outcome<Moved> {
    let both = report.measured.as_ref().and_then(|m| m.both);
    let both = both.ok_or(Unmeasured::from("the streams were not measured"))?;
    let bytes = |mib: f64| Quantity::mib_per_second(mib).value();
    let rows = f64::from(spec.data_rows) + f64::from(spec.parity_rows);
    Ok(Moved {
        read: bytes(both.read.mib_per_second),
        stored: bytes(both.written.mib_per_second) * rows / f64::from(spec.data_rows),
    })
}

fn of_network(report: &Report, moved: Moved) -> Outcome<Quantity> {
    let line =
        report.preflight.ring_bytes_per_second.ok_or(Unmeasured::from("the network was not measured"))?;
    // Reading leaves a node, what is stored enters it: the busier direction decides.
    Ok(Quantity::Share(moved.read.max(moved.stored) / f64::from(report.cluster.nodes) / line))
}

fn of_devices(report: &Report, spec: &ClusterSpec, moved: Moved) -> Outcome<Quantity> {
    let facts = cluster_facts(spec, &report.preflight, small_file_bytes()).ok().map(|f| f.machine);
    let reads = facts.and_then(|f| f.nvme_read_bytes_per_second);
    let writes = facts.and_then(|f| f.nvme_write_bytes_per_second);
    let (Some(reads), Some(writes)) = (reads, writes) else { return Err(no_device_rates(&report.preflight)) };
    let nodes = f64::from(report.cluster.nodes);
    Ok(Quantity::Share(moved.read / nodes / reads.0 + moved.stored / nodes / writes.0))
}

fn no_device_rates(preflight: &Preflight) -> Unmeasured {
    let why = preflight.nodes.iter().find_map(|n| n.device.as_ref().err());
    why.map_or("the devices were not measured".into(), |why| why.to_string().into())
}
