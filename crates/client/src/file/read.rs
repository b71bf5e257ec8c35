//! read(2): buffered bytes first, then bytes on their way, then committed ones.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use isobar_base::{Errno, limits};
use isobar_cluster::BootTime;
use isobar_wire::message::files::SegmentInfo;
use isobar_wire::message::queries::{Answer, FileQuery};

use super::bytes::ReadBytes;
use super::extents::Found;
use super::files::{FileHandle, Files};
use super::inode::{Inode, State};

const LEASE: Duration = Duration::from_millis(limits::CACHE_TTL_MS);
/// The map is asked for in pieces of this many file bytes.
const MAP_BYTES: u64 = 256 << 20;
/// Rows up to this size are fetched whole for any read.
const SMALL_ROW_BYTES: u64 = 64 << 10;
/// Reads no further apart than this are near each other.
const NEAR_BYTES: u64 = 4 << 20;
/// So many reads in a row that are near the one before make a stream.
const STREAM_READS: u32 = 3;
/// A first read of this size at the start of a file begins one.
const STREAM_START_BYTES: u64 = 128 << 10;
/// How often a read starts again because segments were superseded meanwhile.
const RETRIES_MAX: usize = 10;

/// One part of an answer.
enum Piece {
    Here(Bytes),
    Zeros(u64),
    There(Arc<SegmentInfo>, Range<u32>),
}

