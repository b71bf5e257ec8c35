//! The power goes at every single write and sync of a long random history, in five ways; the device is
//! opened again and must hold exactly what was acknowledged, give or take what was in flight.

mod common;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, IoSlice};
use std::sync::Arc;

use common::{MemoryDisk, Random, commit, key, label, payload, put_op};
use isobar_base::FragmentKey;
use isobar_disk::{Disk, PowerLoss, RecordedDisk};
use isobar_store::{Core, FragmentInfo, Op, Store, StoreError};
use parking_lot::Mutex;

/// Small enough that space is short, blocks are reused and fragmented, and the log is often full.
const DEVICE_BYTES: u64 = 2 << 20;
const KEYS: u64 = 60;

/// What a key holds: units and version of its payload.
type Content = (u32, u64);
type Model = BTreeMap<FragmentKey, Content>;

/// A recorder whose recording is cut into pieces, because the image at a cut is made by replaying.
struct Tape(Mutex<RecordedDisk>);

impl Tape {
    fn current(&self) -> RecordedDisk {
        self.0.lock().clone()
    }

    fn start_new_piece(&self) {
        let mut disk = self.0.lock();
        *disk = RecordedDisk::from_image(disk.image_after(disk.events(), PowerLoss::KeepsAll));
    }
}

impl Disk for Tape {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.0.lock().read_at(offset, buf)
    }
    fn write_at(&self, offset: u64, bufs: &[IoSlice<'_>]) -> io::Result<()> {
        self.0.lock().write_at(offset, bufs)
    }
    fn sync(&self) -> io::Result<()> {
        self.0.lock().sync()
    }
    fn size(&self) -> u64 {
        DEVICE_BYTES
    }
}

#[derive(Clone, Copy, Debug)]
enum Loss {
    Power(PowerLoss),
    /// Every block that was not synced is torn: its first 64 bytes are new, the others old.
    TearsUnsynced,
}

