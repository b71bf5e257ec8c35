//! A device is told which blocks are not needed any more, and never of one that is.

mod common;

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{DISCARDED, MemoryDisk, Random, commit, delete, get, key, label, payload, put, put_op};
use isobar_disk::{Disk, FileDisk};
use isobar_store::{Core, Op, Options, Store, StoreError};

#[test]
fn what_is_stored_stays_and_what_was_deleted_goes() {
    let disk = MemoryDisk::formatted(8 << 20);
    let mut core = Core::open(Arc::new(disk.clone())).unwrap();
    let units = |counter: u64| 1 + (counter * 7 % 50) as u32;
    let mut random = Random(5);
    for round in 0..3000 {
        let counter = random.below(60);
        let op = match random.below(2) {
            0 => put_op(key(counter), units(counter), 0),
            _ => Op::delete(vec![key(counter)]),
        };
        assert!(matches!(commit(&mut core, op), Ok(()) | Err(StoreError::Full { .. })));
        if random.below(3) == 0 {
            core.discard();
        }
        if round % 300 == 0 {
            drop(core);
            core = Core::open(Arc::new(disk.clone())).unwrap();
        }
        if round % 50 == 0 {
            for info in core.list(None, usize::MAX) {
                let counter = info.key.segment.counter;
                let data = core.get(info.key, Store::WHOLE).unwrap().data;
                assert_eq!(data[..], payload(info.key, units(counter), 0)[..]);
            }
        }
    }
    commit(&mut core, Op::delete((0..60).map(key).collect())).unwrap();
    while core.discard() {}
    let discarded = disk.image().iter().filter(|&&byte| byte == DISCARDED).count();
    assert!(discarded > 4 << 20, "{discarded} bytes");
}

/// Bytes that the file system has for a file, once it has so few or a deadline has passed.
fn bytes_of(path: &std::path::Path, most: u64) -> u64 {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let bytes = std::fs::metadata(path).unwrap().blocks() * 512;
        if bytes <= most || Instant::now() > until {
            return bytes;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_thin_file_shrinks_and_a_reserved_one_keeps_its_space() {
    let directory = tempfile::tempdir().unwrap();
    let (thin, reserved) = (directory.path().join("thin"), directory.path().join("reserved"));
    std::fs::File::create(&thin).unwrap().set_len(64 << 20).unwrap();
    drop(FileDisk::create(&reserved, 64 << 20).unwrap());
    for (path, most) in [(&thin, 8 << 20), (&reserved, u64::MAX)] {
        let disk = Arc::new(FileDisk::open(path).unwrap());
        assert_eq!(disk.discard(60 << 20, 4096).is_ok(), path == &thin);
        Store::format(&*disk, &label()).unwrap();
        let store = Store::open(disk, Options::default()).unwrap();
        (0..20).for_each(|counter| put(&store, key(counter), 400, 0).unwrap());
        assert!(bytes_of(path, u64::MAX) > 32 << 20);
        delete(&store, (1..20).map(key).collect()).unwrap();
        let bytes = bytes_of(path, most);
        assert_eq!(bytes <= 8 << 20, path == &thin, "{bytes} bytes of {}", path.display());
        assert_eq!(get(&store, key(0), Store::WHOLE).unwrap().data[..], payload(key(0), 400, 0)[..]);
        store.close().unwrap();
    }
    assert!(bytes_of(&reserved, u64::MAX) >= 64 << 20);
}
