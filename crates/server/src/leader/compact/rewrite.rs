//! Pieces of a file are copied into new segments, and REPLACE puts the copies in their places.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use isobar_base::limits::SEGMENT_BYTES_MAX;
use isobar_base::{Errno, Ino, SegmentId};
use isobar_wire::message::files::{Attr, Extent, Map, SegmentInfo, Source};
use isobar_wire::message::ops::{FileOp, OpError, OpReply, Replace};
use isobar_wire::message::queries::{Answer, FileQuery};
use tokio::task::JoinSet;

use super::compactor::Compactor;
use crate::limits::COMPACT_READS_MAX;

/// Most pieces of one REPLACE: as much work as replicas do at a stretch.
const PIECES_MAX: usize = isobar_meta::ENTRY_WEIGHT_MAX - 1;

/// A piece of a file that is to be copied.
type Piece = (Extent, SegmentInfo);

impl Compactor {
    /// Copies all that a file still uses of some segments.
    pub(super) async fn rewrite(&mut self, ino: Ino, ids: &HashSet<SegmentId>) -> Result<(), Errno> {
        let mut offset = 0;
        while let Some(map) = self.map(ino, offset).await? {
            let wanted = |extent: &Extent| source(extent).is_some_and(|id| ids.contains(&id));
            self.copy(&map, wanted).await?;
            if map.complete_to == u64::MAX || self.share_left == 0 {
                break;
            }
            offset = map.complete_to;
        }
        Ok(())
    }

    /// Part of the map of a file, from `offset` on; `None` when the file is gone.
    pub(super) async fn map(&self, ino: Ino, offset: u64) -> Result<Option<Map>, Errno> {
        match self.node.cluster.query(FileQuery::Map { ino, offset, len: u64::MAX - offset }).await {
            Ok(Answer::Map(map)) => Ok(Some(map)),
            Ok(_) => Err(Errno::EPROTO),
            Err(Errno::ESTALE) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Copies the wanted extents of a map into as few new segments as they fit into, until the walk's share
    /// of the round is used up.
    pub(super) async fn copy(&mut self, map: &Map, wanted: impl Fn(&Extent) -> bool) -> Result<(), Errno> {
        let infos: HashMap<SegmentId, &SegmentInfo> = map.segments.iter().map(|s| (s.id, s)).collect();
        let mut batch: Vec<Piece> = Vec::new();
        let mut bytes = 0;
        for extent in map.extents.iter().filter(|e| wanted(e)) {
            let Some(info) = source(extent).and_then(|id| infos.get(&id)) else { continue };
            if bytes + extent.len > SEGMENT_BYTES_MAX || batch.len() == PIECES_MAX {
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
        if self.share_left == 0 {
            return Ok(());
        }
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
                if self.frees_room {
                    self.meta.reclaim.freed();
                }
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
        self.share_left = self.share_left.saturating_sub(bytes as u64);
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
}

/// The segment an extent is in.
pub(super) fn source(extent: &Extent) -> Option<SegmentId> {
    match extent.source {
        Source::Segment { id, .. } => Some(id),
        Source::Inline(_) => None,
    }
}
