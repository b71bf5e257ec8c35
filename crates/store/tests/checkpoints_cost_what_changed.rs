//! What a checkpoint writes follows from what changed since the last one, and commits take along a slice of
//! it.

mod common;

use std::sync::Arc;

use common::{MemoryDisk, commit, key, put_op};
use isobar_store::{Core, Op};

/// Slots of the superblock, and of each page on its way to the root two copies.
const WRITTEN_BLOCKS_MAX: usize = 2 + 2 * 3;

fn store_of(fragments: u64) -> (MemoryDisk, Core) {
    let disk = MemoryDisk::formatted(fragments as usize * 4096 * 2 + (8 << 20));
    let mut core = Core::open(Arc::new(disk.clone())).unwrap();
    for first in (0..fragments).step_by(500) {
        let ops: Vec<Op> = (first..first + 500).map(|counter| put_op(key(counter), 1, 0)).collect();
        assert!(core.commit(&ops).iter().all(Result::is_ok));
    }
    core.checkpoint().unwrap();
    (disk, core)
}

#[test]
fn a_checkpoint_after_one_change_is_as_cheap_in_a_large_store_as_in_a_small_one() {
    for fragments in [500, 40_000] {
        let (disk, mut core) = store_of(fragments);
        for op in [Op::delete(vec![key(fragments / 2)]), put_op(key(fragments / 2), 1, 0)] {
            commit(&mut core, op).unwrap();
            disk.written_blocks();
            core.checkpoint().unwrap();
            let written = disk.written_blocks();
            assert!(written <= WRITTEN_BLOCKS_MAX, "{written} blocks, {fragments} fragments");
        }
        drop(core);
        assert_eq!(Core::open(Arc::new(disk)).unwrap().usage().fragments, fragments);
    }
}

#[test]
fn no_commit_writes_a_whole_checkpoint() {
    let (disk, mut core) = store_of(20_000);
    let generation = core.generation();
    let (mut most, mut all) = (0, 0);
    for at in 0.. {
        // One fragment of each page or so: all of the index changes.
        let keys = (0..100).map(|page| key(page * 200 + at / 2 % 200));
        let ops = match at % 2 {
            0 => vec![Op::delete(keys.collect())],
            _ => keys.map(|key| put_op(key, 1, 0)).collect(),
        };
        disk.written_blocks();
        assert!(core.commit(&ops).iter().all(Result::is_ok));
        let written = disk.written_blocks();
        // Beside the fragments themselves.
        let written = written - if at % 2 == 0 { 0 } else { 100 };
        (most, all) = (most.max(written), all + written);
        if core.generation() == generation + 2 {
            break;
        }
    }
    assert!(all > 400 && most < 20, "at most {most} blocks of {all} with one commit");
}
