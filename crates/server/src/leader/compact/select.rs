//! Which segments and chunks are rewritten.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use isobar_base::limits::SEGMENT_BYTES_MAX;
use isobar_base::{Errno, Ino, SegmentId};
use isobar_wire::message::files::{Attr, Extent, Map, SegmentInfo};
use isobar_wire::message::queries::{Answer, ClusterQuery};

use super::compactor::Compactor;
use super::rewrite::source;
use crate::limits::{
    COMPACT_SEGMENTS_PER_STEP, GATHER_INODES_PER_STEP, GATHER_PAGES_PER_ROUND, GATHER_QUIET,
    GATHER_SEGMENTS_MIN, GATHER_STEPS_PER_ROUND,
};
use crate::metadata::reclaim::CROWDED;

/// From this share of used room on, segments that are less than three quarters alive are rewritten,
/// and where it is crowded those that are less than nine tenths alive.
const FILLING: f64 = 0.7;

impl Compactor {
    /// One round: re-protection first, then what frees room. Each has a share of the round, so that neither
    /// waits for the end of the other, and goes on in the next round where its share was used up.
    pub(super) async fn round(&mut self) -> Result<(), Errno> {
        self.cut_short = false;
        let dead = self.dead_targets();
        if !dead.is_empty() {
            let map = self.node.cluster.view().known();
            let hit = |segment: &SegmentInfo| {
                let Some(group) = map.map.group(segment.pg) else { return false };
                let holder = |&at: &u8| group.positions.get(usize::from(at)).map(|p| p.target);
                segment.positions.iter().filter_map(holder).any(|target| dead.contains(&target))
            };
            let from = self.rest.unprotected.take();
            self.rest.unprotected = self.rewrite_all(from, all_segments, hit).await?;
        }
        self.rewrite_contradicting().await?;
        self.frees_room = true;
        let freed = self.free_room().await;
        self.frees_room = false;
        freed?;
        self.gather().await
    }

    /// Rewrites segments of which little is alive, or not all where room is short.
    async fn free_room(&mut self) -> Result<(), Errno> {
        let low_live = |after| ClusterQuery::LowLive { after, limit: COMPACT_SEGMENTS_PER_STEP };
        let from = self.rest.low_live.take();
        self.rest.low_live = self.rewrite_all(from, low_live, |_| true).await?;
        let most_alive = match self.fill_ratio() {
            crowded if crowded > CROWDED => 0.9,
            crowded if crowded > FILLING => 0.75,
            _ => 0.0,
        };
        if most_alive > 0.0 {
            let wanted = |s: &SegmentInfo| (s.live_bytes as f64) < f64::from(s.geometry.len) * most_alive;
            let from = self.rest.crowded.take();
            self.rest.crowded = self.rewrite_all(from, all_segments, wanted).await?;
        }
        Ok(())
    }

    /// Rewrites segments whose parity is not that of their data.
    async fn rewrite_contradicting(&mut self) -> Result<(), Errno> {
        self.share_left = self.share_bytes();
        for id in self.contradicting() {
            let after = Some(SegmentId { counter: id.counter.saturating_sub(1), ..id });
            let query = ClusterQuery::Segments { after, limit: 1 };
            let Answer::Segments(found) = self.node.cluster.query(query).await? else {
                return Err(Errno::EPROTO);
            };
            // The node that told of it may not have dropped its row yet.
            if let Some(segment) = found.first().filter(|segment| segment.id == id) {
                self.rewrite(segment.ino, &HashSet::from([id])).await?;
            }
        }
        Ok(())
    }

    /// Rewrites the wanted ones among the segments that a query gives after one, step by step. Gives the one
    /// after which to go on when the share of the round was used up before the end.
    async fn rewrite_all(
        &mut self,
        mut after: Option<SegmentId>,
        query: impl Fn(Option<SegmentId>) -> ClusterQuery,
        wanted: impl Fn(&SegmentInfo) -> bool,
    ) -> Result<Option<SegmentId>, Errno> {
        self.share_left = self.share_bytes();
        loop {
            let Answer::Segments(step) = self.node.cluster.query(query(after)).await? else {
                return Err(Errno::EPROTO);
            };
            let Some(last) = step.last() else { return Ok(None) };
            let next = Some(last.id);
            let mut by_inode: BTreeMap<Ino, HashSet<SegmentId>> = BTreeMap::new();
            for segment in step.iter().filter(|s| wanted(s)) {
                by_inode.entry(segment.ino).or_default().insert(segment.id);
            }
            for (ino, ids) in by_inode {
                match self.rewrite(ino, &ids).await {
                    // Another may be smaller, and what this one could have freed cannot be had.
                    Ok(()) | Err(Errno::ENOSPC) => {}
                    Err(errno) => return Err(errno),
                }
            }
            if self.share_left == 0 {
                // What is done of this step is not wanted any more.
                self.cut_short = true;
                return Ok(after);
            }
            after = next;
        }
    }

