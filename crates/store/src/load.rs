//! Reading a checkpoint when a device is opened.
//!
//! Both copies of everything are read. Where one is damaged the other is used, and the next checkpoint writes
//! both again.

use std::ops::Range;
use std::thread;

use isobar_base::AlignedBuf;
use isobar_disk::Disk;

use crate::StoreError;
use crate::extent::read_blocks;
use crate::frame::{self, Kind};
use crate::index::Index;
use crate::limits::{BLOCK_BYTES, LOAD_BLOCKS_MAX, LOAD_THREAD_PAGES_MIN, LOAD_THREADS, NODE_CHILDREN};
use crate::page::{Page, Summary};
use crate::space::{Run, Runs};
use crate::superblock::{CheckpointRef, Superblock};
use crate::table::{Place, Table, levels};

/// A page, and whether one of its copies is damaged.
type Loaded = (Page, Summary, bool);

/// Why there is no checkpoint to be had.
type Damage = &'static str;

const NO_COPY: Damage = "a page has no good copy";

#[derive(Clone, Copy)]
struct Source<'a> {
    disk: &'a dyn Disk,
    nonce: u64,
    data: &'a Range<u64>,
}

/// Reads the checkpoint that the superblock names.
///
/// # Errors
/// `CorruptCheckpoint`.
pub(crate) fn load(
    disk: &dyn Disk,
    nonce: u64,
    superblock: &Superblock,
) -> Result<(Index, Table), StoreError> {
    let source = Source { disk, nonce, data: &superblock.data() };
    source.load(&superblock.checkpoint).map_err(StoreError::CorruptCheckpoint)
}

