//! Cutting the power: a recorder, the ways in which unsynced writes are lost, and what must be there after.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use isobar_base::{AlignedBuf, FragmentKey};
use isobar_disk::{Disk, PowerLoss, RecordedDisk};
use isobar_store::{Core, FragmentInfo, Op, Store};
use parking_lot::Mutex;

use super::{DISCARDED, MemoryDisk, commit, key, payload, put_op};

/// What a key holds: units and version of its payload.
pub type Content = (u32, u64);
pub type Model = BTreeMap<FragmentKey, Content>;

/// A recorder whose recording is cut into pieces, because the image at a cut is made by replaying.
pub struct Tape {
    disk: Mutex<RecordedDisk>,
    size: u64,
    /// Writes of pages, nodes and superblock slots.
    checkpoint_writes: AtomicUsize,
}

impl Tape {
    pub fn new(disk: RecordedDisk) -> Tape {
        let size = disk.size();
        Tape { disk: Mutex::new(disk), size, checkpoint_writes: AtomicUsize::new(0) }
    }

    pub fn checkpoint_writes(&self) -> usize {
        self.checkpoint_writes.load(Ordering::Relaxed)
    }

    pub fn current(&self) -> RecordedDisk {
        self.disk.lock().clone()
    }

    pub fn start_new_piece(&self) {
        let mut disk = self.disk.lock();
        *disk = RecordedDisk::from_image(disk.image_after(disk.events(), PowerLoss::KeepsAll));
    }
}

