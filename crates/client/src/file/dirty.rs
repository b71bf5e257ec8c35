//! Bytes that applications wrote and that are not on their way yet: byte-exact, never rounded (I8).

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use isobar_base::limits::{EXTENTS_PER_MESSAGE_MAX, SEGMENT_BYTES_MAX};
use isobar_base::{AlignedBuf, BufPool};

/// Bytes of this number or more at the start of an 8 MiB chunk are taken for the start of a stream and get
/// room for the whole chunk at once.
const STREAM_BYTES: usize = 128 << 10;
/// Buffers have whole pages.
const PAGE_BYTES: usize = 4096;
/// Pieces below this size are gathered into common segments.
const GATHER_BYTES: usize = 1 << 20;

/// Dirty pieces of one file by offset. They do not overlap and none crosses a multiple of 8 MiB.
#[derive(Debug, Default)]
pub(crate) struct Dirty {
    pieces: BTreeMap<u64, AlignedBuf>,
    bytes: usize,
    /// Pieces of exactly 8 MiB.
    full: usize,
}

/// Bytes for one segment: where they go in the file and where they are in the segment.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    /// Bytes of the segment.
    pub data: Bytes,
    /// (file offset, length, offset in the segment), not overlapping.
    pub extents: Vec<(u64, u64, u32)>,
}

impl Dirty {
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of memory held, at most: the buffers of pieces are whole pages.
    pub fn room(&self) -> usize {
        self.bytes + self.pieces.len() * PAGE_BYTES
    }

    /// Memory that a write of so many bytes may need.
    pub fn room_for(bytes: usize) -> usize {
        bytes + (bytes / SEGMENT_BYTES_MAX as usize + 2) * PAGE_BYTES
    }

    /// Whether there is a whole chunk.
    pub fn has_full(&self) -> bool {
        self.full > 0
    }

    /// End of the last piece, 0 without any.
    pub fn end(&self) -> u64 {
        self.pieces.last_key_value().map_or(0, |(at, piece)| at + piece.len() as u64)
    }

    /// Takes over a write. It may cross chunks.
    pub fn write(&mut self, offset: u64, mut data: &[u8], pool: &BufPool) {
        let mut offset = offset;
        while !data.is_empty() {
            let room = SEGMENT_BYTES_MAX - offset % SEGMENT_BYTES_MAX;
            let (now, rest) = data.split_at(data.len().min(room as usize));
            self.write_in_chunk(offset, now, pool);
            offset += now.len() as u64;
            data = rest;
        }
    }

    fn write_in_chunk(&mut self, offset: u64, data: &[u8], pool: &BufPool) {
        let end = offset + data.len() as u64;
        if let Some((&at, piece)) = self.pieces.range_mut(..=offset).next_back() {
            let piece_end = at + piece.len() as u64;
            if end <= piece_end {
                let from = (offset - at) as usize;
                piece[from..from + data.len()].copy_from_slice(data);
                return;
            }
            let same_chunk = at / SEGMENT_BYTES_MAX == offset / SEGMENT_BYTES_MAX;
            if offset <= piece_end && same_chunk {
                // Goes on where the piece ends, or overlaps its tail; what lies further on is cut away.
                self.clear(piece_end..end);
                let Some(piece) = self.pieces.get_mut(&at) else { return };
                let from = (offset - at) as usize;
                let grown = from + data.len() - piece.len();
                let len = from + data.len();
                if at.is_multiple_of(SEGMENT_BYTES_MAX) && len >= STREAM_BYTES && len > piece.capacity() {
                    let mut roomy = pool.get(SEGMENT_BYTES_MAX as usize);
                    roomy[..piece.len()].copy_from_slice(piece);
                    *piece = roomy;
                }
                piece.set_len(len);
                piece[from..].copy_from_slice(data);
                self.bytes += grown;
                self.full += usize::from(is_full(len));
                return;
            }
        }
        self.clear(offset..end);
        let stream = offset.is_multiple_of(SEGMENT_BYTES_MAX) && data.len() >= STREAM_BYTES;
        let mut piece = pool.get(if stream { SEGMENT_BYTES_MAX as usize } else { data.len() });
        piece.set_len(data.len());
        piece.copy_from_slice(data);
        self.bytes += data.len();
        self.full += usize::from(is_full(data.len()));
        self.pieces.insert(offset, piece);
    }