impl Source<'_> {
    fn load(self, checkpoint: &CheckpointRef) -> Result<(Index, Table), Damage> {
        let mut to_mend = Vec::new();
        let places = self.read_places(checkpoint, &mut to_mend)?;
        let mut pages = Vec::with_capacity(places[0].len());
        for (slot, (page, summary, damaged)) in (0..).zip(self.read_pages(&places[0])?) {
            pages.push((page, summary));
            to_mend.extend(damaged.then_some(slot));
        }
        let mut index = Index::from_pages(pages)?;
        let size = index.size();
        if (size.entries, size.bytes) != (checkpoint.entries, checkpoint.bytes) {
            return Err("it does not have the entries that it should");
        }
        to_mend.into_iter().for_each(|slot| index.write_again(slot));
        Ok((index, Table::new(places)))
    }

    /// The places of all levels, the pages' first; adds a slot below each node that is to be mended.
    fn read_places(
        self,
        checkpoint: &CheckpointRef,
        to_mend: &mut Vec<u32>,
    ) -> Result<Vec<Vec<Place>>, Damage> {
        let lengths = levels(checkpoint.pages);
        let mut places = vec![checkpoint.root.iter().cloned().collect::<Vec<_>>()];
        for (level, &length) in lengths.iter().enumerate().rev().skip(1) {
            let mut children = Vec::new();
            for (number, place) in (0..).zip(&places[0]) {
                let (body, damaged) = self.read_node(place)?;
                to_mend.extend(damaged.then(|| number * NODE_CHILDREN.pow(level as u32 + 1)));
                let node: Vec<Place> = postcard::from_bytes(&body).map_err(|_| "a node cannot be decoded")?;
                children.extend(node);
            }
            if children.len() as u32 != length {
                return Err("a node does not have the pages that it should");
            }
            places.insert(0, children);
        }
        if places[0].len() as u32 != checkpoint.pages {
            return Err("it has no root");
        }
        Ok(places)
    }

    fn read_node(self, place: &Place) -> Result<(Vec<u8>, bool), Damage> {
        let [first, second] = place.copies.each_ref().map(|runs| {
            let bytes = self.read_runs(runs);
            bytes.and_then(|bytes| self.body(Kind::Node, place, &bytes).map(<[u8]>::to_vec))
        });
        let damaged = first.is_none() || second.is_none();
        Ok((first.or(second).ok_or("a node has no good copy")?, damaged))
    }

    /// The pages at these places.
    fn read_pages(self, places: &[Place]) -> Result<Vec<Loaded>, Damage> {
        if places.len() < LOAD_THREAD_PAGES_MIN {
            return self.read_some(places);
        }
        thread::scope(|scope| {
            let read = |part| thread::Builder::new().spawn_scoped(scope, move || self.read_some(part));
            let threads: Vec<_> = places.chunks(places.len().div_ceil(LOAD_THREADS)).map(read).collect();
            let mut pages = Vec::with_capacity(places.len());
            for thread in threads {
                let thread = thread.map_err(|_| "there is no thread to read it")?;
                pages.extend(thread.join().unwrap_or(Err("a thread that read it had panicked"))?);
            }
            Ok(pages)
        })
    }

    fn read_some(self, places: &[Place]) -> Result<Vec<Loaded>, Damage> {
        let mut found: Vec<Option<(Page, Summary)>> = places.iter().map(|_| None).collect();
        let mut copies = vec![0_u8; places.len()];
        let mut take = |at: usize, bytes: Option<&[u8]>| {
            let Some(body) = bytes.and_then(|bytes| self.body(Kind::Page, &places[at], bytes)) else {
                tracing::warn!(slot = at, "a copy of a page of the checkpoint is damaged");
                return;
            };
            copies[at] += 1;
            if found[at].is_none() {
                found[at] = Page::load(body.to_vec());
            }
        };
        let mut single = Vec::new();
        for (at, runs) in
            places.iter().enumerate().flat_map(|(at, place)| place.copies.iter().map(move |c| (at, c)))
        {
            match runs {
                Runs::One(run) => single.push((*run, at)),
                Runs::Many(_) => take(at, self.read_runs(runs).as_deref()),
            }
        }
        single.sort_unstable();
        for group in single.chunk_by(|(before, _), (run, _)| before.end() == run.start) {
            self.read_group(group, &mut take);
        }
        let both = found.into_iter().zip(copies);
        both.map(|(page, copies)| page.map(|(page, summary)| (page, summary, copies < 2)).ok_or(NO_COPY))
            .collect()
    }

    /// Reads runs that follow each other, some at a time.
    fn read_group(self, group: &[(Run, usize)], take: &mut impl FnMut(usize, Option<&[u8]>)) {
        let mut rest = group;
        while let [(first, _), ..] = rest {
            let fits = |(run, _): &&(Run, usize)| run.end() - first.start <= LOAD_BLOCKS_MAX;
            let (now, later) = rest.split_at(rest.iter().take_while(fits).count().max(1));
            let all = Run { start: first.start, blocks: now.iter().map(|(run, _)| run.blocks).sum() };
            let together = self.read_runs(&Runs::One(all));
            for (run, at) in now {
                let from = ((run.start - first.start) * BLOCK_BYTES) as usize;
                let to = from + (u64::from(run.blocks) * BLOCK_BYTES) as usize;
                match &together {
                    Some(bytes) => take(*at, Some(&bytes[from..to])),
                    // Which of them cannot be read?
                    None => take(*at, self.read_runs(&Runs::One(*run)).as_deref()),
                }
            }
            rest = later;
        }
    }

    /// The bytes of these blocks, if they are in the data area and can be read.
    fn read_runs(self, runs: &Runs) -> Option<AlignedBuf> {
        let inside = |run: &Run| {
            run.start >= self.data.start
                && run.start.checked_add(u64::from(run.blocks)) <= Some(self.data.end)
        };
        if !runs.as_slice().iter().all(inside) {
            return None;
        }
        let mut bytes = AlignedBuf::zeroed((runs.blocks() * BLOCK_BYTES) as usize);
        let mut rest = &mut bytes[..];
        for run in runs.as_slice() {
            let (now, later) = rest.split_at_mut((u64::from(run.blocks) * BLOCK_BYTES) as usize);
            if let Err(error) = read_blocks(self.disk, run.start, now) {
                tracing::warn!(block = run.start, %error, "blocks of the checkpoint cannot be read");
                return None;
            }
            rest = later;
        }
        Some(bytes)
    }

    /// The body of the frame that `place` means, if that is what is there.
    fn body<'a>(self, kind: Kind, place: &Place, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (_, body) = frame::decode(kind, Some(self.nonce), bytes).ok()?;
        (frame::crc(bytes) == place.crc).then_some(body)
    }
}
