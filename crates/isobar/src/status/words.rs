//! What was found, in sentences.

use isobar_admin::{Attention, Founding, Health};
use isobar_wire::Role;
use serde_json::json;

use super::Shown;
use crate::output;

/// The metadata: who votes, and how many of them may still be lost.
pub fn metadata(shown: &Shown<'_>) -> String {
    let Health { voters, leader, founding, voters_may_be_lost, .. } = shown.health;
    if let Some(founding) = founding {
        return format!("metadata: {}", founding_text(founding));
    }
    let (live, all) = (shown.health.voters_live(), voters.len());
    let may_be_lost = match voters_may_be_lost {
        Some(0) => "none of them may be lost".to_owned(),
        Some(count) => format!("{count} more may be lost"),
        None => {
            return format!("metadata: no quorum: {live} of {all} voters live; calls wait, then give EIO");
        }
    };
    let leads = match leader {
        Some(leader) => {
            let own = shown.nodes.iter().flatten().find(|s| s.node == *leader);
            let meta = own.and_then(|s| s.meta.as_ref());
            let (term, applied) = meta.map_or((0, 0), |meta| (meta.term, meta.applied));
            format!("leader {leader}, term {term}, {applied} entries applied")
        }
        None => "no leader".to_owned(),
    };
    let error = shown.view.err().map(|e| format!(" ({e})")).unwrap_or_default();
    format!("metadata: {live} of {all} voters live, {may_be_lost}; {leads}{error}")
}

/// Why a cluster is not founded.
pub fn founding_text(founding: &Founding) -> String {
    match (&founding.silent[..], &founding.waiting) {
        ([], Some(why)) => format!("not founded yet: {why}"),
        ([], None) => "not founded yet: all voters have just started".to_owned(),
        ([one], _) => format!("not founded yet: {one} does not answer"),
        (silent, _) => format!("not founded yet: {} do not answer", silent.join(", ")),
    }
}

/// The data: how many nodes may still be lost, and what redundancy is left.
pub fn data(shown: &Shown<'_>) -> String {
    let Some(redundancy) = shown.redundancy else {
        return match shown.view.is_ok() && !shown.spec.has_credential(Role::Administrator) {
            true => "data: only administrators are told the redundancy (admin.pem)".to_owned(),
            false => "data: redundancy unknown without metadata".to_owned(),
        };
    };
    let left = redundancy_text(redundancy);
    match redundancy.spare_rows {
        None => format!("data: {left}"),
        Some(0) => format!("data: no more nodes may be lost; {left}"),
        Some(1) => format!("data: 1 more node may be lost; {left}"),
        Some(count) => format!("data: {count} more nodes may be lost; {left}"),
    }
}

/// What needs somebody, and what to do about it.
pub fn attention(attention: &Attention, health: &Health) -> String {
    match attention {
        Attention::NoQuorum { missing } => format!(
            "no quorum: it takes {} of {} voters; start {} with the disks they had: what was acknowledged is \
             on them",
            health.majority,
            health.voters.len(),
            missing.join(", ")
        ),
        Attention::NoLeader => "enough voters answer and none of them leads: look again in some seconds; if \
                                it stays so, look at their logs"
            .to_owned(),
        Attention::NodeSilent { node } => {
            format!(
                "{node} does not answer: start it; if its disks are gone for good: isobar node replace {node}"
            )
        }
        Attention::VoterBlank { node } => {
            format!("the metadata disk of {node} is blank and does not vote: isobar node replace {node}")
        }
        Attention::VoterCatchingUp { node } => {
            format!("{node} is getting the log and votes once it has it: wait")
        }
        Attention::VoterOtherDisk { node } => format!(
            "{node} does not have the disk that votes for it: start it with that disk; if that is gone for good: \
             isobar node replace {node}"
        ),
        Attention::VoterStopped { node, why } => format!(
            "the metadata of {node} has stopped ({why}): start the node again; if its disk is at fault, move \
             meta away from its data_dir, start it, and: isobar node replace {node}"
        ),
        Attention::VoterUnheard { node, called_at: None } => {
            format!("{node} does not hear the metadata leader and does not count: see its log")
        }
        Attention::VoterUnheard { node, called_at: Some(addr) } => format!(
            "{node} does not vote: the others look for it at {addr}; give it that address back, or move meta \
             away from its data_dir, start it, and: isobar node replace {node}"
        ),
        Attention::TargetBlank { node } => {
            format!("{node} has a blank disk: isobar node replace {node} gives it the place of the old one")
        }
        Attention::TargetFailed { node, target } => format!(
            "target {target} of {node} failed: start the node again; if the device is lost, put a blank one in \
             its place, start it, and: isobar node replace {node}"
        ),
        Attention::TargetUnusable { node, path, why } => {
            format!("{node} goes on without its target {path}: {why}")
        }
        Attention::RowsDamaged { node, target, rows } => format!(
            "{rows} rows on target {target} of {node} are damaged and not stored again yet: wait; if they stay, the \
             device is at fault"
        ),
        Attention::TargetDown { node, target } => {
            format!("{node} answers and does not report target {target} to the leader: see its log")
        }
    }
}