impl Files {
    /// Reads if all bytes are in memory.
    pub fn try_read(&self, handle: &FileHandle, offset: u64, len: u32) -> Option<ReadBytes> {
        let (pieces, end) = {
            let state = handle.inode.state.lock();
            let appending = !state.append.is_empty() || state.sent.iter().any(|s| s.append);
            if state.checked.elapsed() > LEASE || appending {
                return None;
            }
            let end = state.placed_size().min(offset.saturating_add(u64::from(len)));
            (self.collect(&state, offset..end.max(offset))?, end)
        };
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                Piece::Here(bytes) => parts.push(bytes),
                Piece::Zeros(count) => parts.push(Bytes::from(vec![0; count as usize])),
                Piece::There(segment, range) => {
                    let row_bytes = segment.geometry.row_bytes() as u32;
                    let mut at = range.start;
                    while at < range.end {
                        let row = (at / row_bytes) as u8;
                        let row_start = u32::from(row) * row_bytes;
                        let to = range.end.min(row_start + row_bytes);
                        let bytes = self.rows.try_get(segment.id, row)?;
                        parts.push(bytes.slice((at - row_start) as usize..(to - row_start) as usize));
                        at = to;
                    }
                }
            }
        }
        self.note_read(handle, offset, end.max(offset));
        Some(ReadBytes { parts })
    }

    /// Reads.
    pub async fn read(&self, handle: &FileHandle, offset: u64, len: u32) -> Result<ReadBytes, Errno> {
        let inode = &handle.inode;
        let appended = {
            let state = inode.state.lock();
            !state.append.is_empty() || state.sent.iter().any(|s| s.append)
        };
        if appended {
            self.write_back(inode).await?;
        }
        self.revalidate(inode, LEASE).await?;
        let mut stale = 0;
        loop {
            let range = {
                let state = inode.state.lock();
                let end = state.placed_size().min(offset.saturating_add(u64::from(len)));
                offset..end.max(offset)
            };
            if range.is_empty() {
                return Ok(ReadBytes::default());
            }
            let pieces = self.pieces(inode, range.clone()).await?;
            let streaming = self.note_read(handle, offset, range.end);
            match self.fetch(pieces, streaming).await {
                Err(Errno::ESTALE) if stale < RETRIES_MAX => {
                    stale += 1;
                    let asked = BootTime::now();
                    let attr = self.cluster.query_attr(inode.ino).await?;
                    let mut state = inode.state.lock();
                    state.learn(attr, asked);
                    state.extents.forget();
                }
                Err(Errno::ESTALE) => return Err(Errno::EIO),
                other => return Ok(ReadBytes { parts: other? }),
            }
        }
    }

    /// Whether reading looks sequential; if so, reads ahead.
    fn note_read(&self, handle: &FileHandle, offset: u64, end: u64) -> bool {
        let last = handle.read_end.swap(end, Ordering::AcqRel);
        let near = offset >= last.saturating_sub(NEAR_BYTES) && offset <= last + NEAR_BYTES;
        // A read that goes on where the last one ended is a stream's. One that is only near, as reads of a
        // stream are that overtake each other, may be chance: several in a row are not.
        let near_reads = match (near, last > 0) {
            (true, true) if offset == last => STREAM_READS,
            (true, true) => handle.near_reads.load(Ordering::Relaxed).saturating_add(1),
            _ => 0,
        };
        handle.near_reads.store(near_reads, Ordering::Relaxed);
        // The first read of a file at its start may be the first of many; small ones wait for a second.
        let starts = near && last == 0 && end - offset >= STREAM_START_BYTES;
        let stream = starts || near_reads >= STREAM_READS;
        if !near {
            handle.ahead_end.store(0, Ordering::Release);
        }
        if stream && self.read_ahead_bytes > 0 {
            self.read_ahead(handle, end);
        }
        stream
    }

    /// Starts fetching rows up to the window beyond `end`, and the map where it ends before.
    fn read_ahead(&self, handle: &FileHandle, end: u64) {
        let window = self.read_ahead_bytes.min(self.rows.bytes_max() as u64 / 4);
        let ahead = handle.ahead_end.load(Ordering::Acquire).max(end);
        // In steps: walking the map for every small read would cost more than it gives.
        if ahead >= end + window / 2 {
            return;
        }
        let (segments, reached, to) = {
            let state = handle.inode.state.lock();
            let to = state.attr.size.min(end + window);
            let mut segments = Vec::new();
            let mut at = ahead;
            while at < to {
                let Some((len, found)) = state.extents.find(at..to) else { break };
                if let Found::Segment(segment, offset) = found {
                    segments.push((segment, offset..offset + len as u32));
                }
                at += len;
            }
            (segments, at, to)
        };
        handle.ahead_end.store(reached, Ordering::Release);
        if reached < to && handle.map_ahead.swap(reached, Ordering::AcqRel) != reached {
            let (this, inode) = (self.clone(), handle.inode.clone());
            // Whoever needs it asks again if this fails.
            self.runtime.spawn(async move {
                this.learn_map(&inode, reached).await.ok();
                this.trim_maps();
            });
        }
        if segments.is_empty() {
            return;
        }
        let rows = self.rows.clone();
        let _in_runtime = self.runtime.enter();
        for (segment, range) in segments {
            for row in rows_of(&segment, &range) {
                rows.fetch(&segment, row);
            }
        }
    }

    /// What makes up a range, asking for the map where it is not known.
    async fn pieces(&self, inode: &Inode, range: Range<u64>) -> Result<Vec<Piece>, Errno> {
        let pieces = loop {
            let unknown = {
                let state = inode.state.lock();
                match self.collect(&state, range.clone()) {
                    Some(pieces) => break pieces,
                    None => first_unknown(&state, range.clone()),
                }
            };
            self.learn_map(inode, unknown).await?;
        };
        // What was asked for has been seen; sooner it might be what is forgotten.
        self.trim_maps();
        Ok(pieces)
    }

    /// Asks for the map from `offset` on. There may be too much of it until somebody trims it.
    async fn learn_map(&self, inode: &Inode, offset: u64) -> Result<(), Errno> {
        let asked = BootTime::now();
        let query = FileQuery::Map { ino: inode.ino, offset, len: MAP_BYTES };
        let Answer::Map(map) = self.cluster.query(query).await? else { return Err(Errno::EPROTO) };
        {
            let mut state = inode.state.lock();
            state.learn(map.attr, asked);
            if map.attr.version >= state.attr.version || map.attr.data_version == state.attr.data_version {
                state.extents.learn(map, offset..offset.saturating_add(MAP_BYTES));
            }
        }
        Ok(())
    }

    /// What makes up a range; `None` when part of the map is not known.
    fn collect(&self, state: &State, range: Range<u64>) -> Option<Vec<Piece>> {
        let mut found: Vec<(u64, Bytes)> = Vec::new();
        if !state.dirty.is_empty() {
            found.extend(state.dirty.read(range.clone()).map(|(at, b)| (at, Bytes::copy_from_slice(b))));
        }
        for sent in state.sent.iter().rev().filter(|s| !s.append) {
            for (at, bytes) in sent.package.read(range.clone()) {
                fill_gaps(&mut found, at, bytes);
            }
        }
        found.sort_by_key(|(at, _)| *at);
        let mut pieces = Vec::new();
        let mut at = range.start;
        for (start, bytes) in found {
            committed(state, at..start, &mut pieces)?;
            at = start + bytes.len() as u64;
            pieces.push(Piece::Here(bytes));
        }
        committed(state, at..range.end, &mut pieces)?;
        Some(pieces)
    }

    async fn fetch(&self, pieces: Vec<Piece>, streaming: bool) -> Result<Vec<Bytes>, Errno> {
        // All rows are on their way before the first is waited for.
        if streaming {
            for piece in &pieces {
                if let Piece::There(segment, range) = piece {
                    rows_of(segment, range).for_each(|row| drop(self.rows.fetch(segment, row)));
                }
            }
        }
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                Piece::Here(bytes) => parts.push(bytes),
                Piece::Zeros(count) => parts.push(Bytes::from(vec![0; count as usize])),
                Piece::There(segment, range) => {
                    let whole = streaming || segment.geometry.row_bytes() <= SMALL_ROW_BYTES;
                    let coming = || rows_of(&segment, &range).all(|row| self.rows.is_coming(segment.id, row));
                    if !whole && !coming() {
                        parts.extend(self.segments.read(&segment, range).await?);
                        continue;
                    }
                    let row_bytes = segment.geometry.row_bytes() as u32;
                    for row in rows_of(&segment, &range) {
                        let bytes = self.rows.get(&segment, row).await?;
                        let start = u32::from(row) * row_bytes;
                        let from = range.start.max(start) - start;
                        let to = range.end.min(start + row_bytes) - start;
                        parts.push(bytes.slice(from as usize..to as usize));
                    }
                }
            }
        }
        Ok(parts)
    }

    /// First offset at or after `offset` that has data, or is a hole.
    pub async fn seek(&self, handle: &FileHandle, offset: u64, data: bool) -> Result<u64, Errno> {
        let inode = &handle.inode;
        self.write_back(inode).await?;
        self.revalidate(inode, LEASE).await?;
        let mut at = offset;
        loop {
            let (size, step) = {
                let state = inode.state.lock();
                let size = state.attr.size;
                if offset >= size {
                    return Err(Errno::ENXIO);
                }
                if at >= size {
                    return if data { Err(Errno::ENXIO) } else { Ok(size) };
                }
                (size, state.extents.find(at..size))
            };
            match step {
                Some((len, found)) => {
                    // As in `pieces`.
                    self.trim_maps();
                    if matches!(found, Found::Hole) != data {
                        return Ok(at);
                    }
                    at += len;
                }
                None => self.learn_map(inode, at.min(size)).await?,
            }
        }
    }
}

