//! The power goes at every single write and sync of a long random history, in five ways; the device is
//! opened again and must hold exactly what was acknowledged, give or take what was in flight.

mod common;

use std::sync::Arc;

use common::power::{Model, Step, Tape, forget_payloads, losses, recover_and_go_on};
use common::{MemoryDisk, Random, key, label, put_op};
use isobar_disk::{PowerLoss, RecordedDisk};
use isobar_store::{Core, Op, Store, StoreError};

/// Small enough that space is short, blocks are reused and fragmented, and the log is often full.
const DEVICE_BYTES: u64 = 2 << 20;
const KEYS: u64 = 60;

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
    core.discard();
    Step { before, after: model.clone(), in_flight, events: start..tape.current().events() }
}

fn cut_everywhere(seed: u64, pieces: usize, steps_per_piece: usize) {
    let blank = RecordedDisk::new(DEVICE_BYTES);
    Core::format(&blank, &label()).unwrap();
    let tape = Arc::new(Tape::new(blank));
    let mut core = Core::open(tape.clone()).unwrap();
    let mut random = Random(seed);
    let mut model = Model::new();
    let (mut cuts, mut full, mut events) = (0, 0, 0);
    for _ in 0..pieces {
        tape.start_new_piece();
        forget_payloads();
        let steps: Vec<Step> = (0..steps_per_piece)
            .map(|_| random_step(&mut core, &tape, &mut model, &mut random, &mut full))
            .collect();
        let recording = tape.current();
        events += recording.events();
        for step in &steps {
            for cut in step.events.clone().chain([step.events.end]) {
                let done = cut == step.events.end;
                let seeds = [random.next(), random.next()];
                for loss in losses(seeds) {
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