/// What redundancy is left, in words.
pub fn redundancy_text(redundancy: &isobar_admin::Redundancy) -> String {
    let total = redundancy.total();
    if total.segments == 0 {
        return "no segments".to_owned();
    }
    if redundancy.worst() == 0 {
        return format!(
            "all {} segments ({}) have all their rows",
            total.segments,
            output::bytes(total.bytes)
        );
    }
    let mut parts: Vec<String> = Vec::new();
    for (missing, count) in redundancy.by_missing.iter().enumerate().filter(|(_, c)| c.segments > 0) {
        let rows = match missing {
            0 => "complete".to_owned(),
            1 => "with 1 row missing".to_owned(),
            more => format!("with {more} rows missing"),
        };
        parts.push(format!("{} segments ({}) {rows}", count.segments, output::bytes(count.bytes)));
    }
    if redundancy.lost.segments > 0 {
        parts.push(format!("{} of them cannot be read now", redundancy.lost.segments));
    }
    parts.join(", ")
}

/// The same for programs.
pub fn redundancy_json(redundancy: &isobar_admin::Redundancy) -> serde_json::Value {
    json!({
        "by_missing_rows": redundancy.by_missing.iter().map(|c| json!({ "segments": c.segments, "bytes": c.bytes })).collect::<Vec<_>>(),
        "unreadable": { "segments": redundancy.lost.segments, "bytes": redundancy.lost.bytes },
        "full": redundancy.worst() == 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_base::TargetId;

    #[test]
    fn every_sentence_names_the_node_and_what_to_do() {
        let (node, target) = ("n3".to_owned(), TargetId(7));
        let health = Health {
            leader: None,
            founding: None,
            voters: Vec::new(),
            majority: 3,
            voters_may_be_lost: None,
            data_nodes_may_be_lost: None,
            attention: Vec::new(),
        };
        let why = "its device failed".to_owned();
        let called_at = Some("h3:1".parse().unwrap());
        for (what, with) in [
            (Attention::NoQuorum { missing: vec![node.clone()] }, "start n3"),
            (Attention::NodeSilent { node: node.clone() }, "isobar node replace n3"),
            (Attention::VoterBlank { node: node.clone() }, "isobar node replace n3"),
            (Attention::VoterOtherDisk { node: node.clone() }, "isobar node replace n3"),
            (Attention::VoterStopped { node: node.clone(), why }, "isobar node replace n3"),
            (Attention::VoterUnheard { node: node.clone(), called_at }, "look for it at h3:1"),
            (Attention::TargetBlank { node: node.clone() }, "isobar node replace n3"),
            (Attention::TargetFailed { node, target }, "isobar node replace n3"),
        ] {
            let said = attention(&what, &health);
            assert!(said.contains(with) && !said.contains('\n'), "{said}");
        }
    }

    #[test]
    fn before_the_founding_the_missing_voter_is_named() {
        let silent = vec!["n5".to_owned()];
        let said = founding_text(&Founding { silent, waiting: None });
        assert_eq!(said, "not founded yet: n5 does not answer");
    }
}
