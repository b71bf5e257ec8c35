//! Who reports, as the leader hears it. In memory only: no safety depends on it (I10).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use isobar_base::{TargetId, limits};
use isobar_wire::message::cluster::{ClusterMap, Heartbeat, TargetInfo, TargetLive};
use parking_lot::Mutex;

const DOWN_AFTER: Duration = Duration::from_millis(limits::NODE_DOWN_MS);

/// The last report of a node.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// When it came.
    pub(crate) at: Instant,
    /// What it said.
    pub(crate) heartbeat: Heartbeat,
}

/// All reports heard while this node leads.
#[derive(Debug, Default)]
pub(crate) struct Liveness(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    nodes: HashMap<String, Report>,
    /// What the leader before was known to see: stands for a target until the time it has to report is up.
    inherited: HashMap<TargetId, TargetLive>,
    leading_since: Option<Instant>,
    /// When each target was last reported as working.
    well: HashMap<TargetId, Instant>,
}

impl Liveness {
    /// This node begins to lead: nobody has reported to it yet, and nobody is down for that.
    pub(crate) fn begin(&self, inherited: Vec<TargetLive>) {
        *self.0.lock() = Table {
            nodes: HashMap::new(),
            inherited: inherited.into_iter().map(|live| (live.id, live)).collect(),
            leading_since: Some(Instant::now()),
            well: HashMap::new(),
        };
    }

    /// A node reports.
    pub(crate) fn hear(&self, heartbeat: Heartbeat) {
        let mut table = self.0.lock();
        let report = Report { at: Instant::now(), heartbeat };
        let node = report.heartbeat.node.clone();
        let silent = table.nodes.get(&node).is_some_and(|last| last.at.elapsed() > DOWN_AFTER);
        if silent {
            tracing::info!(node, "reports again");
        }
        let working = report.heartbeat.targets.iter().filter(|(_, live)| !live.failed);
        table.well.extend(working.map(|(info, _)| (info.id, report.at)));
        table.nodes.insert(node, report);
    }

    /// Nodes that report, with what they said last.
    pub(crate) fn reports(&self) -> Vec<Report> {
        self.0.lock().nodes.values().filter(|r| r.at.elapsed() <= DOWN_AFTER).cloned().collect()
    }

    /// How each target of the map is.
    pub(crate) fn live(&self, map: &ClusterMap) -> Vec<TargetLive> {
        let table = self.0.lock();
        map.targets.iter().map(|target| table.live(target)).collect()
    }

    /// How long a target has not been heard of as working: its node is silent, or does not have it, or says
    /// that its device failed. `None` while it works.
    pub(crate) fn silent_for(&self, target: &TargetInfo) -> Option<Duration> {
        let table = self.0.lock();
        let well = table.well.get(&target.id).copied().or(table.leading_since)?;
        Some(well.elapsed()).filter(|&silence| silence > DOWN_AFTER)
    }
}

impl Table {
    fn live(&self, target: &TargetInfo) -> TargetLive {
        let down = TargetLive {
            id: target.id,
            up: false,
            failed: false,
            damaged_rows: 0,
            used_bytes: 0,
            free_bytes: 0,
            rebuild: None,
        };
        let in_grace = self.leading_since.is_some_and(|since| since.elapsed() < DOWN_AFTER);
        if let Some(report) = self.nodes.get(&target.node) {
            let said = report.heartbeat.targets.iter().find(|(info, _)| info.id == target.id);
            return match said {
                Some((_, live)) => TargetLive { up: report.at.elapsed() <= DOWN_AFTER, ..*live },
                None => down,
            };
        }
        match self.inherited.get(&target.id) {
            Some(live) if in_grace => *live,
            // What it holds nobody knows yet: who asks for room is not told that there is none.
            None if in_grace => TargetLive { up: true, free_bytes: target.capacity_bytes, ..down },
            // The sizes are still of use to those who ask how much there is.
            Some(live) => TargetLive { up: false, ..*live },
            None => down,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(id: u64, node: &str) -> TargetInfo {
        TargetInfo {
            id: TargetId(id),
            node: node.into(),
            slot: 0,
            addr: "h:1".parse().unwrap(),
            domain: String::new(),
            capacity_bytes: 1,
        }
    }

    fn up(id: u64) -> TargetLive {
        TargetLive {
            id: TargetId(id),
            up: true,
            failed: false,
            damaged_rows: 0,
            used_bytes: 1,
            free_bytes: 2,
            rebuild: None,
        }
    }

    fn map(targets: Vec<TargetInfo>) -> ClusterMap {
        ClusterMap { epoch: 1, fs: None, targets, groups: Vec::new(), replacing: Vec::new() }
    }

    #[test]
    fn a_new_leader_shows_targets_as_they_were_until_they_had_time_to_report() {
        let liveness = Liveness::default();
        liveness.begin(vec![TargetLive { up: false, ..up(1) }, up(2)]);
        let live = liveness.live(&map(vec![target(1, "a"), target(2, "b"), target(3, "c")]));
        assert_eq!(live.iter().map(|l| l.up).collect::<Vec<_>>(), [false, true, true]);
        assert_eq!(live[2].free_bytes, 1, "what nobody has told of yet does not count as full");
        liveness.0.lock().leading_since = Instant::now().checked_sub(DOWN_AFTER * 2);
        let live = liveness.live(&map(vec![target(1, "a"), target(2, "b"), target(3, "c")]));
        assert!(live.iter().all(|l| !l.up));
        assert!(liveness.silent_for(&target(2, "b")).is_some());
    }

    #[test]
    fn a_target_is_up_only_when_its_node_reports_that_very_disk() {
        let liveness = Liveness::default();
        liveness.begin(vec![up(1)]);
        let heartbeat = Heartbeat {
            node: "a".into(),
            addr: "h:1".parse().unwrap(),
            epoch: 0,
            targets: vec![(target(9, "a"), up(9))],
            contradicting: Vec::new(),
            voter: None,
        };
        liveness.hear(heartbeat);
        let live = liveness.live(&map(vec![target(1, "a"), target(9, "a")]));
        assert_eq!(live.iter().map(|l| l.up).collect::<Vec<_>>(), [false, true]);
        assert_eq!(liveness.silent_for(&target(9, "a")), None);
    }

    #[test]
    fn a_target_whose_device_failed_is_silent_from_then_on_though_its_node_reports() {
        let liveness = Liveness::default();
        liveness.begin(Vec::new());
        let report = |failed| Heartbeat {
            node: "a".into(),
            addr: "h:1".parse().unwrap(),
            epoch: 0,
            targets: vec![(target(1, "a"), TargetLive { failed, ..up(1) }), (target(2, "a"), up(2))],
            contradicting: Vec::new(),
            voter: None,
        };
        liveness.hear(report(false));
        let long_ago = Instant::now().checked_sub(DOWN_AFTER * 2).unwrap();
        liveness.0.lock().well.insert(TargetId(1), long_ago);
        liveness.hear(report(true));
        assert!(liveness.silent_for(&target(1, "a")).is_some_and(|silence| silence >= DOWN_AFTER * 2));
        assert_eq!(liveness.silent_for(&target(2, "a")), None);
        liveness.hear(report(false));
        assert_eq!(liveness.silent_for(&target(1, "a")), None);
    }
}