impl Disk for Tape {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.disk.lock().read_at(offset, buf)
    }
    fn write_at(&self, offset: u64, bufs: &[IoSlice<'_>]) -> io::Result<()> {
        if [b"ISOBARpg", b"ISOBARnd", b"ISOBARsb"].iter().any(|magic| bufs[0].starts_with(*magic)) {
            self.checkpoint_writes.fetch_add(1, Ordering::Relaxed);
        }
        self.disk.lock().write_at(offset, bufs)
    }
    fn sync(&self) -> io::Result<()> {
        self.disk.lock().sync()
    }
    /// Other bytes are there afterwards, or not: as after a write.
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        let bytes = AlignedBuf::from_slice(&vec![DISCARDED; len as usize]);
        self.disk.lock().write_at(offset, &[IoSlice::new(&bytes)])
    }

    fn size(&self) -> u64 {
        self.size
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Loss {
    Power(PowerLoss),
    /// Every block that was not synced is torn: its first 64 bytes are new, the others old.
    TearsUnsynced,
}

/// Every way in which a cut may go, some of them by two seeds.
pub fn losses(seeds: [u64; 2]) -> [Loss; 5] {
    [
        Loss::Power(PowerLoss::LosesUnsynced),
        Loss::Power(PowerLoss::KeepsAll),
        Loss::Power(PowerLoss::KeepsSome(seeds[0])),
        Loss::Power(PowerLoss::KeepsSome(seeds[1])),
        Loss::TearsUnsynced,
    ]
}

impl Loss {
    pub fn image(self, recording: &RecordedDisk, cut: usize) -> Vec<u8> {
        let Loss::Power(loss) = self else {
            let mut old = recording.image_after(cut, PowerLoss::LosesUnsynced);
            let new = recording.image_after(cut, PowerLoss::KeepsAll);
            for (old, new) in old.chunks_mut(4096).zip(new.chunks(4096)) {
                old[..64].copy_from_slice(&new[..64]);
            }
            return old;
        };
        recording.image_after(cut, loss)
    }
}

/// One commit: what it may change, and which events it made.
pub struct Step {
    pub before: Model,
    pub after: Model,
    /// Contents that a key may also have while the commit is in flight.
    pub in_flight: Vec<(FragmentKey, Option<Content>)>,
    pub events: std::ops::Range<usize>,
}

thread_local! {
    /// Payloads are looked at thousands of times; making them is what would take long.
    static MADE: RefCell<HashMap<(FragmentKey, Content), Vec<u8>>> = RefCell::default();
}

pub fn holds(key: FragmentKey, content: Content, bytes: &[u8]) -> bool {
    MADE.with_borrow_mut(|made| {
        made.entry((key, content)).or_insert_with(|| payload(key, content.0, content.1))[..] == *bytes
    })
}

/// Forgets payloads that will not be looked at any more.
pub fn forget_payloads() {
    MADE.with_borrow_mut(HashMap::clear);
}

/// Checks what an opened store holds against the step that was cut (`done` if it had been acknowledged).
pub fn check(core: &Core, step: &Step, done: bool, context: &str) -> Vec<FragmentInfo> {
    let listed = core.list(None, usize::MAX);
    let expected = if done { &step.after } else { &step.before };
    for info in &listed {
        let bytes = core.get(info.key, Store::WHOLE).unwrap_or_else(|e| panic!("{context}: {e}")).data;
        let is = |content: Option<Content>| content.is_some_and(|content| holds(info.key, content, &bytes));
        let allowed = is(expected.get(&info.key).copied())
            || !done && step.in_flight.iter().any(|&(key, content)| key == info.key && is(content));
        assert!(allowed, "{context}: {} holds what it should not", info.key);
    }
    let present: BTreeSet<FragmentKey> = listed.iter().map(|info| info.key).collect();
    let in_flight: BTreeSet<FragmentKey> = step.in_flight.iter().map(|&(key, _)| key).collect();
    for key in expected.keys() {
        let may_be_gone = !done && in_flight.contains(key);
        assert!(present.contains(key) || may_be_gone, "{context}: {key} was acknowledged and is gone");
    }
    listed
}

pub fn recover_and_go_on(image: Vec<u8>, step: &Step, done: bool, context: &str, cut_again: bool) {
    let disk = MemoryDisk::from_image(image.clone());
    let mut core = Core::open(Arc::new(disk.clone())).unwrap_or_else(|e| panic!("{context}: {e}"));
    let recovered = check(&core, step, done, context);
    // It takes new writes, and what was recovered stays as it is.
    let gone: Vec<FragmentKey> = recovered.iter().take(4).map(|info| info.key).collect();
    commit(&mut core, Op::delete(gone)).unwrap();
    commit(&mut core, put_op(key(1_000_000), 2, 0)).unwrap_or_else(|e| panic!("{context}: {e}"));
    drop(core);
    let core = Core::open(Arc::new(disk)).unwrap_or_else(|e| panic!("{context}, again: {e}"));
    let expected = &recovered[recovered.len().min(4)..];
    let mut listed = core.list(None, usize::MAX);
    assert_eq!(listed.pop().map(|info| info.key), Some(key(1_000_000)), "{context}");
    assert_eq!(listed, expected, "{context}");
    if cut_again {
        cut_the_recovery(image, step, done, context, &recovered);
    }
}

pub fn cut_the_recovery(image: Vec<u8>, step: &Step, done: bool, context: &str, recovered: &[FragmentInfo]) {
    let disk = RecordedDisk::from_image(image);
    drop(Core::open(Arc::new(disk.clone())).unwrap());
    for cut in 0..=disk.events() {
        for loss in [
            Loss::Power(PowerLoss::LosesUnsynced),
            Loss::Power(PowerLoss::KeepsAll),
            Loss::Power(PowerLoss::KeepsSome(cut as u64 * 77 + 1)),
            Loss::TearsUnsynced,
        ] {
            let context = format!("{context}, recovery cut at {cut} ({loss:?})");
            let core = Core::open(Arc::new(MemoryDisk::from_image(loss.image(&disk, cut))));
            let core = core.unwrap_or_else(|e| panic!("{context}: {e}"));
            assert_eq!(check(&core, step, done, &context), recovered, "{context}");
        }
    }
}