    /// Forgets what lies in `range`.
    pub fn clear(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let first = self.pieces.range(..range.start).next_back().map_or(range.start, |(&at, _)| at);
        let touched: Vec<u64> = self.pieces.range(first..range.end).map(|(&at, _)| at).collect();
        for at in touched {
            let Some(mut piece) = self.pieces.remove(&at) else { continue };
            let end = at + piece.len() as u64;
            self.bytes -= piece.len();
            self.full -= usize::from(is_full(piece.len()));
            if end > range.end && at < range.end {
                let from = (range.end.max(at) - at) as usize;
                let tail = AlignedBuf::from_slice(&piece[from..]);
                self.bytes += tail.len();
                self.pieces.insert(at + from as u64, tail);
            }
            if at < range.start {
                piece.set_len(((range.start - at) as usize).min(piece.len()));
                self.bytes += piece.len();
                self.full += usize::from(is_full(piece.len()));
                self.pieces.insert(at, piece);
            }
        }
    }

    /// Pieces that touch `range`: (file offset, bytes), clipped to it.
    pub fn read(&self, range: Range<u64>) -> impl Iterator<Item = (u64, &[u8])> {
        let first = self.pieces.range(..=range.start).next_back().map_or(range.start, |(&at, _)| at);
        self.pieces.range(first..range.end.max(first)).filter_map(move |(&at, piece)| {
            let from = range.start.max(at);
            let to = range.end.min(at + piece.len() as u64);
            (from < to).then(|| (from, &piece[(from - at) as usize..(to - at) as usize]))
        })
    }

    /// Takes out whole chunks: pieces of exactly 8 MiB.
    pub fn take_full(&mut self) -> Vec<Package> {
        if self.full == 0 {
            return Vec::new();
        }
        let full: Vec<u64> =
            self.pieces.iter().filter(|(_, piece)| is_full(piece.len())).map(|(&at, _)| at).collect();
        full.into_iter().filter_map(|at| self.take_piece(at)).collect()
    }

    /// Takes out everything, small pieces gathered into common segments.
    pub fn take_all(&mut self) -> Vec<Package> {
        let mut packages = Vec::new();
        let mut small: Vec<(u64, AlignedBuf)> = Vec::new();
        let mut small_bytes = 0;
        (self.bytes, self.full) = (0, 0);
        for (at, piece) in std::mem::take(&mut self.pieces) {
            if piece.len() >= GATHER_BYTES {
                packages.push(Package::of_one(at, piece));
                continue;
            }
            if small_bytes + piece.len() > SEGMENT_BYTES_MAX as usize
                || small.len() == EXTENTS_PER_MESSAGE_MAX
            {
                packages.extend(Package::gather(std::mem::take(&mut small)));
                small_bytes = 0;
            }
            small_bytes += piece.len();
            small.push((at, piece));
        }
        packages.extend(Package::gather(small));
        packages
    }

    fn take_piece(&mut self, at: u64) -> Option<Package> {
        let piece = self.pieces.remove(&at)?;
        self.bytes -= piece.len();
        self.full -= usize::from(is_full(piece.len()));
        Some(Package::of_one(at, piece))
    }
}

fn is_full(piece_bytes: usize) -> bool {
    piece_bytes as u64 == SEGMENT_BYTES_MAX
}

impl Package {
    fn of_one(at: u64, piece: AlignedBuf) -> Package {
        let len = piece.len() as u64;
        Package { data: Bytes::from_owner(piece), extents: vec![(at, len, 0)] }
    }

    fn gather(mut pieces: Vec<(u64, AlignedBuf)>) -> Option<Package> {
        if pieces.len() <= 1 {
            return pieces.pop().map(|(at, piece)| Package::of_one(at, piece));
        }
        let mut data = Vec::with_capacity(pieces.iter().map(|(_, p)| p.len()).sum());
        let mut extents = Vec::with_capacity(pieces.len());
        for (at, piece) in &pieces {
            extents.push((*at, piece.len() as u64, data.len() as u32));
            data.extend_from_slice(piece);
        }
        Some(Package { data: data.into(), extents })
    }

    /// Bytes of file offset range `range` that are in the package: (file offset, bytes).
    pub fn read(&self, range: Range<u64>) -> impl Iterator<Item = (u64, Bytes)> {
        self.extents.iter().filter_map(move |&(at, len, offset)| {
            let from = range.start.max(at);
            let to = range.end.min(at + len);
            let start = u64::from(offset) + from.saturating_sub(at);
            (from < to).then(|| (from, self.data.slice(start as usize..(start + to - from) as usize)))
        })
    }

