//! Bit rot, misdirected writes and a damaged log.

mod common;

use std::sync::Arc;

use common::{MemoryDisk, UNIT, commit, key, label, payload, put_op};
use isobar_store::{Core, Op, Store, StoreError};

const LOG: usize = 32 * UNIT;
/// The sequence of the first batch of a new device: opening it leaves the first number out.
const FIRST: u64 = 2;

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

/// The blocks that begin with `magic`.
fn blocks_of(disk: &MemoryDisk, magic: &[u8]) -> Vec<usize> {
    let image = disk.image();
    let blocks = image.chunks(UNIT).enumerate().filter(|(_, block)| block.starts_with(magic));
    blocks.map(|(block, _)| block * UNIT).collect()
}

#[test]
fn either_checkpoint_copy_is_enough_and_both_damaged_are_loud() {
    let (disk, core) = three_fragments();
    drop(core);
    for damaged in [0, 1, 0] {
        let copies = blocks_of(&disk, b"ISOBARpg");
        assert_eq!(copies.len(), 2);
        match damaged {
            0 => disk.flip(copies[0] + 45),
            _ => disk.lose(copies[1]),
        }
        let core = open(&disk).unwrap();
        assert_eq!(core.list(None, 10).len(), 3);
        core.get(key(1), Store::WHOLE).unwrap();
        // Both have been written again elsewhere.
        disk.change(|bytes| copies.iter().for_each(|&at| bytes[at..at + UNIT].fill(0)));
    }
    for at in blocks_of(&disk, b"ISOBARpg") {
        disk.flip(at + 45);
    }
    assert!(matches!(open(&disk), Err(StoreError::CorruptCheckpoint(_))));
}

#[test]
fn a_lost_write_of_a_page_is_noticed_though_what_was_there_before_is_consistent_with_itself() {
    let (disk, mut core) = three_fragments();
    let older = blocks_of(&disk, b"ISOBARpg");
    let page = disk.image()[older[0]..older[0] + UNIT].to_vec();
    commit(&mut core, put_op(key(9), 1, 0)).unwrap();
    core.checkpoint().unwrap();
    drop(core);
    let newer: Vec<usize> =
        blocks_of(&disk, b"ISOBARpg").into_iter().filter(|at| !older.contains(at)).collect();
    assert_eq!(newer.len(), 2);
    for (lost, readable) in [(&newer[..1], true), (&newer[..], false)] {
        let disk = MemoryDisk::from_image(disk.image());
        disk.change(|bytes| lost.iter().for_each(|&at| bytes[at..at + UNIT].copy_from_slice(&page)));
        match open(&disk) {
            Ok(core) => assert!(readable && core.list(None, 10).len() == 4),
            Err(error) => assert!(!readable && matches!(error, StoreError::CorruptCheckpoint(_))),
        }
    }
}

#[test]
fn any_page_or_node_of_a_checkpoint_may_lose_a_copy_and_gets_it_back() {
    let disk = MemoryDisk::formatted(32 << 20);
    let mut core = open(&disk).unwrap();
    for first in (0..4000).step_by(500) {
        let ops: Vec<Op> = (first..first + 500).map(|counter| put_op(key(counter), 1, 0)).collect();
        assert!(core.commit(&ops).iter().all(Result::is_ok));
    }
    let listed = core.list(None, usize::MAX);
    core.checkpoint().unwrap();
    drop(core);
    let image = disk.image();
    let (pages, nodes) = (blocks_of(&disk, b"ISOBARpg"), blocks_of(&disk, b"ISOBARnd"));
    assert!(pages.len() > 40 && nodes.len() == 2, "{} pages, {} nodes", pages.len(), nodes.len());
    for &at in pages.iter().chain(&nodes) {
        let disk = MemoryDisk::from_image(image.clone());
        disk.lose(at);
        assert_eq!(open(&disk).unwrap().list(None, usize::MAX), listed);
        // The other copy is not needed any more.
        let body = image[at..at + UNIT].to_vec();
        let twin =
            image.chunks(UNIT).enumerate().find(|(block, bytes)| block * UNIT != at && **bytes == body);
        disk.lose(twin.unwrap().0 * UNIT);
        assert_eq!(open(&disk).unwrap().list(None, usize::MAX), listed);
    }
}

/// A store whose log has five batches, at blocks 0 to 4.
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
        let Err(error) = open(&disk) else { panic!("batch {damaged} was skipped") };
        let StoreError::CorruptLog { offset, expected, found } = error else { panic!("{error}") };
        assert_eq!((offset as usize, expected), (LOG + damaged * UNIT, damaged as u64 + FIRST));
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
