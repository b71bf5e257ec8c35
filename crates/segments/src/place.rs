//! Where a new segment goes: a placement group, a width, and a target for each row.
//!
//! Targets that take far longer than their siblings are left out while few do: the segment gets narrower, and
//! never has fewer parity rows (I7). Where many are slow, waiting for them is better than writing narrow.

use std::sync::Arc;

use isobar_base::{Geometry, PgId, SegmentId, TargetId, segment_width};
use isobar_cluster::{ClusterSnapshot, Quarantine, RowRequest};
use isobar_wire::message::cluster::PlacementGroup;

use crate::Segments;

/// Places of rows in a placement group, with their targets.
type Positions = Vec<(u8, TargetId)>;

/// A place for a segment.
#[derive(Debug)]
pub(crate) struct Place {
    pub known: Arc<ClusterSnapshot>,
    pub pg: PgId,
    pub geometry: Geometry,
    /// For each row its position and target.
    pub rows: Positions,
    /// Targets that could take a row and are slow.
    pub left_out: Vec<TargetId>,
}

/// Why there is no place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoPlace {
    /// Too few targets can be reached.
    TooFew,
    /// Too few have room.
    OutOfSpace,
}

impl Segments {
    /// A place for a segment of `len` bytes.
    pub(crate) fn place(&self, id: SegmentId, len: u64) -> Result<Place, NoPlace> {
        let view = self.0.cluster.view();
        let known = view.known();
        let Some(fs) = &known.map.fs else { return Err(NoPlace::TooFew) };
        let groups = known.map.groups.len();
        let first = view.group_for(&known, id.session.0 ^ id.counter).map_or(0, |pg| pg.0 as usize);
        let mut out_of_space = false;
        for step in 0..groups {
            let group = &known.map.groups[(first + step) % groups];
            let (mut rows, left_out) = self.positions(&known, group, len);
            if let Some(data) = segment_width(len, fs.data_rows, fs.parity_rows, rows.len()) {
                let geometry = Geometry { data, parity: fs.parity_rows, len: len as u32 };
                let turn = (id.counter % rows.len() as u64) as usize;
                rows.rotate_left(turn);
                rows.truncate(usize::from(geometry.rows()));
                return Ok(Place { pg: group.id, geometry, rows, left_out, known: known.clone() });
            }
            let full = |target| view.quarantined(target) == Some(Quarantine::Full);
            let full = group.positions.iter().filter(|p| full(p.target)).count();
            out_of_space |= full + rows.len() > usize::from(fs.parity_rows);
        }
        let out_of_space = out_of_space && view.any_full(&known);
        Err(if out_of_space { NoPlace::OutOfSpace } else { NoPlace::TooFew })
    }

    /// Positions of a group that take rows of a segment of `len` bytes, and targets that are left out.
    fn positions(
        &self,
        known: &ClusterSnapshot,
        group: &PlacementGroup,
        len: u64,
    ) -> (Positions, Vec<TargetId>) {
        let view = self.0.cluster.view();
        let Some(fs) = &known.map.fs else { return (Vec::new(), Vec::new()) };
        let all = view.writable(known, group);
        let targets = || all.iter().map(|&(_, target)| target);
        let slow = |target: TargetId| {
            view.quarantined(target) == Some(Quarantine::Late)
                || view.is_outlier(target, RowRequest::Put, targets())
        };
        let left_out: Vec<TargetId> = targets().filter(|&target| slow(target)).collect();
        if can_do_without(left_out.len(), all.len(), (fs.data_rows, fs.parity_rows), len) {
            let rest = all.into_iter().filter(|(_, target)| !left_out.contains(target)).collect();
            (rest, left_out)
        } else {
            (all, Vec::new())
        }
    }

    /// Whether a segment like this one would be put on none of these targets, were it placed now.
    pub(crate) fn is_placed_without(&self, place: &Place, targets: &[TargetId]) -> bool {
        let Some(group) = place.known.map.group(place.pg) else { return false };
        let (rows, _) = self.positions(&place.known, group, u64::from(place.geometry.len));
        rows.len() > usize::from(place.geometry.parity) && !rows.iter().any(|(_, t)| targets.contains(t))
    }
}

/// Whether `slow` of `usable` targets are left out of a segment: when it is as wide without them, or when
/// they are no more than may fail.
fn can_do_without(slow: usize, usable: usize, (data_max, parity): (u8, u8), len: u64) -> bool {
    let width = |targets| segment_width(len, data_max, parity, targets);
    let without = width(usable - slow);
    without.is_some() && (without == width(usable) || slow <= usize::from(parity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_slow_targets_are_done_without_and_never_so_many_that_nothing_can_be_written() {
        let done_without = |slow, usable, code: (u8, u8), len| can_do_without(slow, usable, code, len);
        let full = 8 << 20;
        assert!(done_without(1, 8, (6, 2), full) && done_without(2, 8, (6, 2), full));
        assert!(!done_without(3, 8, (6, 2), full), "so many are no exception");
        assert!(done_without(5, 8, (6, 2), 4096), "a small segment is as wide without them");
        assert!(done_without(1, 4, (6, 2), full));
        assert!(!done_without(1, 3, (6, 2), full) && !done_without(2, 3, (6, 2), full));
        assert!(!done_without(2, 2, (1, 1), full));
    }
}