fn rows_of(segment: &SegmentInfo, range: &Range<u32>) -> impl Iterator<Item = u8> + use<> {
    let row_bytes = segment.geometry.row_bytes() as u32;
    (range.start / row_bytes) as u8..=((range.end - 1) / row_bytes) as u8
}

/// Committed bytes of a range; `None` when part of the map is not known.
fn committed(state: &State, range: Range<u64>, pieces: &mut Vec<Piece>) -> Option<()> {
    let mut at = range.start;
    while at < range.end {
        if at >= state.attr.size {
            pieces.push(Piece::Zeros(range.end - at));
            return Some(());
        }
        let (len, found) = state.extents.find(at..range.end.min(state.attr.size))?;
        pieces.push(match found {
            Found::Hole => Piece::Zeros(len),
            Found::Inline(bytes) => Piece::Here(bytes),
            Found::Segment(segment, offset) => Piece::There(segment, offset..offset + len as u32),
        });
        at += len;
    }
    Some(())
}

fn first_unknown(state: &State, range: Range<u64>) -> u64 {
    let mut at = range.start;
    while at < range.end {
        match state.extents.find(at..range.end) {
            Some((len, _)) => at += len,
            None => return at,
        }
    }
    range.start
}

/// Adds the parts of `bytes` that nothing newer covers.
fn fill_gaps(found: &mut Vec<(u64, Bytes)>, at: u64, bytes: Bytes) {
    let end = at + bytes.len() as u64;
    let mut covered: Vec<(u64, u64)> = found
        .iter()
        .map(|(start, b)| (*start, *start + b.len() as u64))
        .filter(|&(start, stop)| start < end && stop > at)
        .collect();
    covered.sort_unstable();
    let mut from = at;
    for (start, stop) in covered.into_iter().chain([(end, end)]) {
        if start > from {
            found.push((from, bytes.slice((from - at) as usize..(start - at) as usize)));
        }
        from = from.max(stop);
    }
}
