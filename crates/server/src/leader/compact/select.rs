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
    GATHER_SEGMENTS_MIN,
};

/// From this share of used room on, segments that are less than three quarters alive are rewritten, ...
const FILLING: f64 = 0.7;
/// ... and from this one on those that are less than nine tenths alive, without long pauses.
pub(super) const CROWDED: f64 = 0.8;

impl Compactor {
    pub(super) async fn round(&mut self) -> Result<(), Errno> {
        self.rewrite_all(|after| ClusterQuery::LowLive { after, limit: COMPACT_SEGMENTS_PER_STEP }, |_| true)
            .await?;
        let most_alive = match self.fill_ratio() {
            crowded if crowded > CROWDED => 0.9,
            crowded if crowded > FILLING => 0.75,
            _ => 0.0,
        };
        if most_alive > 0.0 {
            let wanted = |s: &SegmentInfo| (s.live_bytes as f64) < f64::from(s.geometry.len) * most_alive;
            self.rewrite_all(
                |after| ClusterQuery::Segments { after, limit: COMPACT_SEGMENTS_PER_STEP },
                wanted,
            )
            .await?;
        }
        let dead = self.dead_targets();
        if !dead.is_empty() {
            let map = self.node.cluster.view().known();
            let hit = |segment: &SegmentInfo| {
                let Some(group) = map.map.group(segment.pg) else { return false };
                let holder = |&at: &u8| group.positions.get(usize::from(at)).map(|p| p.target);
                segment.positions.iter().filter_map(holder).any(|target| dead.contains(&target))
            };
            self.rewrite_all(|after| ClusterQuery::Segments { after, limit: COMPACT_SEGMENTS_PER_STEP }, hit)
                .await?;
        }
        self.gather().await
    }

    /// Rewrites the wanted ones among the segments that a query gives, step by step.
    async fn rewrite_all(
        &mut self,
        query: impl Fn(Option<SegmentId>) -> ClusterQuery,
        wanted: impl Fn(&SegmentInfo) -> bool,
    ) -> Result<(), Errno> {
        let mut after = None;
        loop {
            let Answer::Segments(step) = self.node.cluster.query(query(after)).await? else {
                return Err(Errno::EPROTO);
            };
            let Some(last) = step.last() else { return Ok(()) };
            after = Some(last.id);
            let mut by_inode: BTreeMap<Ino, HashSet<SegmentId>> = BTreeMap::new();
            for segment in step.iter().filter(|s| wanted(s)) {
                by_inode.entry(segment.ino).or_default().insert(segment.id);
            }
            for (ino, ids) in by_inode {
                self.rewrite(ino, &ids).await?;
            }
        }
    }

    /// Looks at some more files for chunks of very many narrow extents, and makes one segment of each.
    async fn gather(&mut self) -> Result<(), Errno> {
        let n = self.node.spec.data_rows;
        let query = ClusterQuery::Inodes { after: self.gathered, limit: GATHER_INODES_PER_STEP };
        let Answer::Inos(inos) = self.node.cluster.query(query).await? else { return Err(Errno::EPROTO) };
        let mut pages = 0;
        if inos.is_empty() {
            self.gathered = Ino(0);
        }
        for ino in inos {
            let mut offset = 0;
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
            self.gathered = ino;
            if pages >= GATHER_PAGES_PER_ROUND {
                break;
            }
        }
        Ok(())
    }
}

/// Whether nobody has written for a while, by clocks that may be wrong: then a rewrite may be in vain.
fn is_quiet(attr: &Attr) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    attr.mtime.seconds.max(attr.ctime.seconds) + (GATHER_QUIET.as_secs() as i64) < now.as_secs() as i64
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
        attr.mtime = Time { seconds: now.as_secs() as i64, nanoseconds: 0 };
        assert!(!is_quiet(&attr));
    }
}
