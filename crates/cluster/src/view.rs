//! Where data can go and be found at the moment: the cluster map, who is alive as the leader sees it,
//! whom this client has just failed to reach, and who is slow. Only liveness depends on any of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isobar_base::{PgId, TargetId};
use isobar_wire::message::cluster::{ClusterMap, PlacementGroup, TargetInfo, TargetLive};
use parking_lot::{Mutex, RwLock};

use crate::latency::Latencies;

/// A target that could not be reached is left alone for this long.
const UNREACHABLE_FOR: Duration = Duration::from_secs(2);
/// A target whose siblings were done long before it is done without for this long.
const LATE_FOR: Duration = Duration::from_secs(2);
/// A full target gets no rows for this long.
const FULL_FOR: Duration = Duration::from_secs(1);

/// What is known of the cluster. Shared by everything in one client.
#[derive(Debug, Default)]
pub struct View {
    known: RwLock<Arc<ClusterSnapshot>>,
    quarantined: Mutex<HashMap<TargetId, (Instant, Quarantine)>>,
    puts: Mutex<Latencies>,
    gets: Mutex<Latencies>,
}

/// What a target is asked for, as far as it matters for how long that takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowRequest {
    /// To make a row durable.
    Put,
    /// To read some of a row.
    Get,
}

/// Why a target is left alone for a while.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quarantine {
    /// It did not answer.
    Unreachable,
    /// It had no room.
    Full,
    /// Its siblings were done long before it. It is done without where that is possible.
    Late,
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

    /// Leaves a target alone for a while. One that is left alone for a better reason is not merely late.
    pub fn quarantine(&self, id: TargetId, why: Quarantine) {
        if why == Quarantine::Late && self.quarantined(id).is_some_and(|known| known != why) {
            return;
        }
        let how_long = match why {
            Quarantine::Unreachable => UNREACHABLE_FOR,
            Quarantine::Full => FULL_FOR,
            Quarantine::Late => LATE_FOR,
        };
        self.quarantined.lock().insert(id, (Instant::now() + how_long, why));
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

    /// Positions of a placement group that can take rows now, with their targets. Some may be slow.
    pub fn writable(&self, known: &ClusterSnapshot, group: &PlacementGroup) -> Vec<(u8, TargetId)> {
        let takes_rows = |id| matches!(self.quarantined(id), None | Some(Quarantine::Late));
        let usable = |id| known.is_up(id) && takes_rows(id);
        group
            .positions
            .iter()
            .enumerate()
            .filter(|(_, p)| usable(p.target))
            .map(|(at, p)| (at as u8, p.target))
            .collect()
    }

    /// Remembers how long a request to a target took, or for how long it was waited for.
    pub fn record(&self, id: TargetId, request: RowRequest, took: Duration) {
        self.latencies(request).lock().record(id, took);
    }

    /// What a request to a target usually takes, if that is known.
    pub fn usual(&self, id: TargetId, request: RowRequest) -> Option<Duration> {
        self.latencies(request).lock().usual(id)
    }

    /// Whether requests to a target take far longer than to its peers.
    pub fn is_outlier(
        &self,
        id: TargetId,
        request: RowRequest,
        peers: impl IntoIterator<Item = TargetId>,
    ) -> bool {
        self.latencies(request).lock().is_outlier(id, peers)
    }

    /// Whether it is time to try an outlier again, which then counts as tried.
    pub fn begin_trial(&self, id: TargetId, request: RowRequest) -> bool {
        self.latencies(request).lock().begin_trial(id, Instant::now())
    }

    fn latencies(&self, request: RowRequest) -> &Mutex<Latencies> {
        match request {
            RowRequest::Put => &self.puts,
            RowRequest::Get => &self.gets,
        }
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
