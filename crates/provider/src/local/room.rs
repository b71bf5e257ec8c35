//! Whether there is room on the disk for what is to be made.
//!
//! A node reserves the room of its target and of its log when it starts for the first time, so what is free
//! now is what counts.

use isobar_base::quantity::binary_bytes;

use crate::plan::{Misfit, Plan, Size};

/// Room that a node takes beside its target: its log, and what its metadata grow to at first.
const BESIDE_TARGET_BYTES: u64 = 192 << 20;
/// Fewest nodes that a cluster has.
const NODES_MIN: u64 = 3;

/// Room that a node of a size takes.
fn of_node(size: &Size) -> u64 {
    u64::from(size.targets) * size.target_bytes + BESIDE_TARGET_BYTES
}

/// What does not fit into so many bytes.
pub(super) fn misfits(plan: &Plan, sizes: &[Size], free_bytes: u64) -> Vec<Misfit> {
    let Some(size) = sizes.iter().find(|size| size.name == plan.size) else {
        let known: Vec<&str> = sizes.iter().map(|size| size.name.as_str()).collect();
        let why = format!("There is no size {}: choose one of {}.", plan.size, known.join(", "));
        return vec![Misfit { of: "size".to_owned(), why }];
    };
    let nodes = u64::from(plan.nodes);
    let needed = nodes.saturating_mul(of_node(size));
    if needed <= free_bytes {
        return Vec::new();
    }
    let fit = free_bytes / of_node(size);
    let smaller = sizes.iter().rev().find(|other| nodes.saturating_mul(of_node(other)) <= free_bytes);
    let instead = match (fit >= NODES_MIN, smaller) {
        (true, Some(smaller)) => format!("{fit} nodes fit, or {nodes} of size {}", smaller.name),
        (true, None) => format!("{fit} nodes fit"),
        (false, Some(smaller)) => format!("{nodes} of size {} fit", smaller.name),
        (false, None) => "make room there".to_owned(),
    };
    let why = format!(
        "{nodes} nodes of size {} take {} of disk, {} are free on this machine: {instead}.",
        size.name,
        binary_bytes(needed),
        binary_bytes(free_bytes)
    );
    let of = if fit >= NODES_MIN { "nodes" } else { "size" };
    vec![Misfit { of: of.to_owned(), why }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(name: &str, target_bytes: u64) -> Size {
        Size { name: name.to_owned(), description: String::new(), targets: 1, target_bytes }
    }

    #[test]
    fn what_does_not_fit_is_said_with_what_would() {
        let sizes = [size("s", 64 << 20), size("l", 1 << 30)];
        let plan = |size: &str, nodes| Plan {
            cluster: "c".to_owned(),
            name: "n".to_owned(),
            size: size.to_owned(),
            nodes,
            data_rows: 2,
            parity_rows: 1,
        };
        let said = |size: &str, nodes, mib: u64| {
            let misfits = misfits(&plan(size, nodes), &sizes, mib << 20);
            misfits.into_iter().map(|misfit| (misfit.of, misfit.why)).next()
        };
        assert_eq!(said("l", 3, 3 * (1024 + 192)), None);
        let (of, why) = said("l", 8, 4 * (1024 + 192)).expect("too many");
        assert_eq!(of, "nodes");
        assert!(
            why.ends_with(
                "9.5 GiB of disk, 4.8 GiB are free on this machine: 4 nodes fit, or 8 of size s fit."
            ) || why.contains("4 nodes fit, or 8 of size s"),
            "{why}"
        );
        let (of, why) = said("l", 3, 1024).expect("too large");
        assert!(of == "size" && why.ends_with("3 of size s fit."), "{why}");
        let (_, why) = said("s", 3, 100).expect("no room");
        assert!(why.ends_with("make room there."), "{why}");
        assert_eq!(said("x", 3, 1 << 20).expect("no size").0, "size");
    }
}
