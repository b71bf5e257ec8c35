//! What this client knows of a file's extent map.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use isobar_base::SegmentId;
use isobar_wire::message::files::{Extent, Map, SegmentInfo, Source};

/// Known part of an extent map. Ranges not known have to be asked for.
#[derive(Debug, Default)]
pub(crate) struct Extents {
    by_offset: BTreeMap<u64, Extent>,
    segments: HashMap<SegmentId, Arc<SegmentInfo>>,
    /// Ranges for which extents and holes are known: start → end, not touching each other.
    known: BTreeMap<u64, u64>,
}

/// What is at some bytes of a file.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// Nothing: zeros.
    Hole,
    /// These bytes.
    Inline(bytes::Bytes),
    /// Bytes of a segment, from this offset on.
    Segment(Arc<SegmentInfo>, u32),
}

impl Extents {
    /// Forgets everything.
    pub fn forget(&mut self) {
        *self = Extents::default();
    }

    /// Takes over an answer for `[offset, offset + len)`.
    pub fn learn(&mut self, map: Map, range: Range<u64>) {
        let end = range.end.min(map.complete_to);
        if end <= range.start {
            return;
        }
        for segment in map.segments {
            self.segments.entry(segment.id).or_insert_with(|| Arc::new(segment));
        }
        let mut known = range.start..end;
        self.cut(range.start..end);
        for extent in map.extents {
            // Extents that stick out tell more than was asked for.
            if extent.offset < end && extent.end() > range.start {
                known = known.start.min(extent.offset)..known.end.max(extent.end());
                self.cut(extent.offset..extent.end());
                self.by_offset.insert(extent.offset, extent);
            }
        }
        self.mark_known(known);
    }

    /// Takes over extents this client has just committed, in order.
    pub fn committed(&mut self, extents: Vec<Extent>, segments: Vec<SegmentInfo>) {
        for segment in segments {
            self.segments.insert(segment.id, Arc::new(segment));
        }
        for extent in extents {
            self.cut(extent.offset..extent.end());
            self.mark_known(extent.offset..extent.end());
            self.by_offset.insert(extent.offset, extent);
        }
        // A file rewritten for hours must not fill memory with segments long gone.
        if self.segments.len() > 2 * self.by_offset.len() + 1024 {
            let named: std::collections::HashSet<SegmentId> = self
                .by_offset
                .values()
                .filter_map(|e| match e.source {
                    Source::Segment { id, .. } => Some(id),
                    Source::Inline(_) => None,
                })
                .collect();
            self.segments.retain(|id, _| named.contains(id));
        }
    }

    /// Everything from `offset` on is a known hole.
    pub fn truncated(&mut self, offset: u64) {
        self.cut(offset..u64::MAX);
        self.mark_known(offset..u64::MAX);
    }

    /// What is at `[range.start, …)`: how many bytes, at most up to `range.end`, and what; `None` when
    /// it has to be asked for.
    pub fn find(&self, range: Range<u64>) -> Option<(u64, Found)> {
        let (_, &known_end) = self.known.range(..=range.start).next_back()?;
        if known_end <= range.start {
            return None;
        }
        let end = range.end.min(known_end);
        if let Some((_, extent)) = self.by_offset.range(..=range.start).next_back()
            && extent.end() > range.start
        {
            let skip = range.start - extent.offset;
            let len = extent.end().min(end) - range.start;
            let found = match &extent.source {
                Source::Inline(bytes) => {
                    Found::Inline(bytes::Bytes::copy_from_slice(&bytes[skip as usize..(skip + len) as usize]))
                }
                Source::Segment { id, offset } => {
                    Found::Segment(self.segments.get(id)?.clone(), offset + skip as u32)
                }
            };
            return Some((len, found));
        }
        let next = self.by_offset.range(range.start..).next().map_or(end, |(&at, _)| at.min(end));
        Some((next - range.start, Found::Hole))
    }

    fn mark_known(&mut self, mut range: Range<u64>) {
        if let Some((&start, &end)) = self.known.range(..=range.start).next_back()
            && end >= range.start
        {
            range = start..range.end.max(end);
        }
        while let Some((&start, &end)) = self.known.range(range.start..=range.end).next() {
            self.known.remove(&start);
            range.end = range.end.max(end);
        }
        self.known.insert(range.start, range.end);
    }

    /// Removes what lies in `range`, trimming extents that stick out.
    fn cut(&mut self, range: Range<u64>) {
        let first = self.by_offset.range(..range.start).next_back().map_or(range.start, |(&at, _)| at);
        let touched: Vec<u64> = self.by_offset.range(first..range.end).map(|(&at, _)| at).collect();
        for at in touched {
            let Some(extent) = self.by_offset.remove(&at) else { continue };
            if extent.end() <= range.start {
                self.by_offset.insert(at, extent);
                continue;
            }
            if extent.end() > range.end {
                let tail = part(&extent, range.end..extent.end());
                self.by_offset.insert(tail.offset, tail);
            }
            if at < range.start {
                self.by_offset.insert(at, part(&extent, at..range.start));
            }
        }
    }
}

/// The part of an extent that covers `range`, which lies within it.
fn part(extent: &Extent, range: Range<u64>) -> Extent {
    let skip = range.start - extent.offset;
    let len = range.end - range.start;
    let source = match &extent.source {
        Source::Inline(bytes) => Source::Inline(bytes[skip as usize..(skip + len) as usize].to_vec()),
        Source::Segment { id, offset } => Source::Segment { id: *id, offset: offset + skip as u32 },
    };
    Extent { offset: range.start, len, source, version: extent.version }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(offset: u64, bytes: &[u8]) -> Extent {
        Extent { offset, len: bytes.len() as u64, source: Source::Inline(bytes.to_vec()), version: 1 }
    }

    #[test]
    fn unknown_ranges_are_asked_for_and_holes_are_known() {
        let mut extents = Extents::default();
        assert!(extents.find(0..10).is_none());
        extents.committed(vec![inline(10, b"abcdef")], vec![]);
        assert!(extents.find(0..10).is_none());
        assert!(matches!(extents.find(12..100), Some((4, Found::Inline(b))) if &b[..] == b"cdef"));
        extents.truncated(13);
        assert!(matches!(extents.find(12..100), Some((1, Found::Inline(b))) if &b[..] == b"c"));
        assert!(matches!(extents.find(13..100), Some((87, Found::Hole))));
    }

    #[test]
    fn later_commits_lie_on_top() {
        let mut extents = Extents::default();
        extents.committed(vec![inline(0, b"aaaaaaaa"), inline(2, b"bb")], vec![]);
        let mut bytes = Vec::new();
        let mut at = 0;
        while at < 8 {
            let Some((len, Found::Inline(part))) = extents.find(at..8) else { panic!("a hole at {at}") };
            bytes.extend_from_slice(&part);
            at += len;
        }
        assert_eq!(bytes, b"aabbaaaa");
    }
}