    /// Looks at some more files for chunks of very many narrow extents, and makes one segment of each.
    async fn gather(&mut self) -> Result<(), Errno> {
        self.share_left = u64::MAX;
        let mut pages = 0;
        for _ in 0..GATHER_STEPS_PER_ROUND {
            let query = ClusterQuery::Inodes { after: self.gathered, limit: GATHER_INODES_PER_STEP };
            let Answer::InodesUpTo { inos, next } = self.node.cluster.query(query).await? else {
                return Err(Errno::EPROTO);
            };
            for ino in inos {
                pages += self.gather_file(ino).await?;
                self.gathered = ino;
                if pages >= GATHER_PAGES_PER_ROUND {
                    return Ok(());
                }
            }
            self.gathered = next.unwrap_or_default();
            if next.is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Gives how many pages of the file's map were looked at.
    async fn gather_file(&mut self, ino: Ino) -> Result<usize, Errno> {
        let n = self.node.spec.data_rows;
        let (mut offset, mut pages) = (0, 0);
        while let Some(map) = self.map(ino, offset).await? {
            pages += 1;
            if !is_quiet(&map.attr) {
                break;
            }
            let chunks = narrow_chunks(&map, n);
            if !chunks.is_empty() {
                let wanted = |extent: &Extent| chunks.contains(&(extent.offset / SEGMENT_BYTES_MAX));
                self.copy(&map, wanted).await?;
            }
            if map.complete_to == u64::MAX {
                break;
            }
            offset = map.complete_to;
        }
        Ok(pages)
    }
}

fn all_segments(after: Option<SegmentId>) -> ClusterQuery {
    ClusterQuery::Segments { after, limit: COMPACT_SEGMENTS_PER_STEP }
}

/// Whether nobody has written for a while, by clocks that may be wrong: then a rewrite may be in vain. The
/// mtime is the user's, and may be anything.
fn is_quiet(attr: &Attr) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    attr.ctime.seconds.saturating_add(GATHER_QUIET.as_secs() as i64) < now
}

/// Chunks of the file with bytes in many segments narrower than `n`. Counting segments, not extents: bytes
/// between holes stay as many extents however they are rewritten.
fn narrow_chunks(map: &Map, n: u8) -> HashSet<u64> {
    let narrow: HashSet<SegmentId> =
        map.segments.iter().filter(|s| s.geometry.data < n).map(|s| s.id).collect();
    let mut segments: HashMap<u64, HashSet<SegmentId>> = HashMap::new();
    for extent in &map.extents {
        if let Some(id) = source(extent).filter(|id| narrow.contains(id)) {
            segments.entry(extent.offset / SEGMENT_BYTES_MAX).or_default().insert(id);
        }
    }
    segments.into_iter().filter(|(_, ids)| ids.len() >= GATHER_SEGMENTS_MIN).map(|(chunk, _)| chunk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_base::{Geometry, PgId, SessionId};
    use isobar_wire::message::files::{FileKind, Source, Time};

    fn map(extents: u64, n: u8) -> Map {
        let id = |counter| SegmentId { session: SessionId(1), counter };
        let attr = Attr::new(Ino(2), FileKind::File, Time::default());
        let extent = |at| Extent {
            offset: at * 4096,
            len: 4096,
            source: Source::Segment { id: id(at), offset: 0 },
            version: at,
        };
        let segment = |at| SegmentInfo {
            id: id(at),
            pg: PgId(0),
            geometry: Geometry { data: n, parity: 2, len: 4096 },
            positions: Vec::new(),
            row_crcs: Vec::new(),
            ino: Ino(2),
            live_bytes: 4096,
            version: at,
        };
        Map {
            attr,
            extents: (0..extents).map(extent).collect(),
            segments: (0..extents).map(segment).collect(),
            complete_to: u64::MAX,
        }
    }

    #[test]
    fn only_chunks_of_many_narrow_segments_are_gathered() {
        assert!(narrow_chunks(&map(63, 1), 6).is_empty());
        assert_eq!(narrow_chunks(&map(64, 1), 6), HashSet::from([0]));
        assert!(narrow_chunks(&map(64, 6), 6).is_empty());
        assert_eq!(narrow_chunks(&map(2048 + 64, 1), 6), HashSet::from([0, 1]));
    }

    #[test]
    fn a_file_that_was_just_written_is_left_alone() {
        let mut attr = map(1, 1).attr;
        assert!(is_quiet(&attr));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        attr.ctime = Time { seconds: now.as_secs() as i64, nanoseconds: 0 };
        assert!(!is_quiet(&attr));
    }

    #[test]
    fn times_at_the_ends_of_the_calendar_are_times_like_others() {
        let mut attr = map(1, 1).attr;
        for seconds in [i64::MIN, -1, 0, i64::MAX] {
            attr.mtime = Time { seconds, nanoseconds: 999_999_999 };
            assert!(is_quiet(&attr), "an mtime says nothing about when it was set");
        }
        attr.ctime = attr.mtime;
        assert!(!is_quiet(&attr));
    }
}
