//! The index against an ordinary map.

use std::collections::BTreeMap;

use isobar_base::{SegmentId, SessionId};

use super::*;
use crate::entry::Crcs;
use crate::space::{Run, Runs};

fn key(session: u64, counter: u64) -> FragmentKey {
    FragmentKey { segment: SegmentId { session: SessionId(session), counter }, row: 0 }
}

/// An entry with so many runs: of another length for each number.
fn entry(start: u64, runs: u64) -> Entry {
    let runs: Vec<Run> = (0..runs).map(|at| Run { start: start + 2 * at, blocks: 1 }).collect();
    let geometry = Geometry { data: 1, parity: 2, len: 4096 };
    Entry { geometry, header_crc: start as u32, crcs: Crcs::One(7), runs: Runs::from(runs) }
}

/// What a checkpoint of the frozen index would hold, made from the one before and the pages that are written.
fn write_frozen(index: &mut Index, size: Size, written: &mut Vec<Vec<u8>>) {
    let mut next = 0;
    written.truncate(size.pages as usize);
    while let Some((slot, bytes)) = index.next_frozen(next) {
        match written.get_mut(slot as usize) {
            Some(page) => *page = bytes.to_vec(),
            None => written.push(bytes.to_vec()),
        }
        index.written(slot);
        next = slot + 1;
    }
    assert_eq!((written.len() as u32, index.frozen_pages()), (size.pages, 0));
}

fn check(index: &Index, map: &BTreeMap<FragmentKey, Entry>) {
    assert_eq!(index.size.entries, map.len() as u64);
    assert_eq!(index.used_blocks, map.values().map(|entry| entry.runs.blocks()).sum::<u64>());
    assert_eq!(index.size.bytes, index.pages.iter().map(|page| page.len() as u64).sum::<u64>());
    assert!(index.list(None, usize::MAX).iter().map(|info| info.key).eq(map.keys().copied()));
    let in_order: Vec<&Page> = index.order.values().map(|&slot| &index.pages[slot as usize]).collect();
    assert_eq!(in_order.len(), index.pages.len());
    assert!(in_order.windows(2).all(|pair| pair[0].len() + pair[1].len() > PAGE_BYTES_MAX));
    assert!(in_order.iter().all(|page| page.len() > 0 && !page.is_too_long()));
}

fn loaded(pages: &[Vec<u8>]) -> Index {
    let pages = pages.iter().map(|bytes| Page::load(bytes.clone()).unwrap()).collect();
    Index::from_pages(pages).unwrap()
}

#[test]
fn it_does_what_a_map_does_and_freezes_it_while_it_changes() {
    let (mut index, mut map) = (Index::default(), BTreeMap::new());
    let mut seed = 0x9e37_79b9_u64;
    let mut random = |bound: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 16) % bound
    };
    let mut written = Vec::new();
    let mut frozen: Option<(BTreeMap<FragmentKey, Entry>, Size)> = None;
    for step in 0..60_000_u64 {
        // It grows, shrinks to nearly nothing, grows again.
        let grows = step / 10_000 % 2 == 0;
        let key = key(random(4), random(1500));
        if random(10) < if grows { 8 } else { 3 } {
            let runs = if random(40) == 0 { 1 + random(1200) } else { 1 };
            let entry = entry(step, runs);
            assert_eq!(index.insert(key, &entry), map.insert(key, entry));
        } else {
            assert_eq!(index.contains(&key), map.contains_key(&key));
            assert_eq!(index.remove(&key), map.remove(&key));
        }
        assert_eq!(index.get(&key), map.get(&key).cloned());
        if step % 500 == 0 {
            check(&index, &map);
            if let Some((map, size)) = frozen.take() {
                write_frozen(&mut index, size, &mut written);
                let loaded = loaded(&written);
                check(&loaded, &map);
                assert!(
                    loaded.size() == size
                        && map.iter().all(|(key, entry)| loaded.get(key).as_ref() == Some(entry))
                );
            }
            frozen = (step % 1000 == 0).then(|| (map.clone(), index.freeze()));
        }
    }
}

#[test]
fn sessions_that_write_side_by_side_fill_their_pages() {
    let mut index = Index::default();
    for counter in 0..5_000 {
        for session in [900, 3, 77, 5] {
            index.insert(key(session, counter), &entry(counter * 4, 1));
        }
    }
    let Size { pages, bytes, .. } = index.size();
    assert!(u64::from(pages) * PAGE_BYTES_MAX as u64 * 9 < bytes * 10, "{pages} pages for {bytes} bytes");
}

#[test]
fn a_checkpoint_has_only_the_pages_that_changed() {
    let mut index = Index::default();
    (0..50_000).for_each(|counter| drop(index.insert(key(1, counter), &entry(counter, 1))));
    let mut written = Vec::new();
    let size = index.freeze();
    write_frozen(&mut index, size, &mut written);
    index.remove(&key(1, 700)).unwrap();
    index.insert(key(1, 30_000), &entry(9, 1));
    index.freeze();
    assert_eq!(index.frozen_pages(), 2);
}

#[test]
fn pages_that_overlap_are_no_index() {
    let page = |keys: &[u64]| {
        let mut page = Page::new(key(1, keys[0]));
        keys.iter().for_each(|&counter| drop(page.insert(key(1, counter), &entry(counter, 1))));
        Page::load(page.bytes().to_vec()).unwrap()
    };
    assert!(Index::from_pages(vec![page(&[5, 9]), page(&[1, 4])]).is_ok());
    assert!(Index::from_pages(vec![page(&[5, 9]), page(&[1, 6])]).is_err());
    assert!(Page::load(Vec::new()).is_none());
}
