//! Waiting until a local cluster takes data on all its nodes: as long as it gets nearer to that. What it
//! waits for has a name at every moment, and a node that ended is not waited for.

use std::time::{Duration, Instant};

use isobar_admin::Health;
use isobar_client::Cluster;
use isobar_wire::Role;
use isobar_wire::message::cluster::ClusterView;

use crate::local::Local;
use crate::status;

/// How long nothing may get nearer before it is given up: eight nodes on a busy machine take their time.
const STANDSTILL_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOK_WAIT: Duration = Duration::from_millis(500);

/// How far a cluster is.
#[derive(Debug, PartialEq)]
struct Step {
    /// Grows with every node that answers, votes or has its target up.
    reached: usize,
    /// What is waited for, and whom.
    waits_for: String,
}

/// Waits until the cluster takes data on all its nodes; `progress` hears what it waits for.
pub async fn wait(local: &Local, mut progress: impl FnMut(String)) -> Result<ClusterView, String> {
    let cluster =
        Cluster::from_spec(&local.spec, Role::Administrator, STANDSTILL_MAX).map_err(|e| e.to_string())?;
    let names: Vec<&str> = local.names().collect();
    let (mut best, mut since) = (0, Instant::now());
    loop {
        if let Some(name) = names.iter().find(|name| local.pid(name).is_none()) {
            return Err(format!("{name} ended: {}", local.last_words(name)));
        }
        let view = cluster.refresh(LOOK_WAIT).await.ok();
        if let Some(view) = view.as_ref().filter(|view| is_ready(&names, view)) {
            return Ok(view.clone());
        }
        let nodes = isobar_admin::node_states(&local.spec, &cluster).await;
        let health = isobar_admin::health(&local.spec, &nodes, view.as_ref(), None);
        let answering = nodes.iter().flatten().count();
        let Step { reached, waits_for } = step(&names, answering, &health, view.as_ref());
        if reached > best {
            (best, since) = (reached, Instant::now());
        }
        if since.elapsed() > STANDSTILL_MAX {
            return Err(format!(
                "the cluster is not ready and has not got nearer to it for {} s: {waits_for}; see {}",
                STANDSTILL_MAX.as_secs(),
                local.dir.join("log").display()
            ));
        }
        progress(waits_for);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn is_ready(names: &[&str], view: &ClusterView) -> bool {
    !view.map.groups.is_empty() && not_up(names, view).is_empty()
}

/// Nodes without a target that is up.
fn not_up<'a>(names: &[&'a str], view: &ClusterView) -> Vec<&'a str> {
    let up = |name: &str| {
        let own = view.map.targets.iter().filter(|target| target.node == name);
        own.flat_map(|t| view.live.iter().filter(|l| l.id == t.id)).any(|live| live.up && !live.failed)
    };
    names.iter().copied().filter(|name| !up(name)).collect()
}

fn step(names: &[&str], answering: usize, health: &Health, view: Option<&ClusterView>) -> Step {
    let live = health.voters_live();
    let begun = answering + live;
    if let Some(founding) = &health.founding {
        return Step { reached: begun, waits_for: status::founding_text(founding) };
    }
    let Some(view) = view else {
        let silent = health.voters.iter().filter(|v| v.state != isobar_admin::VoterState::Live);
        let silent: Vec<&str> = silent.map(|v| v.node.as_str()).collect();
        let waits_for = match silent.is_empty() {
            true => "the voters elect a leader".to_owned(),
            false => format!("the voters elect a leader; {} not among them yet", are(&silent)),
        };
        return Step { reached: begun, waits_for };
    };
    let missing = not_up(names, view);
    let waits_for = match missing.is_empty() {
        true => "the leader builds placement groups".to_owned(),
        false => format!("{} not known to have a target up", are(&missing)),
    };
    Step { reached: begun + 1 + names.len() - missing.len(), waits_for }
}

/// Names, with the verb that belongs to them.
fn are(names: &[&str]) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_admin::{Founding, Voter, VoterState};
    use isobar_base::TargetId;
    use isobar_wire::message::cluster::{ClusterMap, TargetInfo, TargetLive};

    const NAMES: [&str; 3] = ["n1", "n2", "n3"];

    fn health(live: usize, founding: Option<Founding>) -> Health {
        let state = |at| if at < live { VoterState::Live } else { VoterState::Silent };
        let voter = |(at, node): (usize, &&str)| Voter { node: (*node).to_owned(), state: state(at) };
        Health {
            leader: None,
            founding,
            voters: NAMES.iter().enumerate().map(voter).collect(),
            majority: 2,
            voters_may_be_lost: None,
            data_nodes_may_be_lost: None,
            attention: Vec::new(),
        }
    }

    /// A view in which the first nodes are up.
    fn view(up: usize) -> ClusterView {
        let target = |at: usize| TargetInfo {
            id: TargetId(at as u64),
            node: NAMES[at].to_owned(),
            slot: 0,
            addr: "h:1".parse().unwrap(),
            domain: String::new(),
            capacity_bytes: 1,
        };
        let live = |at: usize| TargetLive {
            id: TargetId(at as u64),
            up: at < up,
            failed: false,
            used_bytes: 0,
            free_bytes: 0,
            damaged_rows: 0,
            rebuild: None,
        };
        let targets = (0..3).map(target).collect();
        let map = ClusterMap { epoch: 1, fs: None, targets, groups: Vec::new(), replacing: Vec::new() };
        ClusterView { map, live: (0..3).map(live).collect(), reclaiming: false }
    }

    #[test]
    fn every_step_names_whom_it_waits_for_and_reaches_further_than_the_one_before() {
        let founding = Founding { silent: vec!["n3".to_owned()], waiting: None };
        let steps = [
            step(&NAMES, 2, &health(0, Some(founding)), None),
            step(&NAMES, 3, &health(2, None), None),
            step(&NAMES, 3, &health(3, None), Some(&view(1))),
            step(&NAMES, 3, &health(3, None), Some(&view(2))),
            step(&NAMES, 3, &health(3, None), Some(&view(3))),
        ];
        let said: Vec<&str> = steps.iter().map(|s| s.waits_for.as_str()).collect();
        assert_eq!(
            said,
            [
                "not founded yet: n3 does not answer",
                "the voters elect a leader; n3 is not among them yet",
                "n2, n3 are not known to have a target up",
                "n3 is not known to have a target up",
                "the leader builds placement groups",
            ]
        );
        assert!(steps.windows(2).all(|pair| pair[0].reached < pair[1].reached), "{steps:?}");
    }
}
