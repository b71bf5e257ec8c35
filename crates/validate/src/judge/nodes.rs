//! Nodes and their machines: who answers, with which release, which targets and how much memory.

use std::collections::BTreeMap;

use isobar_wire::message::probe::NodeFacts;

use crate::check::{Check, Want};
use crate::preflight::Preflight;
use crate::quantity::Quantity;
use crate::targets::Nodes;
use crate::verdict::Group;

const FACTS: &str =
    "asked of each node, which reads its kernel's tables (isobar validate --skip benchmarks,drill)";
const NO_ANSWER: &str = "no node answers";

/// Facts of the nodes that answer, by name.
type Facts<'a> = BTreeMap<&'a str, &'a NodeFacts>;

/// All of them, in the order they are shown.
pub(super) fn checks(preflight: &Preflight, wanted: &Nodes) -> Vec<Check> {
    let facts = preflight.facts();
    vec![
        answer(preflight),
        release(&facts),
        storage_targets(&facts),
        open_files(&facts, wanted.open_files_min),
        memory(&facts, wanted),
        rdma(&facts),
        nvme(&facts),
    ]
}

fn check(id: &'static str, title: &str) -> Check {
    Check::new(id, Group::Nodes, title, FACTS)
}

fn answer(preflight: &Preflight) -> Check {
    let total = preflight.nodes.len();
    let silent: Vec<String> = preflight
        .nodes
        .iter()
        .filter_map(|n| Some(format!("{}: {}", n.name, n.facts.as_ref().err()?)))
        .collect();
    let reason = match silent.is_empty() {
        true => format!("{total} of {total}"),
        false => format!("{} of {total}; {}", total - silent.len(), silent.join("; ")),
    };
    check("nodes.answer", "Every node answers").holds(Some("all"), Ok(silent.is_empty()), reason)
}

fn release(facts: &Facts) -> Check {
    let mut versions: Vec<&str> = facts.values().map(|f| f.version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    check("nodes.version", "All of one release").holds(
        Some("the same"),
        Ok(versions.len() <= 1),
        versions.join(", "),
    )
}

fn storage_targets(facts: &Facts) -> Check {
    let mut wrong = Vec::new();
    let mut ours = 0;
    for (name, f) in facts {
        if f.targets.is_empty() {
            wrong.push(format!("{name} has no target"));
        }
        for target in &f.targets {
            match (target.failed, target.stranger) {
                (true, _) => wrong.push(format!("{name}: {} failed", target.path)),
                (_, true) => {
                    wrong.push(format!("{name}: {} is blank: isobar node replace {name}", target.path))
                }
                _ => ours += 1,
            }
        }
    }
    let reason = if wrong.is_empty() { format!("{ours} targets") } else { wrong.join("; ") };
    check("nodes.targets", "Storage targets are this cluster's and in use").holds(
        Some("all"),
        Ok(wrong.is_empty()),
        reason,
    )
}

fn open_files(facts: &Facts, wanted: Option<u64>) -> Check {
    let check = check("nodes.open_files_min", "Open files allowed (fewest)");
    let fewest = facts.values().map(|f| f.files_max.map_or(f64::INFINITY, |n| n as f64)).reduce(f64::min);
    match fewest {
        Some(most) if most.is_infinite() => {
            check.holds(wanted.map(|n| format!("≥ {n}")).as_deref(), Ok(true), "unlimited".to_owned())
        }
        fewest => check.measured(
            fewest.map(Quantity::Count).ok_or(NO_ANSWER.into()),
            Want::at_least(wanted.map(|n| Quantity::Count(n as f64))),
        ),
    }
}

/// The memory of each machine, shared by the nodes on it.
fn memory(facts: &Facts, wanted: &Nodes) -> Check {
    let share = |f: &&NodeFacts| {
        let on_it = facts.values().filter(|other| other.boot_id == f.boot_id).count().max(1);
        f.memory_bytes as f64 / on_it as f64
    };
    check("nodes.memory_min", "Memory for each node (least)").measured(
        facts.values().map(share).reduce(f64::min).map(Quantity::Bytes).ok_or(NO_ANSWER.into()),
        Want::at_least(wanted.memory_min.map(Quantity::from)),
    )
}

fn rdma(facts: &Facts) -> Check {
    let devices: Vec<String> = facts
        .iter()
        .filter(|(_, f)| !f.rdma_devices.is_empty())
        .map(|(name, f)| format!("{name}: {}", f.rdma_devices.join(" ")))
        .collect();
    let note = match devices.is_empty() {
        true => "none on any node; this version uses TCP".to_owned(),
        false => format!("{}; this version uses TCP and leaves them alone", devices.join("; ")),
    };
    let method = "names in /sys/class/infiniband of each node";
    Check::new("nodes.rdma", Group::Nodes, "RDMA devices", method).note(note)
}

fn nvme(facts: &Facts) -> Check {
    let files = facts.values().flat_map(|f| &f.targets).filter(|t| !t.block_device).count();
    let note = match facts.values().map(|f| f.nvme_devices.len()).sum() {
        0usize => format!("none on any node; {files} targets are files"),
        n => {
            format!(
                "{n} seen by all nodes; what is on each is in the table of nodes; {files} targets are files"
            )
        }
    };
    let method = "/sys/class/block/nvme* of each node; the first MiB is read";
    Check::new("nodes.nvme", Group::Nodes, "NVMe devices", method).note(note)
}
