//! Targets and placement groups.

use std::collections::BTreeMap;

use isobar_base::TargetId;

use super::walk::Walk;
use crate::codec::decode;
use crate::record::{Group, Target};

/// Gives the number of targets.
pub(super) fn check(walk: &mut Walk) -> u64 {
    let mut targets: BTreeMap<TargetId, Target> = BTreeMap::new();
    let mut groups: Vec<Group> = Vec::new();
    walk.scan(b'T', |_, key, value| match key.get(1) {
        Some(b't') => {
            let target: Target = decode(value);
            targets.insert(target.id, target);
        }
        Some(b'p') => groups.push(decode(value)),
        _ => {}
    });
    for (number, group) in groups.iter().enumerate() {
        let subject = format!("placement group {number}");
        walk.expect(group.nodes_are_distinct(), &subject, "has a node twice (I2)");
        for holder in &group.holders {
            let known = targets.get(&holder.target).is_some_and(|target| target.node_number == holder.node);
            walk.expect(known, &subject, format!("is held by target {}, unknown there", holder.target));
        }
    }
    targets.len() as u64
}
