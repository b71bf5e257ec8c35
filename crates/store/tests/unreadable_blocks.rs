//! Blocks that the medium does not give back: damage of one fragment, and of nothing else.

mod common;

use std::sync::Arc;

use common::{MemoryDisk, UNIT, commit, fragment, key, payload, put_op};
use isobar_store::{Core, Op, Store, StoreError};

const LOG: usize = 32 * UNIT;

fn open(disk: &MemoryDisk) -> Result<Core, StoreError> {
    Core::open(Arc::new(disk.clone()))
}

/// A store with fragments of so many units, all in a checkpoint.
fn store_of(units: &[u32]) -> (MemoryDisk, Core) {
    let disk = MemoryDisk::formatted(8 << 20);
    let mut core = open(&disk).unwrap();
    for (counter, &units) in (1..).zip(units) {
        commit(&mut core, put_op(key(counter), units, 0)).unwrap();
    }
    core.checkpoint().unwrap();
    (disk, core)
}

fn place(disk: &MemoryDisk, counter: u64, units: u32) -> usize {
    disk.find(&payload(key(counter), units, 0)[..UNIT]).unwrap()
}

fn rewrite_op(counter: u64, units: u32, version: u64) -> Op {
    let (header, payload) = fragment(key(counter), units, version);
    Op::rewrite(header, payload).unwrap()
}

fn is_damaged(core: &Core, counter: u64) -> bool {
    let read = core.get(key(counter), Store::WHOLE);
    matches!(read, Err(StoreError::Corrupt { key: found, .. }) if found == key(counter))
}

#[test]
fn a_block_that_cannot_be_read_is_damage_of_its_fragment_until_it_is_written_again() {
    for units in [3, 20] {
        let (disk, mut core) = store_of(&[units, units]);
        disk.lose(place(&disk, 1, units) + UNIT);
        assert!(is_damaged(&core, 1));
        assert!(matches!(core.get(key(1), 1..2), Err(StoreError::Corrupt { .. })));
        core.get(key(2), Store::WHOLE).unwrap();
        assert_eq!(core.usage().damaged, 1);
        let used = core.usage().used_bytes;
        commit(&mut core, rewrite_op(1, units, 0)).unwrap();
        assert_eq!(core.get(key(1), Store::WHOLE).unwrap().data[..], payload(key(1), units, 0)[..]);
        assert_eq!((core.usage().damaged, core.usage().used_bytes), (0, used));
        // So it is after a restart.
        drop(core);
        let core = open(&disk).unwrap();
        assert_eq!(core.get(key(1), Store::WHOLE).unwrap().data[..], payload(key(1), units, 0)[..]);
        assert_eq!(core.list(None, 10).len(), 2);
    }
}

#[test]
fn a_descriptor_that_cannot_be_read_is_damage_of_its_fragment() {
    let (disk, mut core) = store_of(&[20]);
    disk.lose(place(&disk, 1, 20) + 20 * UNIT);
    assert!(is_damaged(&core, 1));
    commit(&mut core, rewrite_op(1, 20, 0)).unwrap();
    core.get(key(1), 3..4).unwrap();
}

#[test]
fn a_rewrite_leaves_whole_fragments_alone_and_takes_no_other_bytes() {
    let (disk, mut core) = store_of(&[3]);
    let free = core.usage().free_bytes;
    commit(&mut core, rewrite_op(1, 3, 0)).unwrap();
    assert_eq!(core.usage().free_bytes, free);
    disk.flip(place(&disk, 1, 3) + 7);
    assert!(matches!(commit(&mut core, rewrite_op(1, 3, 1)), Err(StoreError::Conflict(_))));
    assert!(is_damaged(&core, 1));
    // One that is missing is stored.
    commit(&mut core, rewrite_op(2, 3, 0)).unwrap();
    core.get(key(2), Store::WHOLE).unwrap();
}

#[test]
fn a_block_lost_under_the_last_batch_costs_its_fragment_and_not_the_target() {
    let disk = MemoryDisk::formatted(8 << 20);
    let mut core = open(&disk).unwrap();
    let results = core.commit(&[put_op(key(1), 3, 0), put_op(key(2), 3, 0)]);
    assert!(results.iter().all(Result::is_ok));
    disk.lose(place(&disk, 1, 3));
    drop(core);
    let mut core = open(&disk).unwrap();
    assert_eq!(core.list(None, 10).len(), 1);
    core.get(key(2), Store::WHOLE).unwrap();
    // A client that repeats its PUT is not told that the bytes are there.
    commit(&mut core, put_op(key(1), 3, 0)).unwrap();
    core.get(key(1), Store::WHOLE).unwrap();
}

#[test]
fn a_lost_block_of_the_log_is_like_a_torn_batch() {
    let five_batches = || {
        let disk = MemoryDisk::formatted(8 << 20);
        let mut core = open(&disk).unwrap();
        for counter in 0..5 {
            commit(&mut core, put_op(key(counter), 2, 0)).unwrap();
        }
        disk
    };
    // Behind the last batch, under it, and before it.
    for (block, fragments) in [(9, 5), (4, 4)] {
        let disk = five_batches();
        disk.lose(LOG + block * UNIT);
        assert_eq!(open(&disk).unwrap().list(None, 10).len(), fragments);
    }
    let disk = five_batches();
    disk.lose(LOG + 2 * UNIT);
    assert!(matches!(open(&disk), Err(StoreError::CorruptLog { expected: 4, found: 5, .. })));
}

#[test]
fn a_lost_superblock_copy_is_mended_by_opening() {
    for slot in [0, 16 * UNIT] {
        let (disk, core) = store_of(&[3]);
        drop(core);
        disk.lose(slot);
        open(&disk).unwrap().get(key(1), Store::WHOLE).unwrap();
        assert!(Store::read_label(&disk).is_ok());
    }
    let (disk, core) = store_of(&[3]);
    drop(core);
    disk.lose(0);
    disk.lose(16 * UNIT);
    assert!(matches!(open(&disk), Err(StoreError::CorruptSuperblock)));
    assert!(matches!(Core::format(&disk, &common::label()), Err(StoreError::CorruptSuperblock)));
}
