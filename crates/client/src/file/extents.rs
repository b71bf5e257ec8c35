//! What this client knows of a file's extent map, and how much it may know of all of them.
//!
//! A map is forgotten in windows, those first that were used longest ago: what is not known is asked for
//! again. The order is that of the answers and COMMITs that came meanwhile, which is what fills memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use isobar_base::{SegmentId, limits};
use isobar_wire::message::files::{Extent, Map, SegmentInfo, Source};

/// File bytes whose part of a map is forgotten at a time; no extent crosses a multiple of it.
const WINDOW_BYTES: u64 = 32 << 20;
const _: () = assert!(WINDOW_BYTES.is_multiple_of(limits::SEGMENT_BYTES_MAX));

/// Known part of an extent map. Ranges not known have to be asked for.
#[derive(Debug, Default)]
pub(crate) struct Extents {
    by_offset: BTreeMap<u64, Extent>,
    segments: HashMap<SegmentId, Arc<SegmentInfo>>,
    /// Ranges for which extents and holes are known: start → end, not touching each other.
    known: BTreeMap<u64, u64>,
    /// When each window with extents was used last.
    used: HashMap<u64, AtomicU64>,
    room: MapRoom,
    /// Extents counted in `room`.
    counted: usize,
}

/// Room for the maps of all files of one client. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapRoom(Arc<Totals>);

#[derive(Debug, Default)]
struct Totals {
    extents: AtomicUsize,
    extents_max: usize,
    /// Counts answers and COMMITs.
    clock: AtomicU64,
}

impl MapRoom {
    /// Room for so many extents.
    pub fn new(extents_max: usize) -> MapRoom {
        MapRoom(Arc::new(Totals { extents_max, ..Totals::default() }))
    }

    /// Extents known of all files.
    pub fn extents(&self) -> usize {
        self.0.extents.load(Ordering::Relaxed)
    }

    /// Whether more are known than there is room for.
    pub fn is_over(&self) -> bool {
        self.extents() > self.0.extents_max
    }

    /// Whether, of what was too much, enough is forgotten to go on for a while.
    pub fn is_low(&self) -> bool {
        self.extents() <= self.0.extents_max / 4 * 3
    }
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
    /// Nothing known.
    pub fn new(room: MapRoom) -> Extents {
        let mut nothing = Extents::default();
        nothing.room = room;
        nothing
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        let room = self.room.clone();
        *self = Extents::new(room);
    }

    /// The windows with extents, and when each was used last.
    pub fn windows(&self) -> impl Iterator<Item = (u64, u64)> {
        self.used.iter().map(|(&window, used)| (window, used.load(Ordering::Relaxed)))
    }

