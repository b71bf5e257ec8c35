//! The table of nodes: a line for each target, and for each node that has none.

use isobar_admin::{VoterState, unclean_targets};
use isobar_base::TargetId;
use isobar_wire::message::cluster::{ClusterView, TargetLive};

use super::Shown;
use crate::output;

/// Its rows, the heading first.
pub fn rows(shown: &Shown<'_>) -> Vec<Vec<String>> {
    let mut rows =
        vec![["node", "address", "state", "metadata", "target", "used", "free"].map(String::from).to_vec()];
    let view = shown.view.ok();
    for (node, status) in shown.spec.node.iter().zip(shown.nodes) {
        let role = role(shown, &node.name);
        let mut row = |state: String, target: [String; 3]| {
            let first = [node.name.clone(), node.addr.to_string(), state, role.clone()];
            rows.push(first.into_iter().chain(target).collect());
        };
        let none = || ["-", "-", "-"].map(String::from);
        if status.as_ref().is_some_and(|s| !s.unadmitted.is_empty()) {
            row("blank disk".to_owned(), none());
            continue;
        }
        let targets = view.iter().flat_map(|view| view.map.targets.iter().map(move |t| (*view, t)));
        let mut targets = targets.filter(|(_, target)| target.node == node.name).peekable();
        if targets.peek().is_none() {
            row(if status.is_some() { "up" } else { "down" }.to_owned(), none());
        }
        for (view, target) in targets {
            let live = view.live.iter().find(|l| l.id == target.id);
            let size = |pick: fn(&TargetLive) -> u64| live.map_or("?".to_owned(), |l| output::bytes(pick(l)));
            let sizes = [target.id.to_string(), size(|l| l.used_bytes), size(|l| l.free_bytes)];
            row(target_state(view, target.id), sizes);
        }
    }
    rows
}

/// One word on a target.
fn target_state(view: &ClusterView, id: TargetId) -> String {
    let Some(live) = view.live.iter().find(|l| l.id == id) else { return "unknown".to_owned() };
    if live.failed {
        return "failed".to_owned();
    }
    if !live.up {
        return "down".to_owned();
    }
    if unclean_targets(&view.map).contains(&id) {
        return match live.rebuild {
            Some((done, total)) => format!("rebuilding {done}/{total}"),
            None => "rebuilding".to_owned(),
        };
    }
    match live.damaged_rows {
        0 => "up".to_owned(),
        rows => format!("{rows} rows damaged"),
    }
}

/// What a node does for the metadata.
fn role(shown: &Shown<'_>, name: &str) -> String {
    if shown.health.leader.as_deref() == Some(name) {
        return "leader".to_owned();
    }
    let role = match shown.health.voter(name) {
        Some(VoterState::Live) => "voter",
        Some(VoterState::Silent) => "?",
        Some(VoterState::Blank) => "blank",
        Some(VoterState::CatchingUp) => "catching up",
        Some(VoterState::OtherDisk) => "other disk",
        Some(VoterState::Stopped) => "stopped",
        Some(VoterState::Unheard) => "unheard",
        None => "-",
    };
    role.to_owned()
}
