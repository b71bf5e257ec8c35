//! Compaction: live bytes of segments that are not worth keeping are copied into new, wide ones, and
//! REPLACE puts the copies under what they are copies of. Writers are neither excluded nor waited for:
//! what they wrote since stays on top, and a copy nobody needs any more queues itself for deletion.
//!
//! What is rewritten, in this order:
//! 1. segments that are less than half alive, and when room gets short those that are less than three
//!    quarters and then nine tenths alive;
//! 2. segments with a row on a target that has been away for long and has no replacement: over the
//!    others, narrower, so that they have all their parity again (I7);
//! 3. chunks of a file that are in very many narrow segments and have been quiet for a while.
//!
//! The compactor holds a session like any client, for one round: removed files wait for every session, and
//! rows that were written in vain for the end of theirs. It is renewed here directly, as this node leads;
//! with the leadership it is left to expire.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use isobar_base::limits::{EXTENTS_PER_MESSAGE_MAX, SEGMENT_BYTES_MAX};
use isobar_base::{Errno, Ino, SegmentId, TargetId};
use isobar_cluster::Session;
use isobar_segments::Segments;
use isobar_wire::message::files::{Attr, Extent, Map, SegmentInfo, Source};
use isobar_wire::message::ops::{FileOp, OpError, OpReply, Replace, SessionOp};
use isobar_wire::message::queries::{Answer, ClusterQuery, FileQuery, SessionQuery};
use tokio::task::JoinSet;

use crate::context::NodeContext;
use crate::limits::{
    COMPACT_READS_MAX, COMPACT_SEGMENTS_PER_STEP, GATHER_INODES_PER_STEP, GATHER_PAGES_PER_ROUND,
    GATHER_QUIET, GATHER_SEGMENTS_MIN, ORPHANS_PER_RENEWAL_MAX,
};
use crate::metadata::Metadata;

/// From this share of used room on, segments that are less than three quarters alive are rewritten, ...
const FILLING: f64 = 0.7;
/// ... and from this one on those that are less than nine tenths alive, without long pauses.
const CROWDED: f64 = 0.8;
const CROWDED_PAUSE: Duration = Duration::from_millis(500);

/// Compacts, as long as this node leads.
pub(crate) async fn run(node: Arc<NodeContext>, meta: Arc<Metadata>) {
    if !node.config.compaction.enabled {
        return;
    }
    let segments = Segments::new(node.cluster.clone());
    let mut compactor = Compactor { node: node.clone(), meta, segments, session: None, gathered: Ino(0) };
    let interval = Duration::from_secs(node.config.compaction.interval_seconds);
    loop {
        // Whether woken or not, it is time.
        let wait = if compactor.crowded() > CROWDED { interval.min(CROWDED_PAUSE) } else { interval };
        tokio::time::timeout(wait, node.compact_now.notified()).await.ok();
        if let Err(error) = compactor.round().await {
            tracing::debug!(%error, "compaction cut short");
        }
        compactor.close_session().await;
    }
}

struct Compactor {
    node: Arc<NodeContext>,
    meta: Arc<Metadata>,
    segments: Segments,
    session: Option<Session>,
    /// Inodes up to this one were looked at for narrow extents.
    gathered: Ino,
}

/// A piece of a file that is to be copied.
type Piece = (Extent, SegmentInfo);

