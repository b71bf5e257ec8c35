//! The power goes at every write and sync of checkpoints that are made beside commits, with pages that split,
//! join, come and go meanwhile; nothing acknowledged is lost, nothing deleted comes back.

mod common;

use std::sync::Arc;

use common::power::{Model, Step, Tape, forget_payloads, losses, recover_and_go_on};
use common::{Random, key, label, put_op};
use isobar_disk::RecordedDisk;
use isobar_store::{Core, Op};

const DEVICE_BYTES: u64 = 8 << 20;
const KEYS: u64 = 3000;

/// Deletes neighbours, or puts neighbours and others: whole pages empty themselves and fill again.
fn random_step(core: &mut Core, tape: &Tape, model: &mut Model, random: &mut Random) -> Step {
    let before = model.clone();
    let (mut ops, mut effects) = (Vec::new(), Vec::new());
    let first = random.below(KEYS);
    if model.len() as u64 > 400 + random.below(800) {
        let keys: Vec<_> = (first..first + random.below(120)).map(|counter| key(counter % KEYS)).collect();
        effects.extend(keys.iter().map(|&key| (key, None)));
        ops.push(Op::delete(keys));
    } else {
        let last = first + random.below(60);
        let scattered = (0..random.below(6)).map(|_| random.below(KEYS));
        let mut counters: Vec<u64> = (first..last).map(|counter| counter % KEYS).chain(scattered).collect();
        counters.sort_unstable();
        counters.dedup();
        for key in counters.into_iter().map(key).filter(|key| !before.contains_key(key)) {
            let content = (1 + random.below(20) as u32 / 18, random.below(1 << 40));
            ops.push(put_op(key, content.0, content.1));
            effects.push((key, Some(content)));
        }
    }
    let start = tape.current().events();
    assert!(core.commit(&ops).iter().all(Result::is_ok));
    for &(key, effect) in &effects {
        match effect {
            Some(content) => drop(model.insert(key, content)),
            None => drop(model.remove(&key)),
        }
    }
    core.discard();
    Step { before, after: model.clone(), in_flight: effects, events: start..tape.current().events() }
}

#[test]
fn every_cut_of_checkpoints_beside_commits_recovers() {
    let blank = RecordedDisk::new(DEVICE_BYTES);
    Core::format(&blank, &label()).unwrap();
    let tape = Arc::new(Tape::new(blank));
    let mut core = Core::open(tape.clone()).unwrap();
    let (mut random, mut model) = (Random(0xbeef), Model::new());
    let (mut cuts, mut cut_steps, first_generation) = (0, 0, core.generation());
    while core.generation() < first_generation + 7 {
        tape.start_new_piece();
        let (generation, written) = (core.generation(), tape.checkpoint_writes());
        let step = random_step(&mut core, &tape, &mut model, &mut random);
        if tape.checkpoint_writes() == written && core.generation() == generation {
            continue;
        }
        cut_steps += 1;
        let recording = tape.current();
        for cut in step.events.start..=step.events.end {
            let done = cut == step.events.end;
            for loss in losses([random.next(), random.next()]) {
                cuts += 1;
                let context = format!("cut {cuts} ({loss:?})");
                recover_and_go_on(loss.image(&recording, cut), &step, done, &context, cuts % 199 == 0);
            }
        }
        forget_payloads();
    }
    println!("{cuts} cuts in {cut_steps} steps of 7 checkpoints");
    assert!(cut_steps > 7 * 6, "checkpoints are made in many steps, beside commits: {cut_steps}");
}
