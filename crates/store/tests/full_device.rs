//! A full device refuses PUTs, and only PUTs; deletes give all of it back.

mod common;

use std::sync::Arc;

use common::{MemoryDisk, Random, commit, key, payload, put_op};
use isobar_base::Errno;
use isobar_store::{Core, Op, Store, StoreError};

/// Puts fragments until the device is full; returns how many, and their bytes.
fn fill(core: &mut Core, first: u64, units: impl Fn(u64) -> u32) -> (u64, u64) {
    let mut bytes = 0;
    for counter in first.. {
        match commit(core, put_op(key(counter), units(counter), 0)) {
            Ok(()) => bytes += u64::from(units(counter)) * 4096,
            Err(error @ StoreError::Full { .. }) => {
                assert_eq!(error.errno(), Errno::ENOSPC);
                assert!(error.is_retryable());
                return (counter - first, bytes);
            }
            Err(other) => panic!("{other}"),
        }
    }
    unreachable!()
}

#[test]
fn space_comes_back_after_each_of_ten_fillings() {
    for size_of in [(|_| 1) as fn(u64) -> u32, |_| 16, |_| 64, |c| 1 + (c * 7 % 40) as u32] {
        let disk = MemoryDisk::formatted(8 << 20);
        let mut core = Core::open(Arc::new(disk.clone())).unwrap();
        let empty = core.usage();
        assert_eq!((empty.used_bytes, empty.fragments), (0, 0));
        for cycle in 0..10 {
            let (count, bytes) = fill(&mut core, 0, size_of);
            assert!(bytes >= empty.free_bytes, "cycle {cycle}: {bytes} of {empty:?} could be written");
            let usage = core.usage();
            assert!(usage.used_bytes >= bytes && usage.used_bytes <= usage.capacity_bytes);
            assert_eq!(usage.fragments, count);
            // Reads, checkpoints, reopening and deletes go on.
            core.checkpoint().unwrap();
            core.checkpoint().unwrap();
            core.get(key(0), Store::WHOLE).unwrap();
            if cycle % 3 == 0 {
                drop(core);
                core = Core::open(Arc::new(disk.clone())).unwrap();
                assert_eq!(core.usage(), usage);
            }
            for counter in 0..count {
                let data = core.get(key(counter), Store::WHOLE).unwrap().data;
                assert_eq!(data[..], payload(key(counter), size_of(counter), 0)[..]);
                commit(&mut core, Op::delete(vec![key(counter)])).unwrap();
            }
            core.checkpoint().unwrap();
            assert_eq!(core.usage(), empty, "cycle {cycle}");
        }
    }
}

#[test]
fn a_device_filled_between_two_checkpoints_has_room_for_the_next_ones() {
    let disk = MemoryDisk::formatted(8 << 20);
    let mut core = Core::open(Arc::new(disk.clone())).unwrap();
    let generation = core.generation();
    let ops: Vec<Op> = (0..3000).map(|counter| put_op(key(counter), 1, 0)).collect();
    let stored = core.commit(&ops).iter().filter(|result| result.is_ok()).count();
    assert!(stored > 1000 && stored < 3000);
    assert_eq!(core.generation(), generation, "no checkpoint came between");
    for _ in 0..3 {
        core.checkpoint().unwrap();
    }
    drop(core);
    assert_eq!(Core::open(Arc::new(disk)).unwrap().usage().fragments, stored as u64);
}

#[test]
fn a_fragmented_device_can_be_filled_to_the_last_block() {
    let mut core = Core::open(Arc::new(MemoryDisk::formatted(8 << 20))).unwrap();
    let empty = core.usage();
    let (count, _) = fill(&mut core, 0, |_| 1);
    let odd: Vec<_> = (0..count).filter(|c| c % 2 == 1).map(key).collect();
    for keys in odd.chunks(1000) {
        commit(&mut core, Op::delete(keys.to_vec())).unwrap();
    }
    let free = core.usage().free_bytes;
    assert!(free > empty.free_bytes / 3);
    // Nothing but holes of one block: each of these fragments has dozens of runs.
    let (large, bytes) = fill(&mut core, 1_000_000, |_| 64);
    assert!(bytes + 64 * 4096 > free, "{bytes} of {free} could be written");
    core.checkpoint().unwrap();
    for counter in 1_000_000..1_000_000 + large {
        let found = core.get(key(counter), Store::WHOLE).unwrap();
        assert_eq!(found.data[..], payload(key(counter), 64, 0)[..]);
        let part = core.get(key(counter), 7..30).unwrap();
        assert_eq!(part.data[..], found.data[7 * 4096..30 * 4096]);
    }
}

#[test]
fn a_device_that_stays_nearly_full_for_long_never_fails_a_delete_or_a_checkpoint() {
    let disk = MemoryDisk::formatted(4 << 20);
    let mut core = Core::open(Arc::new(disk.clone())).unwrap();
    let mut random = Random(99);
    let mut live: Vec<u64> = Vec::new();
    for counter in 0..20_000 {
        let units = if random.below(10) == 0 { 16 + random.below(60) } else { 1 + random.below(4) } as u32;
        match commit(&mut core, put_op(key(counter), units, 0)) {
            Ok(()) => live.push(counter),
            Err(StoreError::Full { .. }) => {
                for _ in 0..3 {
                    let victim = live.swap_remove(random.below(live.len() as u64) as usize);
                    commit(&mut core, Op::delete(vec![key(victim)])).unwrap();
                }
            }
            Err(other) => panic!("{other}"),
        }
        if counter % 4_000 == 0 {
            drop(core);
            core = Core::open(Arc::new(disk.clone())).unwrap();
        }
    }
    assert_eq!(core.usage().fragments, live.len() as u64);
    assert!(core.generation() > 50);
}
