//! What either slot of the superblock names, at every step of checkpoints.

use isobar_base::{ClusterId, FragmentHeader, Geometry, SegmentId, SessionId, TargetId, unit_crcs};
use isobar_disk::{PowerLoss, RecordedDisk};

use super::*;
use crate::limits::SLOT_BLOCKS;
use crate::space::Run;

fn key(counter: u64) -> FragmentKey {
    FragmentKey { segment: SegmentId { session: SessionId(3), counter }, row: 0 }
}

fn put(counter: u64) -> Op {
    let bytes = AlignedBuf::zeroed(BLOCK_BYTES as usize);
    let geometry = Geometry { data: 1, parity: 2, len: BLOCK_BYTES as u32 };
    let (key, unit_crcs) = (key(counter), unit_crcs(&bytes));
    Op::put(FragmentHeader { key, geometry, unit_crcs, data_crcs: Vec::new() }, bytes).unwrap()
}

/// The superblock of one slot alone, with the checkpoint and the log that it names.
fn recovered_from(slot: usize, image: &[u8]) -> (Superblock, Vec<Run>, Vec<FragmentInfo>) {
    let mut image = image.to_vec();
    let other = (SLOT_BLOCKS[1 - slot] * BLOCK_BYTES) as usize;
    image[other..other + BLOCK_BYTES as usize].fill(0);
    let disk = RecordedDisk::from_image(image);
    let superblock::Slots { superblock, nonce, .. } = superblock::read(&disk).unwrap();
    let (mut index, table) = load::load(&disk, nonce, &superblock).unwrap();
    replay(&disk, nonce, &superblock, &mut index).unwrap();
    (superblock, table.runs().collect(), index.list(None, usize::MAX))
}

#[test]
fn what_either_slot_names_is_complete_and_not_free() {
    let disk = RecordedDisk::new(6 << 20);
    let label = Label { cluster: ClusterId(1), node: "n".into(), target: TargetId(1), incarnation: 1 };
    Core::format(&disk, &label).unwrap();
    let mut core = Core::open(Arc::new(disk.clone())).unwrap();
    core.commit(&(0..700).map(put).collect::<Vec<_>>());
    core.checkpoint().unwrap();
    let (first, mut apart) = (core.generation(), 0);
    for round in 0_u64.. {
        let keys = (0..10).map(|at| (round / 2 * 7 + at * 70) % 700);
        match round % 2 {
            0 => core.commit(&[Op::delete(keys.map(key).collect())]),
            _ => core.commit(&keys.map(put).collect::<Vec<_>>()),
        };
        if !core.checkpoints.is_running() {
            if core.generation() > first + 2 {
                break;
            }
            continue;
        }
        let image = disk.image_after(disk.events(), PowerLoss::LosesUnsynced);
        let found = [0, 1].map(|slot| recovered_from(slot, &image));
        apart += u32::from(found[0].0.generation != found[1].0.generation);
        for (_, runs, listed) in found {
            assert_eq!(listed, core.list(None, usize::MAX));
            assert!(!runs.iter().any(|&run| core.space.has_free(run)), "round {round}");
        }
    }
    assert!(apart >= 2, "the slots differ between their writes");
}