    /// End of the last extent.
    pub fn end(&self) -> u64 {
        self.extents.iter().map(|&(at, len, _)| at + len).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(dirty: &Dirty, len: usize) -> Vec<Option<u8>> {
        let mut bytes = vec![None; len];
        for (at, piece) in dirty.read(0..len as u64) {
            for (i, &b) in piece.iter().enumerate() {
                bytes[at as usize + i] = Some(b);
            }
        }
        bytes
    }

    #[test]
    fn random_writes_and_cuts_leave_exactly_the_bytes_written() {
        let pool = BufPool::new(0);
        let mut random = 88172645463325252u64;
        let mut next = |bound: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % bound
        };
        for _ in 0..200 {
            let mut dirty = Dirty::default();
            let mut model: Vec<Option<u8>> = vec![None; 600];
            for step in 0..40u8 {
                let at = next(500);
                let len = 1 + next(100);
                if next(4) == 0 {
                    dirty.clear(at..at + len);
                    model[at as usize..(at + len) as usize].fill(None);
                } else {
                    dirty.write(at, &vec![step; len as usize], &pool);
                    model[at as usize..(at + len) as usize].fill(Some(step));
                }
                assert_eq!(contents(&dirty, 600), model);
                assert_eq!(dirty.full, 0);
                assert_eq!(dirty.bytes(), model.iter().flatten().count());
            }
            let mut packed = vec![None; 600];
            for package in dirty.take_all() {
                for (at, bytes) in package.read(0..600) {
                    for (i, &b) in bytes.iter().enumerate() {
                        packed[at as usize + i] = Some(b);
                    }
                }
            }
            assert_eq!(packed, model);
        }
    }

    #[test]
    fn a_stream_becomes_whole_segments_without_copies_of_their_parts() {
        let pool = BufPool::new(64 << 20);
        let mut dirty = Dirty::default();
        for mib in 0..17u64 {
            dirty.write(mib << 20, &vec![mib as u8; 1 << 20], &pool);
        }
        let full = dirty.take_full();
        assert_eq!(full.len(), 2);
        assert!(full.iter().all(|p| p.data.len() as u64 == SEGMENT_BYTES_MAX));
        assert_eq!((dirty.bytes(), dirty.has_full()), (1 << 20, false));
    }

    #[test]
    fn a_stream_of_small_writes_is_copied_once_into_the_room_of_its_chunk() {
        let pool = BufPool::new(64 << 20);
        let mut dirty = Dirty::default();
        for at in 0..SEGMENT_BYTES_MAX >> 12 {
            dirty.write(at << 12, &[at as u8; 4096], &pool);
            let piece = &dirty.pieces[&0];
            assert!(piece.capacity() <= STREAM_BYTES || piece.capacity() as u64 == SEGMENT_BYTES_MAX);
        }
        assert!(dirty.has_full());
        dirty.write(SEGMENT_BYTES_MAX / 2, b"changed", &pool);
        assert!(dirty.has_full());
        dirty.clear(10..20);
        assert!(!dirty.has_full() && dirty.take_full().is_empty());
        assert!(dirty.take_all().iter().all(|package| package.data.len() as u64 <= SEGMENT_BYTES_MAX));
    }

    #[test]
    fn no_package_has_more_pieces_than_one_commit_can_name() {
        let mut dirty = Dirty::default();
        for piece in 0..5_000u64 {
            dirty.write(piece * 1_000, &[1; 100], &BufPool::new(0));
        }
        let packages = dirty.take_all();
        assert!(packages.iter().all(|p| p.extents.len() <= EXTENTS_PER_MESSAGE_MAX));
        assert_eq!(packages.iter().map(|p| p.extents.len()).sum::<usize>(), 5_000);
    }

    #[test]
    fn pieces_never_cross_a_chunk() {
        let mut dirty = Dirty::default();
        dirty.write(SEGMENT_BYTES_MAX - 10, &[1; 20], &BufPool::new(0));
        dirty.write(SEGMENT_BYTES_MAX - 30, &[2; 20], &BufPool::new(0));
        let packages = dirty.take_all();
        assert_eq!(packages[0].extents.iter().map(|&(_, len, _)| len).sum::<u64>(), 40);
        assert!(
            packages[0]
                .extents
                .iter()
                .all(|&(at, len, _)| at / SEGMENT_BYTES_MAX == (at + len - 1) / SEGMENT_BYTES_MAX)
        );
    }
}
