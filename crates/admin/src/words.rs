//! What was found, in sentences for whoever runs the cluster.

use crate::health::{Attention, Founding, Health};

/// What needs somebody, and what to do about it, in one line. `replace` says how a node is replaced where it
/// is shown.
pub fn attention_text(attention: &Attention, health: &Health, replace: impl Fn(&str) -> String) -> String {
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
            format!("{node} does not answer: start it; if its disks are gone for good: {}", replace(node))
        }
        Attention::VoterBlank { node } => {
            format!("the metadata disk of {node} is blank and does not vote: {}", replace(node))
        }
        Attention::VoterCatchingUp { node } => {
            format!("{node} is getting the log and votes once it has it: wait")
        }
        Attention::VoterOtherDisk { node } => format!(
            "{node} does not have the disk that votes for it: start it with that disk; if that is gone for good: \
             {}",
            replace(node)
        ),
        Attention::VoterStopped { node, why } => format!(
            "the metadata of {node} has stopped ({why}): start the node again; if its disk is at fault, move \
             meta away from its data_dir, start it, and: {}",
            replace(node)
        ),
        Attention::VoterUnheard { node, called_at: None } => {
            format!("{node} does not hear the metadata leader and does not count: see its log")
        }
        Attention::VoterUnheard { node, called_at: Some(addr) } => format!(
            "{node} does not vote: the others look for it at {addr}; give it that address back, or move meta \
             away from its data_dir, start it, and: {}",
            replace(node)
        ),
        Attention::TargetBlank { node } => {
            format!("{node} has a blank disk: {} gives it the place of the old one", replace(node))
        }
        Attention::TargetFailed { node, target } => format!(
            "target {target} of {node} failed: start the node again; if the device is lost, put a blank one in \
             its place, start it, and: {}",
            replace(node)
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

/// Why a cluster is not founded.
pub fn founding_text(founding: &Founding) -> String {
    match (&founding.silent[..], &founding.waiting) {
        ([], Some(why)) => format!("not founded yet: {why}"),
        ([], None) => "not founded yet: all voters have just started".to_owned(),
        ([one], _) => format!("not founded yet: {one} does not answer"),
        (silent, _) => format!("not founded yet: {} do not answer", silent.join(", ")),
    }
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
            let said = attention_text(&what, &health, |node| format!("isobar node replace {node}"));
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
