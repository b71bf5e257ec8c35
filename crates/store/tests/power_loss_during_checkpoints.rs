//! The power goes at every write and sync of checkpoints that are made beside commits, with pages that split,
//! join, come and go meanwhile; nothing acknowledged is lost, nothing deleted comes back.

mod common;

use std::sync::Arc;

use common::power::{Model, Step, Tape, forget_payloads, losses, recover_and_go_on};
use common::{Random, key, label, put_op};
use isobar_base::FragmentKey;
use isobar_disk::RecordedDisk;
use isobar_store::{Core, Op};

const KEYS: u64 = 3000;

/// What one commit is to do: contents, or none for a delete.
type Effects = Vec<(FragmentKey, Option<(u32, u64)>)>;

/// Deletes neighbours, or puts neighbours and others: whole pages empty themselves and fill again.
fn random_effects(model: &Model, random: &mut Random) -> Effects {
    let first = random.below(KEYS);
    if model.len() as u64 > 400 + random.below(800) {
        return (first..first + random.below(120)).map(|counter| (key(counter % KEYS), None)).collect();
    }
    let last = first + random.below(60);
    let scattered = (0..random.below(6)).map(|_| random.below(KEYS));
    let mut counters: Vec<u64> = (first..last).map(|counter| counter % KEYS).chain(scattered).collect();
    counters.sort_unstable();
    counters.dedup();
    let new = counters.into_iter().map(key).filter(|key| !model.contains_key(key));
    let mut content = || (1 + random.below(20) as u32 / 18 * 20, random.below(1 << 40));
    new.map(|key| (key, Some(content()))).collect()
}

/// Puts or deletes so many that one commit takes a large part of the log.
fn many_effects(model: &Model) -> Effects {
    let keys = (KEYS..KEYS + 2500).map(key);
    keys.map(|key| (key, (!model.contains_key(&key)).then_some((1, 0)))).collect()
}

fn step(core: &mut Core, tape: &Tape, model: &mut Model, effects: Effects) -> Step {
    let before = model.clone();
    let start = tape.current().events();
    let deleted: Vec<FragmentKey> =
        effects.iter().filter(|(_, effect)| effect.is_none()).map(|&(key, _)| key).collect();
    let mut ops: Vec<Op> = deleted.chunks(1000).map(|keys| Op::delete(keys.to_vec())).collect();
    let contents = effects.iter().filter_map(|&(key, effect)| Some((key, effect?)));
    ops.extend(contents.map(|(key, content)| put_op(key, content.0, content.1)));
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

/// Cuts everything that is written while there is a checkpoint, `checkpoints` times; gives the steps with
/// cuts.
fn cut_checkpoints(device_bytes: u64, seed: u64, checkpoints: u64, fills_the_log: bool) -> usize {
    let blank = RecordedDisk::new(device_bytes);
    Core::format(&blank, &label()).unwrap();
    let tape = Arc::new(Tape::new(blank));
    let mut core = Core::open(tape.clone()).unwrap();
    let (mut random, mut model) = (Random(seed), Model::new());
    let (mut cuts, mut cut_steps, first_generation) = (0, 0, core.generation());
    let mut is_running = false;
    while core.generation() < first_generation + checkpoints {
        tape.start_new_piece();
        let (generation, written) = (core.generation(), tape.checkpoint_writes());
        let effects = match fills_the_log && is_running {
            true => many_effects(&model),
            false => random_effects(&model, &mut random),
        };
        let step = step(&mut core, &tape, &mut model, effects);
        let ended = core.generation() != generation;
        is_running = tape.checkpoint_writes() != written && !ended;
        if !is_running && !ended {
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
    println!("{cuts} cuts in {cut_steps} steps of {checkpoints} checkpoints");
    cut_steps
}

#[test]
fn every_cut_of_checkpoints_beside_commits_recovers() {
    let steps = cut_checkpoints(16 << 20, 0xbeef, 4, false);
    assert!(steps > 4 * 6, "checkpoints are made in many steps, beside commits: {steps}");
}

#[test]
fn commits_that_would_overwrite_what_is_needed_of_the_log_wait_for_the_checkpoint() {
    cut_checkpoints(28 << 20, 0xcafe, 2, true);
}
