//! Which devices are opened, and which are formatted (I13).

mod common;

use std::sync::Arc;

use common::{MemoryDisk, UNIT, label};
use isobar_store::{Label, Options, Store, StoreError};

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
    assert!(matches!(open(&disk), Err(StoreError::Foreign)));
    assert!(matches!(Store::format(&disk, &label()), Err(StoreError::Foreign)));

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
