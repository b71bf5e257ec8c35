//! What the store does for its callers when nothing goes wrong with the device, and when it does.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{channel, sync_channel};

use common::{MemoryDisk, Random, delete, fragment, get, key, payload, put};
use isobar_base::{AlignedBuf, Errno, FragmentKey};
use isobar_store::{Options, Store, StoreError};

fn new_store(size: usize) -> (MemoryDisk, Store) {
    let disk = MemoryDisk::formatted(size);
    let store = Store::open(Arc::new(disk.clone()), Options::default()).unwrap();
    (disk, store)
}

#[test]
fn fragments_of_every_size_come_back_whole_and_in_part() {
    let (disk, store) = new_store(64 << 20);
    let sizes = [1, 2, 15, 16, 17, 100, 1000, 1500, 2048];
    let check = |store: &Store| {
        for (at, units) in sizes.into_iter().enumerate() {
            let key = key(at as u64);
            let bytes = payload(key, units, 0);
            for range in [Store::WHOLE, 0..1, units - 1..units, units / 2..units / 2 + 1, 0..units] {
                let found = get(store, key, range.clone()).unwrap();
                let range = range.start..range.end.min(units);
                assert_eq!(found.data[..], bytes[range.start as usize * 4096..range.end as usize * 4096]);
                assert_eq!(found.unit_crcs, isobar_base::unit_crcs(&found.data));
                assert_eq!((found.first_unit, found.geometry.len), (range.start, units * 4096));
                assert_eq!(found.key, key);
            }
            for bad in [0..0, units..units + 1, 0..units + 1] {
                let error = get(store, key, bad).unwrap_err();
                assert!(matches!(error, StoreError::InvalidRange { .. }), "{error}");
            }
        }
    };
    for (at, units) in sizes.into_iter().enumerate() {
        put(&store, key(at as u64), units, 0).unwrap();
    }
    check(&store);
    store.close().unwrap();
    let store = Store::open(Arc::new(disk), Options { reader_threads: 1 }).unwrap();
    check(&store);
    let list = store.list(None, 100);
    assert_eq!(list.len(), sizes.len());
    assert!(list.iter().zip(sizes).all(|(info, units)| info.payload_bytes == u64::from(units) * 4096));
    let after = store.list(Some(list[3].key), 2);
    assert_eq!(after, list[4..6]);
    let error = get(&store, key(99), Store::WHOLE).unwrap_err();
    assert_eq!(error.errno(), Errno::ENOENT);
}

#[test]
fn a_repeated_put_is_ok_and_a_conflicting_one_is_refused() {
    let (_, store) = new_store(8 << 20);
    for units in [3, 30] {
        let key = key(u64::from(units));
        put(&store, key, units, 0).unwrap();
        put(&store, key, units, 0).unwrap();
        for (other_units, version) in [(units, 1), (units + 1, 0)] {
            let error = put(&store, key, other_units, version).unwrap_err();
            assert!(matches!(error, StoreError::Conflict(k) if k == key), "{error}");
        }
        assert_eq!(get(&store, key, Store::WHOLE).unwrap().data[..], payload(key, units, 0)[..]);
        // Both in one group commit: the answers are the same.
        delete(&store, vec![key]).unwrap();
        let (sent, received) = channel();
        for version in [0, 0, 1] {
            let sent = sent.clone();
            let (header, payload) = fragment(key, units, version);
            store.put(header, payload, move |result| sent.send((version, result.is_ok())).unwrap());
        }
        let answers: Vec<(u64, bool)> = received.iter().take(3).collect();
        assert_eq!(answers, [(0, true), (0, true), (1, false)]);
    }
    assert_eq!(store.usage().fragments, 2);
}

#[test]
fn a_put_that_is_damaged_or_impossible_is_refused() {
    let (_, store) = new_store(8 << 20);
    let result = |header, payload| {
        let (sent, received) = sync_channel(1);
        store.put(header, payload, move |result| sent.send(result).unwrap());
        received.recv().unwrap().unwrap_err()
    };
    let (header, mut bytes) = fragment(key(1), 4, 0);
    bytes[9000] ^= 1;
    let error = result(header.clone(), bytes);
    assert!(matches!(error, StoreError::ChecksumMismatch(_)) && error.is_retryable());
    assert!(matches!(result(header.clone(), AlignedBuf::zeroed(4096)), StoreError::InvalidFragment { .. }));
    let mut short = header.clone();
    short.unit_crcs.pop();
    assert!(matches!(result(short, AlignedBuf::zeroed(3 * 4096)), StoreError::InvalidFragment { .. }));
    let mut outside = header.clone();
    outside.key.row = 3;
    assert!(matches!(result(outside, AlignedBuf::zeroed(4 * 4096)), StoreError::InvalidFragment { .. }));
    let mut shapeless = header;
    shapeless.geometry.data = 0;
    assert!(matches!(result(shapeless, AlignedBuf::zeroed(4 * 4096)), StoreError::InvalidFragment { .. }));
    assert_eq!(store.usage().fragments, 0);
}

#[test]
fn deletes_are_idempotent_and_of_any_number() {
    let (_, store) = new_store(32 << 20);
    let empty = store.usage();
    delete(&store, vec![]).unwrap();
    delete(&store, vec![key(1)]).unwrap();
    for counter in 0..2000 {
        let (header, payload) = fragment(key(counter), 1, 0);
        store.put(header, payload, |result| result.unwrap());
    }
    let all: Vec<FragmentKey> = (0..5000).chain(0..10).map(key).collect();
    delete(&store, all).unwrap();
    assert!(!store.contains(key(3)));
    assert!(store.list(None, 10).is_empty());
    assert_eq!((store.usage().used_bytes, store.usage().fragments), (0, 0));
    assert!(store.usage().free_bytes.abs_diff(empty.free_bytes) < 1 << 20);
    put(&store, key(3), 1, 0).unwrap();
    assert!(store.contains(key(3)));
}

