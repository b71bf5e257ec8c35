//! Where data can go and be found at the moment: the cluster map, who is alive as the leader sees it,
//! and whom this client has just failed to reach. Only liveness depends on any of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_base::{PgId, TargetId};
use isobar_wire::message::cluster::{ClusterMap, PlacementGroup, TargetInfo, TargetLive};
use parking_lot::{Mutex, RwLock};

/// A target that could not be reached is left alone for this long.
const UNREACHABLE_FOR: Duration = Duration::from_secs(2);
/// A full target gets no rows for this long.
const FULL_FOR: Duration = Duration::from_secs(3);

/// What is known of the cluster. Shared by everything in one client.
#[derive(Debug, Default)]
pub struct View {
    known: RwLock<Arc<ClusterSnapshot>>,
    quarantined: Mutex<HashMap<TargetId, (Instant, Quarantine)>>,
}

/// Why a target is left alone for a while.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quarantine {
    /// It did not answer.
    Unreachable,
    /// It had no room.
    Full,
}

/// One consistent piece of knowledge.
#[derive(Clone, Debug)]
pub struct ClusterSnapshot {
    /// What the log says.
    pub map: ClusterMap,
    live: HashMap<TargetId, TargetLive>,
    targets: HashMap<TargetId, usize>,
}

impl Default for ClusterSnapshot {
    fn default() -> Self {
        let map =
            ClusterMap { epoch: 0, fs: None, targets: Vec::new(), groups: Vec::new(), replacing: Vec::new() };
        ClusterSnapshot { map, live: HashMap::new(), targets: HashMap::new() }
    }
}

impl ClusterSnapshot {
    /// The target with this id.
    pub fn target(&self, id: TargetId) -> Option<&TargetInfo> {
        self.targets.get(&id).map(|&at| &self.map.targets[at])
    }

    /// What the leader said of a target.
    pub fn liveness(&self, id: TargetId) -> Option<&TargetLive> {
        self.live.get(&id)
    }

    /// Targets that report, as far as known.
    pub fn is_up(&self, id: TargetId) -> bool {
        self.target(id).is_some() && self.live.get(&id).is_none_or(|l| l.up && !l.failed)
    }
}

impl View {
    /// What is known now.
    pub fn known(&self) -> Arc<ClusterSnapshot> {
        self.known.read().clone()
    }

    /// Takes over newer knowledge.
    pub fn update(&self, map: Option<ClusterMap>, live: Vec<TargetLive>) {
        let mut known = self.known.write();
        let mut next = ClusterSnapshot::clone(&known);
        if let Some(map) = map.filter(|m| m.epoch >= next.map.epoch) {
            next.targets = map.targets.iter().enumerate().map(|(at, t)| (t.id, at)).collect();
            next.map = map;
        }
        if !live.is_empty() {
            next.live = live.into_iter().map(|l| (l.id, l)).collect();
        }
        *known = Arc::new(next);
    }

    /// Leaves a target alone for a while.
    pub fn quarantine(&self, id: TargetId, why: Quarantine) {
        let until = Instant::now()
            + match why {
                Quarantine::Unreachable => UNREACHABLE_FOR,
                Quarantine::Full => FULL_FOR,
            };
        self.quarantined.lock().insert(id, (until, why));
    }

    /// Why a target is left alone, if it is.
    pub fn quarantined(&self, id: TargetId) -> Option<Quarantine> {
        let mut avoided = self.quarantined.lock();
        let &(until, why) = avoided.get(&id)?;
        if until > Instant::now() {
            return Some(why);
        }
        avoided.remove(&id);
        None
    }

    /// Whether it makes sense to read from a target first: it reports and answered lately.
    pub fn is_readable(&self, known: &ClusterSnapshot, id: TargetId) -> bool {
        known.is_up(id) && self.quarantined(id) != Some(Quarantine::Unreachable)
    }

    /// Positions of a placement group that can take rows now, with their targets.
    pub fn writable(&self, known: &ClusterSnapshot, group: &PlacementGroup) -> Vec<(u8, TargetId)> {
        let usable = |id| known.is_up(id) && self.quarantined(id).is_none();
        group
            .positions
            .iter()
            .enumerate()
            .filter(|(_, p)| usable(p.target))
            .map(|(at, p)| (at as u8, p.target))
            .collect()
    }

    /// The placement group for the segment with this number: all groups in turn.
    pub fn group_for(&self, known: &ClusterSnapshot, number: u64) -> Option<PgId> {
        let groups = known.map.groups.len() as u64;
        (groups > 0)
            .then(|| PgId((number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).rem_euclid(groups) as u32))
    }

    /// Whether some target of the map is avoided because it is full.
    pub fn any_full(&self, known: &ClusterSnapshot) -> bool {
        known.map.targets.iter().any(|t| self.quarantined(t.id) == Some(Quarantine::Full))
    }
}