impl Loss {
    fn image(self, recording: &RecordedDisk, cut: usize) -> Vec<u8> {
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
struct Step {
    before: Model,
    after: Model,
    /// Contents that a key may also have while the commit is in flight.
    in_flight: Vec<(FragmentKey, Option<Content>)>,
    events: std::ops::Range<usize>,
}

fn random_step(core: &mut Core, tape: &Tape, model: &mut Model, random: &mut Random, full: &mut u32) -> Step {
    let before = model.clone();
    let mut in_flight = Vec::new();
    let mut ops = Vec::new();
    let mut effects = Vec::new();
    for _ in 0..=random.below(6) {
        let key = key(random.below(KEYS));
        let held = model.get(&key).copied();
        let roll = random.below(10);
        if roll < 4 {
            ops.push(Op::delete(vec![key, common::key(random.below(KEYS) + 1000)]));
            effects.push((key, None));
        } else {
            let units = if roll < 8 { 1 + random.below(15) } else { 16 + random.below(40) } as u32;
            let content = match held {
                // Repeated, sometimes with other contents: only the first counts.
                Some(held) if roll.is_multiple_of(2) => held,
                _ => (units, random.below(1 << 40)),
            };
            ops.push(put_op(key, content.0, content.1));
            effects.push((key, Some(content)));
        }
    }
    let start = tape.current().events();
    if random.below(20) == 0 {
        core.checkpoint().unwrap();
    }
    let results = core.commit(&ops);
    for ((key, effect), result) in effects.into_iter().zip(results) {
        in_flight.push((key, effect));
        match (effect, result) {
            (None, Ok(())) => drop(model.remove(&key)),
            (Some(content), Ok(())) => {
                assert_eq!(*model.entry(key).or_insert(content), content, "acknowledged a second content");
            }
            (Some(content), Err(StoreError::Conflict(_))) => assert_ne!(model[&key], content),
            (Some(_), Err(StoreError::Full { .. })) => *full += 1,
            (_, other) => panic!("{other:?}"),
        }
    }
    Step { before, after: model.clone(), in_flight, events: start..tape.current().events() }
}

thread_local! {
    /// Payloads are looked at thousands of times; making them is what would take long.
    static MADE: RefCell<HashMap<(FragmentKey, Content), Vec<u8>>> = RefCell::default();
}

fn holds(key: FragmentKey, content: Content, bytes: &[u8]) -> bool {
    MADE.with_borrow_mut(|made| {
        made.entry((key, content)).or_insert_with(|| payload(key, content.0, content.1))[..] == *bytes
    })
}

/// Checks what an opened store holds against the step that was cut (`done` if it had been acknowledged).
fn check(core: &Core, step: &Step, done: bool, context: &str) -> Vec<FragmentInfo> {
    let listed = core.list(None, usize::MAX);
    let expected = if done { &step.after } else { &step.before };
    for info in &listed {
        let bytes = core.get(info.key, Store::WHOLE).unwrap_or_else(|e| panic!("{context}: {e}")).data;
        let is = |content: Option<Content>| content.is_some_and(|content| holds(info.key, content, &bytes));
        let allowed = is(expected.get(&info.key).copied())
            || !done && step.in_flight.iter().any(|&(key, content)| key == info.key && is(content));
        assert!(allowed, "{context}: {} holds what it should not", info.key);
    }
    for key in expected.keys() {
        let present = listed.iter().any(|info| info.key == *key);
        let may_be_gone = !done && step.in_flight.iter().any(|(other, _)| other == key);
        assert!(present || may_be_gone, "{context}: {key} was acknowledged and is gone");
    }
    listed
}

fn cut_everywhere(seed: u64, pieces: usize, steps_per_piece: usize) {
    let blank = RecordedDisk::new(DEVICE_BYTES);
    Core::format(&blank, &label()).unwrap();
    let tape = Arc::new(Tape(Mutex::new(blank)));
    let mut core = Core::open(tape.clone()).unwrap();
    let mut random = Random(seed);
    let mut model = Model::new();
    let (mut cuts, mut full, mut events) = (0, 0, 0);
    for _ in 0..pieces {
        tape.start_new_piece();
        MADE.with_borrow_mut(HashMap::clear);
        let steps: Vec<Step> = (0..steps_per_piece)
            .map(|_| random_step(&mut core, &tape, &mut model, &mut random, &mut full))
            .collect();
        let recording = tape.current();
        events += recording.events();
        for step in &steps {
            for cut in step.events.clone().chain([step.events.end]) {
                let done = cut == step.events.end;
                let seeds = [random.next(), random.next()];
                for loss in [
                    Loss::Power(PowerLoss::LosesUnsynced),
                    Loss::Power(PowerLoss::KeepsAll),
                    Loss::Power(PowerLoss::KeepsSome(seeds[0])),
                    Loss::Power(PowerLoss::KeepsSome(seeds[1])),
                    Loss::TearsUnsynced,
                ] {
                    cuts += 1;
                    let context = format!("seed {seed}, cut {cuts} ({loss:?})");
                    let image = loss.image(&recording, cut);
                    recover_and_go_on(image, step, done, &context, cuts % 61 == 0);
                }
            }
        }
    }
    assert!(core.generation() > 10, "the history has checkpoints");
    assert!(full > 0, "the history has a full device");
    println!(
        "seed {seed}: {cuts} cuts of {events} events, {} checkpoints, {full} times full",
        core.generation()
    );
}

fn recover_and_go_on(image: Vec<u8>, step: &Step, done: bool, context: &str, cut_again: bool) {
    let disk = MemoryDisk::from_image(image.clone());
    let mut core = Core::open(Arc::new(disk.clone())).unwrap_or_else(|e| panic!("{context}: {e}"));
    let recovered = check(&core, step, done, context);
    // It takes new writes, and what was recovered stays as it is.
    let gone: Vec<FragmentKey> = recovered.iter().take(4).map(|info| info.key).collect();
    commit(&mut core, Op::delete(gone)).unwrap();
    commit(&mut core, put_op(key(5000), 2, 0)).unwrap_or_else(|e| panic!("{context}: {e}"));
    drop(core);
    let core = Core::open(Arc::new(disk)).unwrap_or_else(|e| panic!("{context}, again: {e}"));
    let expected = &recovered[recovered.len().min(4)..];
    let mut listed = core.list(None, usize::MAX);
    assert_eq!(listed.pop().map(|info| info.key), Some(key(5000)), "{context}");
    assert_eq!(listed, expected, "{context}");
    if cut_again {
        cut_the_recovery(image, step, done, context, &recovered);
    }
}

fn cut_the_recovery(image: Vec<u8>, step: &Step, done: bool, context: &str, recovered: &[FragmentInfo]) {
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

#[test]
fn every_cut_of_a_random_history_recovers() {
    cut_everywhere(11, 48, 8);
}

#[test]
fn every_cut_of_another_random_history_recovers() {
    cut_everywhere(0xfeed, 48, 8);
}

#[test]
fn a_cut_while_formatting_leaves_a_blank_or_a_labelled_device() {
    let disk = RecordedDisk::new(DEVICE_BYTES);
    Core::format(&disk, &label()).unwrap();
    for cut in 0..=disk.events() {
        for loss in [PowerLoss::LosesUnsynced, PowerLoss::KeepsAll, PowerLoss::KeepsSome(cut as u64 + 1)] {
            let cut_disk = MemoryDisk::from_image(disk.image_after(cut, loss));
            match Store::read_label(&cut_disk) {
                Ok(found) => {
                    assert_eq!(found, label());
                    assert!(Core::open(Arc::new(cut_disk)).unwrap().list(None, 1).is_empty());
                }
                Err(StoreError::Blank) => Core::format(&cut_disk, &label()).unwrap(),
                Err(other) => panic!("{other}"),
            }
        }
    }
}
