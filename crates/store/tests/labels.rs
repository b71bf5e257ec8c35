//! Which devices are opened, and which are formatted (I13).

mod common;

use std::sync::Arc;

use common::{MemoryDisk, UNIT, commit, key, label, put_op};
use isobar_store::{Core, Label, Options, Store, StoreError};

fn open(disk: &MemoryDisk) -> Result<Store, StoreError> {
    Store::open(Arc::new(disk.clone()), Options::default())
}

#[test]
fn a_blank_device_is_refused_and_then_formatted_once() {
    let disk = MemoryDisk::new(4 << 20);
    assert!(matches!(open(&disk), Err(StoreError::Blank)));
    assert!(matches!(Store::read_label(&disk), Err(StoreError::Blank)));
    Store::format(&disk, &label()).unwrap();
    assert_eq!(Store::read_label(&disk).unwrap(), label());
    assert_eq!(*open(&disk).unwrap().label(), label());
    let Err(StoreError::Labelled(found)) = Store::format(&disk, &label()) else { panic!() };
    assert_eq!(*found, label());
    // One copy of the label is enough to refuse.
    for slot in [0, 16 * UNIT] {
        let damaged = MemoryDisk::from_image(disk.image());
        damaged.change(|bytes| bytes[slot..slot + UNIT].fill(0));
        assert!(matches!(Store::format(&damaged, &label()), Err(StoreError::Labelled(_))));
    }
}

#[test]
fn foreign_devices_and_newer_versions_are_refused() {
    let disk = MemoryDisk::new(4 << 20);
    disk.change(|bytes| bytes[1024..1030].copy_from_slice(b"others"));
    assert!(matches!(open(&disk), Err(StoreError::Foreign(_))));
    assert!(matches!(Store::format(&disk, &label()), Err(StoreError::Foreign(_))));

    let disk = MemoryDisk::formatted(4 << 20);
    disk.change(|bytes| {
        for slot in [0, 16 * UNIT] {
            let frame = &mut bytes[slot..slot + UNIT];
            frame[12] = 9;
            let body = u32::from_le_bytes(frame[24..28].try_into().unwrap()) as usize;
            let crc = isobar_base::crc32c(&frame[12..32 + body]);
            frame[8..12].copy_from_slice(&crc.to_le_bytes());
        }
    });
    assert!(matches!(open(&disk), Err(StoreError::Version { found: 9, supported: 1 })));
    assert!(matches!(Store::format(&disk, &label()), Err(StoreError::Version { .. })));
}

#[test]
fn a_device_that_shrank_or_is_too_small_is_refused() {
    let disk = MemoryDisk::formatted(4 << 20);
    let mut image = disk.image();
    image.truncate(3 << 20);
    assert!(matches!(open(&MemoryDisk::from_image(image)), Err(StoreError::TooSmall { .. })));
    let tiny = MemoryDisk::new(512 << 10);
    assert!(matches!(Store::format(&tiny, &label()), Err(StoreError::TooSmall { .. })));
    assert!(matches!(Store::read_label(&MemoryDisk::new(UNIT)), Err(StoreError::TooSmall { .. })));
    let nameless = Label { node: String::new(), ..label() };
    assert!(matches!(Store::format(&disk, &nameless), Err(StoreError::InvalidLabel)));
}

#[test]
fn only_a_device_that_is_zero_at_both_ends_is_blank() {
    const SIZE: usize = 4 << 20;
    let marks: &[(usize, &[u8], &str)] = &[
        (0x438, &[0x53, 0xef], "ext4"),
        (4096, &[0xfc, 0x4e, 0x2b, 0xa9, 1], "RAID"),
        (SIZE - 8192, &[0xfc, 0x4e, 0x2b, 0xa9], "RAID"),
        (4096 + 24, &[0xc6, 0x85, 0x73, 0xf6], "bcache"),
        (512, b"EFI PART", "GPT"),
        (0x1_0040, b"_BHRfS_M", "btrfs"),
        (16 << 10, &[1], "at byte 16384"),
        ((1 << 20) - 1, &[1], "at byte 1048575"),
        (SIZE - (1 << 20), &[1], "at byte 3145728"),
        (SIZE - 1, &[1], "at byte 4194303"),
    ];
    for &(at, mark, what) in marks {
        let disk = MemoryDisk::new(SIZE);
        disk.change(|bytes| bytes[at..at + mark.len()].copy_from_slice(mark));
        let before = disk.image();
        for error in [Store::read_label(&disk).unwrap_err(), Store::format(&disk, &label()).unwrap_err()] {
            assert!(matches!(&error, StoreError::Foreign(found) if found.contains(what)), "{what}: {error}");
        }
        assert!(disk.image() == before);
    }
    // What lies between is nobody's mark.
    let disk = MemoryDisk::new(SIZE);
    disk.change(|bytes| bytes[1 << 20] = 1);
    Store::format(&disk, &label()).unwrap();
}

#[test]
fn a_device_whose_ends_cannot_be_read_is_not_taken_for_blank() {
    let disk = MemoryDisk::new(4 << 20);
    disk.lose((4 << 20) - 4096);
    assert!(matches!(Store::format(&disk, &label()), Err(StoreError::Read(_))));
}

#[test]
fn a_target_whose_label_was_wiped_is_not_blank() {
    let disk = MemoryDisk::formatted(4 << 20);
    let mut core = Core::open(Arc::new(disk.clone())).unwrap();
    commit(&mut core, put_op(key(1), 1, 0)).unwrap();
    disk.change(|bytes| bytes[..32 * UNIT].fill(0));
    let error = Store::format(&disk, &label()).unwrap_err();
    assert!(error.to_string().contains("a target of ours"), "{error}");
}