    /// Forgets a window.
    pub fn forget_window(&mut self, window: u64) {
        let range = window * WINDOW_BYTES..(window + 1).saturating_mul(WINDOW_BYTES);
        self.cut(range.clone());
        self.mark_unknown(range);
        self.used.remove(&window);
        self.forget_unnamed_segments();
        self.count();
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
                self.insert(extent);
            }
        }
        self.mark_known(known);
        self.count();
    }

    /// Takes over extents this client has just committed, in order.
    pub fn committed(&mut self, extents: Vec<Extent>, segments: Vec<SegmentInfo>) {
        for segment in segments {
            self.segments.insert(segment.id, Arc::new(segment));
        }
        for extent in extents {
            self.cut(extent.offset..extent.end());
            self.mark_known(extent.offset..extent.end());
            self.insert(extent);
        }
        // A file rewritten for hours must not fill memory with segments long gone.
        if self.segments.len() > 2 * self.by_offset.len() + 1024 {
            self.forget_unnamed_segments();
        }
        self.count();
    }

    /// Everything from `offset` on is a known hole.
    pub fn truncated(&mut self, offset: u64) {
        self.cut(offset..u64::MAX);
        self.mark_known(offset..u64::MAX);
        self.count();
    }

    /// What is at `[range.start, …)`: how many bytes, at most up to `range.end`, and what; `None` when
    /// it has to be asked for.
    pub fn find(&self, range: Range<u64>) -> Option<(u64, Found)> {
        let (_, &known_end) = self.known.range(..=range.start).next_back()?;
        if known_end <= range.start {
            return None;
        }
        let end = range.end.min(known_end);
        if let Some(used) = self.used.get(&(range.start / WINDOW_BYTES)) {
            used.store(self.room.0.clock.load(Ordering::Relaxed), Ordering::Relaxed);
        }
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

    fn insert(&mut self, extent: Extent) {
        let now = self.room.0.clock.load(Ordering::Relaxed);
        *self.used.entry(extent.offset / WINDOW_BYTES).or_default() = AtomicU64::new(now);
        self.by_offset.insert(extent.offset, extent);
    }

    /// Something was learnt or forgotten.
    fn count(&mut self) {
        let (before, now) = (self.counted, self.by_offset.len());
        self.counted = now;
        let totals = &self.room.0;
        totals.clock.fetch_add(1, Ordering::Relaxed);
        totals.extents.fetch_add(now, Ordering::Relaxed);
        totals.extents.fetch_sub(before, Ordering::Relaxed);
    }

    fn forget_unnamed_segments(&mut self) {
        let named: HashSet<SegmentId> = self
            .by_offset
            .values()
            .filter_map(|e| match e.source {
                Source::Segment { id, .. } => Some(id),
                Source::Inline(_) => None,
            })
            .collect();
        self.segments.retain(|id, _| named.contains(id));
    }

    fn mark_unknown(&mut self, range: Range<u64>) {
        let first = self.known.range(..range.start).next_back().map_or(range.start, |(&start, _)| start);
        let touched: Vec<(u64, u64)> = self.known.range(first..range.end).map(|(&s, &e)| (s, e)).collect();
        for (start, end) in touched.into_iter().filter(|&(_, end)| end > range.start) {
            self.known.remove(&start);
            if start < range.start {
                self.known.insert(start, range.start);
            }
            if end > range.end {
                self.known.insert(range.end, end);
            }
        }
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

impl Drop for Extents {
    fn drop(&mut self) {
        self.room.0.extents.fetch_sub(self.counted, Ordering::Relaxed);
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

    #[test]
    fn a_window_that_is_forgotten_has_to_be_asked_for_and_nothing_else() {
        let room = MapRoom::new(100);
        let mut extents = Extents::new(room.clone());
        let at = |window: u64| window * WINDOW_BYTES;
        extents.truncated(0);
        let all = (0..4).flat_map(|w| [inline(at(w), b"ab"), inline(at(w) + 4096, b"cd")]).collect();
        extents.committed(all, vec![]);
        assert_eq!(room.extents(), 8);
        assert!(extents.find(at(0)..at(0) + 2).is_some());
        let mut windows: Vec<_> = extents.windows().collect();
        windows.sort_unstable_by_key(|&(window, used)| (used, window));
        assert_eq!(windows.last().map(|w| w.0), Some(0), "used last: {windows:?}");
        extents.forget_window(2);
        assert_eq!(room.extents(), 6);
        assert!(extents.find(at(2)..at(3)).is_none() && extents.find(at(3) - 1..at(3)).is_none());
        assert!(matches!(extents.find(at(2) - 10..at(4)), Some((10, Found::Hole))));
        assert!(matches!(extents.find(at(3)..at(4)), Some((2, Found::Inline(_)))));
        assert!(matches!(extents.find(at(4)..at(9)), Some((_, Found::Hole))));
        extents.forget();
        assert_eq!(room.extents(), 0);
        extents.committed(vec![inline(0, b"a")], vec![]);
        assert_eq!(room.extents(), 1);
        drop(extents);
        assert_eq!(room.extents(), 0);
    }
}
