//! How much redundancy is left: how many rows of how many segments cannot be had at the moment.

use std::collections::{HashMap, HashSet};

use isobar_base::TargetId;
use isobar_wire::message::cluster::{ClusterMap, ClusterView};
use isobar_wire::message::files::SegmentInfo;

/// Targets that took a place and do not have all its rows yet, in order of their ids.
pub fn unclean_targets(map: &ClusterMap) -> Vec<TargetId> {
    let mut ids: Vec<TargetId> =
        map.groups.iter().flat_map(|g| &g.positions).filter(|p| !p.clean).map(|p| p.target).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Segments by how many of their rows are missing. Sums of several are had with [`Redundancy::add`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Redundancy {
    /// `by_missing[m]`: segments with m rows missing, and their file bytes.
    pub by_missing: Vec<Count>,
    /// Segments with fewer rows left than it takes to decode them. Also counted above.
    pub lost: Count,
    /// The fewest rows that any segment has left beyond those it takes to decode it: so many nodes may be
    /// lost and every byte can still be read. `None` without segments.
    pub spare_rows: Option<usize>,
}

/// Some segments.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Count {
    /// How many.
    pub segments: u64,
    /// File bytes in them, dead ones included.
    pub bytes: u64,
}

impl Count {
    fn add(&mut self, other: Count) {
        self.segments += other.segments;
        self.bytes += other.bytes;
    }
}

impl Redundancy {
    /// Adds the segments of `other`.
    pub fn add(&mut self, other: &Redundancy) {
        if self.by_missing.len() < other.by_missing.len() {
            self.by_missing.resize(other.by_missing.len(), Count::default());
        }
        for (count, more) in self.by_missing.iter_mut().zip(&other.by_missing) {
            count.add(*more);
        }
        self.lost.add(other.lost);
        self.spare_rows = self.spare_rows.into_iter().chain(other.spare_rows).min();
    }

    /// All segments.
    pub fn total(&self) -> Count {
        let mut total = Count::default();
        self.by_missing.iter().for_each(|count| total.add(*count));
        total
    }

    /// The most rows any segment misses.
    pub fn worst(&self) -> usize {
        self.by_missing.iter().rposition(|count| count.segments > 0).unwrap_or(0)
    }
}

/// Counts segments by missing rows. A row is missing when the target that holds its position is down,
/// failed or unknown, or took the position after the segment was committed and has not been rebuilt.
pub fn redundancy(segments: &[SegmentInfo], view: &ClusterView) -> Redundancy {
    let usable: HashSet<TargetId> =
        view.live.iter().filter(|live| live.up && !live.failed).map(|live| live.id).collect();
    let groups: HashMap<_, _> = view.map.groups.iter().map(|group| (group.id, group)).collect();
    let mut result = Redundancy::default();
    for segment in segments {
        let present = |&at: &&u8| {
            let position = groups.get(&segment.pg).and_then(|group| group.positions.get(usize::from(*at)));
            position.is_some_and(|p| usable.contains(&p.target) && (p.clean || segment.version > p.since))
        };
        let left = segment.positions.iter().filter(present).count();
        let missing = segment.positions.len() - left;
        let count = Count { segments: 1, bytes: u64::from(segment.geometry.len) };
        if result.by_missing.len() <= missing {
            result.by_missing.resize(missing + 1, Count::default());
        }
        result.by_missing[missing].add(count);
        let spare = left.saturating_sub(usize::from(segment.geometry.data));
        result.spare_rows = Some(result.spare_rows.map_or(spare, |least| least.min(spare)));
        if left < usize::from(segment.geometry.data) {
            result.lost.add(count);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_base::{Geometry, Ino, PgId, SegmentId, SessionId};
    use isobar_wire::message::cluster::{PlacementGroup, Position, TargetLive};

    fn segment(version: u64) -> SegmentInfo {
        SegmentInfo {
            id: SegmentId { session: SessionId(1), counter: version },
            pg: PgId(0),
            geometry: Geometry { data: 2, parity: 1, len: 1000 },
            positions: vec![2, 0, 1],
            row_crcs: vec![0; 3],
            ino: Ino(5),
            live_bytes: 1000,
            version,
        }
    }

    fn view(up: [bool; 3], clean: [bool; 3]) -> ClusterView {
        let live = |at: usize| TargetLive {
            id: TargetId(at as u64),
            up: up[at],
            failed: false,
            damaged_rows: 0,
            used_bytes: 0,
            free_bytes: 0,
            rebuild: None,
        };
        let position = |at: usize| Position { target: TargetId(at as u64), since: 10, clean: clean[at] };
        let group = PlacementGroup { id: PgId(0), positions: (0..3).map(position).collect() };
        let map = ClusterMap {
            epoch: 1,
            fs: None,
            targets: Vec::new(),
            groups: vec![group],
            replacing: Vec::new(),
        };
        ClusterView { map, live: (0..3).map(live).collect(), reclaiming: false }
    }

    #[test]
    fn rows_on_dead_and_on_unfinished_targets_are_missing() {
        let segments = [segment(5), segment(15)];
        let all = redundancy(&segments, &view([true; 3], [true; 3]));
        assert_eq!((all.by_missing.len(), all.total().segments, all.worst()), (1, 2, 0));
        let one = redundancy(&segments, &view([true, false, true], [true; 3]));
        assert_eq!((one.by_missing[1].segments, one.lost.segments), (2, 0));
        assert_eq!(
            (all.spare_rows, one.spare_rows, Redundancy::default().spare_rows),
            (Some(1), Some(0), None)
        );
        let rebuilding = redundancy(&segments, &view([true; 3], [true, false, true]));
        assert_eq!((rebuilding.by_missing[0].segments, rebuilding.by_missing[1].segments), (1, 1));
        let two = redundancy(&segments, &view([true, false, false], [true; 3]));
        assert_eq!((two.worst(), two.lost), (2, Count { segments: 2, bytes: 2000 }));
        let mut sum = all;
        sum.add(&two);
        assert_eq!((sum.total().segments, sum.lost.segments, sum.spare_rows), (4, 2, Some(0)));
    }
}
