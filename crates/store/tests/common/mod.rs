//! Fragments with known contents, disks that misbehave, and blocking calls.
#![allow(dead_code, missing_docs)]

pub mod power;

use std::collections::BTreeSet;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

use isobar_base::{
    AlignedBuf, ClusterId, FragmentHeader, FragmentKey, Geometry, SegmentId, SessionId, TargetId, unit_crcs,
};
use isobar_disk::Disk;
use isobar_store::{Core, Fragment, Label, Op, Store, StoreError};
use parking_lot::Mutex;

pub const UNIT: usize = 4096;
/// What a device in memory holds where it was told to discard.
pub const DISCARDED: u8 = 0xdd;

pub fn label() -> Label {
    Label { cluster: ClusterId(7), node: "node-1".into(), target: TargetId(42), incarnation: 1 }
}

pub fn key(counter: u64) -> FragmentKey {
    FragmentKey { segment: SegmentId { session: SessionId(3), counter }, row: (counter % 3) as u8 }
}

/// xorshift64: any fixed sequence will do.
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }
}

/// The payload that `key` has in a given version of these tests' world.
pub fn payload(key: FragmentKey, units: u32, version: u64) -> Vec<u8> {
    let mut random = Random(
        (key.segment.counter * 1000 + version * 10 + u64::from(key.row)).wrapping_mul(0x9e37_79b9) | 1,
    );
    let mut bytes = Vec::with_capacity(units as usize * UNIT);
    while bytes.len() < units as usize * UNIT {
        bytes.extend_from_slice(&random.next().to_le_bytes());
    }
    bytes
}

pub fn fragment(key: FragmentKey, units: u32, version: u64) -> (FragmentHeader, AlignedBuf) {
    let bytes = payload(key, units, version);
    let geometry = Geometry { data: 1, parity: 2, len: units * UNIT as u32 };
    let header = FragmentHeader { key, geometry, unit_crcs: unit_crcs(&bytes), data_crcs: Vec::new() };
    (header, AlignedBuf::from_slice(&bytes))
}

pub fn put_op(key: FragmentKey, units: u32, version: u64) -> Op {
    let (header, payload) = fragment(key, units, version);
    Op::put(header, payload).unwrap()
}

pub fn commit(core: &mut Core, op: Op) -> Result<(), StoreError> {
    core.commit(&[op]).pop().unwrap()
}

pub fn put(store: &Store, key: FragmentKey, units: u32, version: u64) -> Result<(), StoreError> {
    let (header, payload) = fragment(key, units, version);
    let (sent, received) = sync_channel(1);
    store.put(header, payload, move |result| sent.send(result).unwrap());
    received.recv().unwrap()
}

pub fn get(store: &Store, key: FragmentKey, units: std::ops::Range<u32>) -> Result<Fragment, StoreError> {
    let (sent, received) = sync_channel(1);
    store.get(key, units, move |result| sent.send(result).unwrap());
    received.recv().unwrap()
}

pub fn delete(store: &Store, keys: Vec<FragmentKey>) -> Result<(), StoreError> {
    let (sent, received) = sync_channel(1);
    store.delete(keys, move |result| sent.send(result).unwrap());
    received.recv().unwrap()
}

/// A device in memory. Clones share it; writing fails, or syncing does, or reading some block, on request.
#[derive(Clone)]
pub struct MemoryDisk(Arc<Memory>);

struct Memory {
    bytes: Mutex<Vec<u8>>,
    unreadable: Mutex<BTreeSet<usize>>,
    fail_write: AtomicBool,
    fail_sync: AtomicBool,
    written_blocks: AtomicUsize,
}

impl MemoryDisk {
    pub fn new(size: usize) -> MemoryDisk {
        MemoryDisk::from_image(vec![0; size])
    }

    pub fn formatted(size: usize) -> MemoryDisk {
        let disk = MemoryDisk::new(size);
        Core::format(&disk, &label()).unwrap();
        disk
    }

    pub fn from_image(image: Vec<u8>) -> MemoryDisk {
        let (fail_write, fail_sync) = (AtomicBool::new(false), AtomicBool::new(false));
        let unreadable = Mutex::default();
        let written_blocks = AtomicUsize::new(0);
        let bytes = Mutex::new(image);
        MemoryDisk(Arc::new(Memory { bytes, unreadable, fail_write, fail_sync, written_blocks }))
    }

    pub fn image(&self) -> Vec<u8> {
        self.0.bytes.lock().clone()
    }

    pub fn flip(&self, offset: usize) {
        self.0.bytes.lock()[offset] ^= 0x10;
    }

    pub fn change(&self, change: impl FnOnce(&mut [u8])) {
        change(&mut self.0.bytes.lock());
    }

    /// Where `needle` is on the device.
    pub fn find(&self, needle: &[u8]) -> Option<usize> {
        self.0.bytes.lock().chunks(UNIT).position(|block| block.starts_with(needle)).map(|block| block * UNIT)
    }

    /// The block at `offset` cannot be read until it is written.
    pub fn lose(&self, offset: usize) {
        self.0.unreadable.lock().insert(offset / UNIT);
    }

    /// Blocks written since the last call.
    pub fn written_blocks(&self) -> usize {
        self.0.written_blocks.swap(0, Ordering::SeqCst)
    }

    pub fn fail_writes(&self, fail: bool) {
        self.0.fail_write.store(fail, Ordering::SeqCst);
    }

    pub fn fail_syncs(&self, fail: bool) {
        self.0.fail_sync.store(fail, Ordering::SeqCst);
    }
}

impl Disk for MemoryDisk {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        assert_eq!((offset as usize % UNIT, buf.len() % UNIT), (0, 0), "direct I/O is in whole blocks");
        let blocks = offset as usize / UNIT..(offset as usize + buf.len()) / UNIT;
        if self.0.unreadable.lock().range(blocks).next().is_some() {
            return Err(io::Error::other("injected medium error"));
        }
        let bytes = self.0.bytes.lock();
        let from =
            bytes.get(offset as usize..offset as usize + buf.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(from);
        Ok(())
    }

    fn write_at(&self, offset: u64, bufs: &[IoSlice<'_>]) -> io::Result<()> {
        if self.0.fail_write.load(Ordering::SeqCst) {
            return Err(io::Error::other("injected write failure"));
        }
        let mut bytes = self.0.bytes.lock();
        let mut at = offset as usize;
        for buf in bufs {
            let aligned = (at % UNIT, buf.len() % UNIT, buf.as_ptr() as usize % UNIT);
            assert_eq!(aligned, (0, 0, 0), "direct I/O is in whole aligned blocks");
            bytes.get_mut(at..at + buf.len()).ok_or(io::ErrorKind::WriteZero)?.copy_from_slice(buf);
            self.0.unreadable.lock().retain(|block| !(at..at + buf.len()).contains(&(block * UNIT)));
            at += buf.len();
        }
        self.0.written_blocks.fetch_add((at - offset as usize) / UNIT, Ordering::SeqCst);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        match self.0.fail_sync.load(Ordering::SeqCst) {
            true => Err(io::Error::other("injected sync failure")),
            false => Ok(()),
        }
    }

    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        self.0.bytes.lock()[offset as usize..(offset + len) as usize].fill(DISCARDED);
        Ok(())
    }

    fn size(&self) -> u64 {
        self.0.bytes.lock().len() as u64
    }
}
