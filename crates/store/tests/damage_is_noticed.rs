//! Bit rot, misdirected writes and a damaged log.

mod common;

use std::sync::Arc;

use common::{MemoryDisk, UNIT, commit, key, label, payload, put_op};
use isobar_store::{Core, Op, Store, StoreError};

const LOG: usize = 32 * UNIT;

fn open(disk: &MemoryDisk) -> Result<Core, StoreError> {
    Core::open(Arc::new(disk.clone()))
}

/// A store with a packed fragment 1 and large ones 2 and 3, all in a checkpoint.
fn three_fragments() -> (MemoryDisk, Core) {
    let disk = MemoryDisk::formatted(8 << 20);
    let mut core = open(&disk).unwrap();
    for (counter, units) in [(1, 3), (2, 20), (3, 20)] {
        commit(&mut core, put_op(key(counter), units, 0)).unwrap();
    }
    drop(core);
    let core = open(&disk).unwrap();
    (disk, core)
}

fn place(disk: &MemoryDisk, counter: u64, units: u32) -> usize {
    disk.find(&payload(key(counter), units, 0)[..UNIT]).unwrap()
}

fn assert_corrupt(core: &Core, counter: u64, units: std::ops::Range<u32>) {
    let error = core.get(key(counter), units).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { key: k, .. } if k == key(counter)), "{error}");
}

#[test]
fn rot_in_a_payload_is_noticed_and_confined_to_its_units() {
    let (disk, core) = three_fragments();
    disk.flip(place(&disk, 1, 3) + UNIT + 5);
    disk.flip(place(&disk, 2, 20) + 7 * UNIT);
    assert_corrupt(&core, 1, Store::WHOLE);
    assert_corrupt(&core, 1, 1..2);
    core.get(key(1), 2..3).unwrap();
    assert_corrupt(&core, 2, Store::WHOLE);
    assert_corrupt(&core, 2, 5..8);
    core.get(key(2), 8..20).unwrap();
    core.get(key(3), Store::WHOLE).unwrap();
}

#[test]
fn rot_in_a_descriptor_is_noticed() {
    let (disk, core) = three_fragments();
    disk.flip(place(&disk, 2, 20) + 20 * UNIT + 40);
    assert_corrupt(&core, 2, 0..1);
    assert_corrupt(&core, 2, Store::WHOLE);
    core.get(key(3), Store::WHOLE).unwrap();
}

#[test]
fn a_misdirected_write_is_noticed_by_identity() {
    let (disk, core) = three_fragments();
    // Fragment 3, complete and consistent with itself, lands on 2.
    let (two, three) = (place(&disk, 2, 20), place(&disk, 3, 20));
    disk.change(|bytes| bytes.copy_within(three..three + 21 * UNIT, two));
    let error = core.get(key(2), Store::WHOLE).unwrap_err();
    assert!(error.to_string().contains("another fragment"), "{error}");
    assert_corrupt(&core, 2, 3..4);
    core.get(key(3), Store::WHOLE).unwrap();
}

#[test]
fn a_lost_write_is_noticed() {
    let (disk, core) = three_fragments();
    for (counter, units, blocks) in [(1, 3, 3), (2, 20, 21)] {
        let at = place(&disk, counter, units);
        disk.change(|bytes| bytes[at..at + blocks * UNIT].fill(0));
        assert_corrupt(&core, counter, Store::WHOLE);
    }
}

#[test]
fn either_superblock_copy_is_enough_and_opening_mends_the_other() {
    let (disk, core) = three_fragments();
    drop(core);
    for slot in [0, 16 * UNIT, 0] {
        disk.flip(slot + 50);
        assert_eq!(Store::read_label(&disk).unwrap(), label());
        open(&disk).unwrap().get(key(2), Store::WHOLE).unwrap();
    }
    disk.flip(50);
    disk.flip(16 * UNIT + 50);
    assert!(matches!(open(&disk), Err(StoreError::CorruptSuperblock)));
    assert!(matches!(Core::format(&disk, &label()), Err(StoreError::CorruptSuperblock)));
}

#[test]
fn either_checkpoint_copy_is_enough_and_both_damaged_are_loud() {
    let (disk, core) = three_fragments();
    drop(core);
    let copies = |disk: &MemoryDisk| -> Vec<usize> {
        let image = disk.image();
        // Superblock generation is what the live checkpoint's chunks carry, right after the frame's head.
        let newest = open(&MemoryDisk::from_image(image.clone())).unwrap().generation() - 1;
        let is_live = |b: &&[u8]| b.starts_with(b"ISOBARcp") && u64::from(b[32]) == newest;
        let blocks = image.chunks(UNIT).enumerate();
        blocks.filter(|(_, b)| is_live(b)).map(|(at, _)| at * UNIT).collect()
    };
    for damaged in 0..2 {
        let at = copies(&disk);
        assert_eq!(at.len(), 2);
        disk.flip(at[damaged] + 45);
        let core = open(&disk).unwrap();
        assert_eq!(core.list(None, 10).len(), 3);
        core.get(key(1), Store::WHOLE).unwrap();
    }
    for at in copies(&disk) {
        disk.flip(at + 45);
    }
    assert!(matches!(open(&disk), Err(StoreError::CorruptCheckpoint(_))));
}

/// A store whose log has batches 1 to 5 at blocks 0 to 4.
fn five_batches() -> MemoryDisk {
    let disk = MemoryDisk::formatted(8 << 20);
    let mut core = open(&disk).unwrap();
    for counter in 0..5 {
        commit(&mut core, put_op(key(counter), 2, 0)).unwrap();
    }
    disk
}

#[test]
fn damage_in_the_middle_of_the_log_refuses_to_open_and_says_where() {
    for damaged in 0..4 {
        let disk = five_batches();
        disk.flip(LOG + damaged * UNIT + 60);
        let Err(error) = open(&disk) else { panic!("batch {} was skipped", damaged + 1) };
        let StoreError::CorruptLog { offset, expected, found } = error else { panic!("{error}") };
        assert_eq!((offset as usize, expected), (LOG + damaged * UNIT, damaged as u64 + 1));
        assert!(found > expected);
    }
}

#[test]
fn a_torn_tail_of_the_log_is_cut() {
    let disk = five_batches();
    disk.flip(LOG + 4 * UNIT + 60);
    let core = open(&disk).unwrap();
    assert_eq!(core.list(None, 10).len(), 4);
}

#[test]
fn a_record_whose_payload_did_not_arrive_is_dropped_for_good() {
    let disk = five_batches();
    disk.flip(disk.find(&payload(key(4), 2, 0)[..UNIT]).unwrap());
    for _ in 0..2 {
        let mut core = open(&disk).unwrap();
        assert_eq!(core.list(None, 10).len(), 4);
        commit(&mut core, Op::delete(vec![key(77)])).unwrap();
        commit(&mut core, put_op(key(50), 1, 0)).unwrap();
        commit(&mut core, Op::delete(vec![key(50)])).unwrap();
    }
}

#[test]
fn an_old_log_means_nothing_on_a_device_formatted_anew() {
    let disk = five_batches();
    let old = disk.image();
    disk.change(|bytes| bytes[..1 << 20].fill(0));
    Core::format(&disk, &label()).unwrap();
    // Even if clearing the log had not worked.
    disk.change(|bytes| bytes[LOG..LOG + 8 * UNIT].copy_from_slice(&old[LOG..LOG + 8 * UNIT]));
    assert!(open(&disk).unwrap().list(None, 10).is_empty());
}