impl Compactor {
    async fn round(&mut self) -> Result<(), Errno> {
        self.rewrite_all(|after| ClusterQuery::LowLive { after, limit: COMPACT_SEGMENTS_PER_STEP }, |_| true)
            .await?;
        let most_alive = match self.crowded() {
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

    /// What share of the room of all targets that report is used.
    fn crowded(&self) -> f64 {
        let map = self.meta.group.read(isobar_meta::cluster_map);
        let live = self.meta.liveness.live(&map);
        let up = || live.iter().filter(|l| l.up && !l.failed);
        let used: u64 = up().map(|l| l.used_bytes).sum();
        let free: u64 = up().map(|l| l.free_bytes).sum();
        used as f64 / (used + free).max(1) as f64
    }

    /// Targets that have been away so long that nobody is expected to bring them back.
    fn dead_targets(&self) -> HashSet<TargetId> {
        let map = self.meta.group.read(isobar_meta::cluster_map);
        let grace = Duration::from_secs(self.node.config.compaction.dead_target_seconds);
        let targets = map.targets.iter().filter(|t| !map.replacing.contains(&t.node));
        let dead = targets.filter(|t| self.meta.liveness.silent_for(t).is_some_and(|away| away > grace));
        dead.map(|t| t.id).collect()
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

    /// Copies all that a file still uses of some segments.
    async fn rewrite(&mut self, ino: Ino, ids: &HashSet<SegmentId>) -> Result<(), Errno> {
        let mut offset = 0;
        while let Some(map) = self.map(ino, offset).await? {
            let wanted = |extent: &Extent| source(extent).is_some_and(|id| ids.contains(&id));
            self.copy(&map, wanted).await?;
            if map.complete_to == u64::MAX {
                break;
            }
            offset = map.complete_to;
        }
        Ok(())
    }

    /// Part of the map of a file, from `offset` on; `None` when the file is gone.
    async fn map(&self, ino: Ino, offset: u64) -> Result<Option<Map>, Errno> {
        match self.node.cluster.query(FileQuery::Map { ino, offset, len: u64::MAX - offset }).await {
            Ok(Answer::Map(map)) => Ok(Some(map)),
            Ok(_) => Err(Errno::EPROTO),
            Err(Errno::ESTALE) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Copies the wanted extents of a map into as few new segments as they fit into.
    async fn copy(&mut self, map: &Map, wanted: impl Fn(&Extent) -> bool) -> Result<(), Errno> {
        let infos: HashMap<SegmentId, &SegmentInfo> = map.segments.iter().map(|s| (s.id, s)).collect();
        let mut batch: Vec<Piece> = Vec::new();
        let mut bytes = 0;
        for extent in map.extents.iter().filter(|e| wanted(e)) {
            let Some(info) = source(extent).and_then(|id| infos.get(&id)) else { continue };
            if bytes + extent.len > SEGMENT_BYTES_MAX || batch.len() == EXTENTS_PER_MESSAGE_MAX {
                self.copy_batch(&map.attr, std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
            bytes += extent.len;
            batch.push((extent.clone(), (*info).clone()));
        }
        if batch.is_empty() { Ok(()) } else { self.copy_batch(&map.attr, batch).await }
    }

    /// Copies pieces of at most one segment's size into one new segment.
    async fn copy_batch(&mut self, attr: &Attr, batch: Vec<Piece>) -> Result<(), Errno> {
        let session = self.session().await?;
        self.keep_no_file(&session).await;
        let (pieces, data) = self.read(batch).await?;
        // What was read is as old as its newest piece: everything younger lies on top.
        let Some(as_of) = pieces.iter().map(|piece| piece.version).max() else { return Ok(()) };
        let bytes = data.len();
        let segment = self.segments.write(&session, data).await?;
        let id = segment.id;
        let mut at = 0;
        let mut copy = |piece: Extent| {
            let copied = Extent { source: Source::Segment { id, offset: at }, version: 0, ..piece };
            at += copied.len as u32;
            copied
        };
        let op = FileOp::Replace(Replace {
            ino: attr.ino,
            incarnation: attr.incarnation,
            low_water: session.low_water(),
            as_of,
            extents: pieces.into_iter().map(&mut copy).collect(),
            segments: vec![segment],
        });
        let replaced = session.mutate(op).await;
        session.settle(id);
        match replaced {
            Ok(OpReply::Replaced { used_bytes }) => {
                tracing::debug!(ino = %attr.ino, segment = %id, bytes, used_bytes, "compacted");
            }
            Ok(other) => tracing::error!(?other, "INVARIANT: a REPLACE was answered by something else"),
            Err(OpError::StalePlacement) => {
                // With an old map there is nothing to be had; without a leader we shall see.
                self.node.cluster.refresh(crate::limits::STATUS_TIMEOUT).await.ok();
            }
            // Truncated, removed or expired meanwhile: the copy is an orphan now.
            Err(error) => tracing::debug!(ino = %attr.ino, segment = %id, %error, "copy not taken"),
        }
        self.pace(bytes as u64).await;
        Ok(())
    }

    /// Reads pieces, several at a time. Pieces that cannot be read stay where they are.
    async fn read(&self, batch: Vec<Piece>) -> Result<(Vec<Extent>, Bytes), Errno> {
        let mut reads = JoinSet::new();
        let mut parts: Vec<Option<Vec<Bytes>>> = vec![None; batch.len()];
        let mut next = batch.iter().enumerate();
        loop {
            while reads.len() < COMPACT_READS_MAX
                && let Some((at, (extent, info))) = next.next()
            {
                let Source::Segment { offset, .. } = extent.source else { continue };
                let (segments, info, range) =
                    (self.segments.clone(), info.clone(), offset..offset + extent.len as u32);
                reads.spawn(async move { (at, segments.read(&info, range).await, info.id) });
            }
            match reads.join_next().await {
                Some(Ok((at, Ok(bytes), _))) => parts[at] = Some(bytes),
                Some(Ok((_, Err(error), segment))) => {
                    tracing::debug!(%segment, %error, "not read for compaction");
                }
                Some(Err(_)) => return Err(Errno::EIO),
                None => break,
            }
        }
        let mut data = Vec::new();
        let mut pieces = Vec::new();
        for ((extent, _), part) in batch.into_iter().zip(parts) {
            if let Some(part) = part {
                part.iter().for_each(|bytes| data.extend_from_slice(bytes));
                pieces.push(extent);
            }
        }
        Ok((pieces, data.into()))
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
                let chunks = crowded_chunks(&map, n);
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

    async fn session(&mut self) -> Result<Session, Errno> {
        if self.session.is_none() {
            let name = format!("compaction on {}", self.node.config.node);
            self.session = Some(Session::open(self.node.cluster.clone(), &name).await?);
        }
        self.renew();
        self.session.clone().ok_or(Errno::EIO)
    }

    /// Ends the session of a round, if there was something to do in it.
    async fn close_session(&mut self) {
        if let Some(session) = self.session.take()
            && let Err(error) = session.mutate(SessionOp::Close).await
        {
            tracing::debug!(session = %session.id(), %error, "left to expire");
        }
    }

    /// Says for the compactor that it has none of the removed files open, so that no long round keeps them.
    async fn keep_no_file(&self, session: &Session) {
        let query = SessionQuery::Orphans { session: session.id(), limit: ORPHANS_PER_RENEWAL_MAX }.into();
        let orphans = self.meta.group.read(|kv| isobar_meta::query(kv, &query));
        let Ok(Answer::Inos(inos)) = orphans else { return };
        if !inos.is_empty() {
            // Said again with the next copy if it fails, and by the end of the session in any case.
            session.mutate(FileOp::ReleaseOrphans { inos }).await.ok();
        }
    }

    /// Renews the session of the round.
    fn renew(&self) {
        if let Some(session) = &self.session {
            self.meta.sessions.renew(session.id(), || true);
        }
    }

    /// Keeps to the configured rate.
    async fn pace(&self, bytes: u64) {
        let rate = self.node.config.compaction.bytes_per_second;
        tokio::time::sleep(Duration::from_secs_f64(bytes as f64 / rate as f64)).await;
    }
}

fn source(extent: &Extent) -> Option<SegmentId> {
    match extent.source {
        Source::Segment { id, .. } => Some(id),
        Source::Inline(_) => None,
    }
}

/// Whether nobody has written for a while, by clocks that may be wrong: then a rewrite may be in vain.
fn is_quiet(attr: &Attr) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    attr.mtime.seconds.max(attr.ctime.seconds) + (GATHER_QUIET.as_secs() as i64) < now.as_secs() as i64
}

/// Chunks of the file with bytes in many segments narrower than `n`. Counting segments, not extents: bytes
/// between holes stay as many extents however they are rewritten.
fn crowded_chunks(map: &Map, n: u8) -> HashSet<u64> {
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
    use isobar_wire::message::files::{FileKind, Time};

    fn map(extents: u64, n: u8) -> Map {
        let id = |counter| SegmentId { session: SessionId(1), counter };
        let attr = Attr {
            ino: Ino(2),
            kind: FileKind::File,
            mode: 0,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            size: 0,
            allocated_bytes: 0,
            atime: Time::default(),
            mtime: Time::default(),
            ctime: Time::default(),
            incarnation: 0,
            version: 0,
            data_version: 0,
        };
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
        assert!(crowded_chunks(&map(63, 1), 6).is_empty());
        assert_eq!(crowded_chunks(&map(64, 1), 6), HashSet::from([0]));
        assert!(crowded_chunks(&map(64, 6), 6).is_empty());
        assert_eq!(crowded_chunks(&map(2048 + 64, 1), 6), HashSet::from([0, 1]));
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