#[test]
fn after_a_failed_sync_or_write_nothing_is_acknowledged_until_reopened() {
    for fail_sync in [true, false] {
        let (disk, store) = new_store(8 << 20);
        put(&store, key(1), 20, 0).unwrap();
        if fail_sync {
            disk.fail_syncs(true)
        } else {
            disk.fail_writes(true)
        }
        assert!(matches!(put(&store, key(2), 1, 0), Err(StoreError::Poisoned(_))));
        disk.fail_syncs(false);
        disk.fail_writes(false);
        assert!(store.is_poisoned());
        for error in [
            put(&store, key(3), 1, 0).unwrap_err(),
            put(&store, key(1), 20, 0).unwrap_err(),
            delete(&store, vec![key(1)]).unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Poisoned(_)), "{error}");
            assert_eq!((error.errno(), error.is_retryable()), (Errno::EIO, false));
        }
        assert!(!store.contains(key(2)) && !store.contains(key(3)));
        // What was acknowledged is on the device.
        assert_eq!(get(&store, key(1), Store::WHOLE).unwrap().data[..], payload(key(1), 20, 0)[..]);
        assert!(matches!(store.close(), Err(StoreError::Poisoned(_))));
        let store = Store::open(Arc::new(disk), Options::default()).unwrap();
        get(&store, key(1), Store::WHOLE).unwrap();
        put(&store, key(3), 1, 0).unwrap();
    }
}

#[test]
fn dropping_the_last_clone_finishes_the_queued_work() {
    let (disk, store) = new_store(32 << 20);
    let done = Arc::new(AtomicU64::new(0));
    for counter in 0..500 {
        let (header, payload) = fragment(key(counter), 1 + (counter % 20) as u32, 0);
        let done = done.clone();
        // Every callback holds a clone: the last one is dropped by a thread of the store.
        let clone = store.clone();
        store.put(header, payload, move |result| {
            result.unwrap();
            drop(clone);
            done.fetch_add(1, Ordering::SeqCst);
        });
    }
    let (sent, received) = channel::<()>();
    let last = store.clone();
    store.get(key(0), Store::WHOLE, move |_| drop((last, sent)));
    drop(store);
    assert!(received.recv().is_err());
    while done.load(Ordering::SeqCst) < 500 {
        std::thread::yield_now();
    }
    let store = Store::open(Arc::new(disk), Options::default()).unwrap();
    assert_eq!(store.usage().fragments, 500);
    let other = store.clone();
    store.close().unwrap();
    assert!(matches!(put(&other, key(1), 2, 0), Err(StoreError::Closed)));
    assert!(matches!(get(&other, key(1), Store::WHOLE), Err(StoreError::Closed)));
}

#[test]
fn readers_never_see_wrong_bytes_while_space_is_reused_under_them() {
    let (_, store) = new_store(4 << 20);
    let stop = Arc::new(AtomicU64::new(0));
    let readers: Vec<_> = (0..3)
        .map(|seed| {
            let (store, stop) = (store.clone(), stop.clone());
            std::thread::spawn(move || {
                let mut random = Random(seed + 1);
                let (mut hits, mut misses) = (0, 0);
                while stop.load(Ordering::Relaxed) == 0 {
                    let counter = random.below(40);
                    let units = 1 + (counter * 3 % 50) as u32;
                    match get(&store, key(counter), Store::WHOLE) {
                        Ok(found) => {
                            assert_eq!(found.data[..], payload(key(counter), units, 0)[..]);
                            hits += 1;
                        }
                        Err(StoreError::NotFound(_)) => misses += 1,
                        Err(other) => panic!("{other}"),
                    }
                }
                (hits, misses)
            })
        })
        .collect();
    let mut random = Random(77);
    for _ in 0..3000 {
        let counter = random.below(40);
        let units = 1 + (counter * 3 % 50) as u32;
        if random.below(2) == 0 {
            delete(&store, vec![key(counter)]).unwrap();
        } else {
            match put(&store, key(counter), units, 0) {
                Ok(()) | Err(StoreError::Full { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
    stop.store(1, Ordering::Relaxed);
    for reader in readers {
        let (hits, misses) = reader.join().unwrap();
        assert!(hits > 0 && misses > 0, "{hits} hits, {misses} misses");
    }
}

#[test]
fn an_index_of_many_chunks_comes_back() {
    let disk = MemoryDisk::formatted(256 << 20);
    let store = Store::open(Arc::new(disk.clone()), Options::default()).unwrap();
    let (template, bytes) = fragment(key(0), 1, 0);
    let pool = isobar_base::BufPool::new(8 << 20);
    for counter in 0..50_000 {
        let mut payload = pool.get(bytes.len());
        payload.copy_from_slice(&bytes);
        let header = isobar_base::FragmentHeader { key: key(counter), ..template.clone() };
        store.put(header, payload, |result| result.unwrap());
    }
    store.close().unwrap();
    let store = Store::open(Arc::new(disk), Options::default()).unwrap();
    assert_eq!(store.usage().fragments, 50_000);
    assert!(store.list(None, usize::MAX).iter().zip(0..).all(|(info, at)| info.key == key(at)));
    assert_eq!(get(&store, key(49_999), Store::WHOLE).unwrap().data[..], bytes[..]);
}
