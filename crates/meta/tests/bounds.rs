//! No entry of the log changes more than a bounded number of keys, and no question looks at more, however
//! large the files and however many the sessions' leftovers are.
#![allow(missing_docs, clippy::unwrap_used)]
mod common;

use std::cell::Cell;

use common::*;
use isobar_base::{Errno, GroupId, Ino, Kv, KvRead, MemoryKv, SegmentId, Visit};
use isobar_meta::{CUTS_PENDING_MAX, Entry, INODES_LOOKED_AT_MAX, apply, query};
use isobar_wire::message::files::FileKind;
use isobar_wire::message::ops::{FileOp, Mutation, Op, OpError, SessionOp, XattrMode};
use isobar_wire::message::queries::{Answer, ClusterQuery, FileQuery, Query, SessionQuery};

const EXTENTS: u64 = 1_000_000;
/// Distance between extents: none continues another, and chunks of them are split.
const STRIDE: u64 = 8192;
const LEN: u64 = 4096;
const SIZE: u64 = EXTENTS * STRIDE;
const KEYS_PER_ENTRY_MAX: u64 = 16 << 10;

/// Counts what is changed and what is looked at.
struct Counting<'a> {
    kv: &'a mut MemoryKv,
    changed: u64,
    bytes: u64,
    seen: Cell<u64>,
}

impl Counting<'_> {
    fn of(kv: &mut MemoryKv) -> Counting<'_> {
        Counting { kv, changed: 0, bytes: 0, seen: Cell::new(0) }
    }
}

impl KvRead for Counting<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.seen.set(self.seen.get() + 1);
        self.kv.get(key)
    }

    fn range(&self, start: &[u8], end: &[u8], visit: &mut Visit<'_>) {
        self.kv.range(start, end, &mut |key, value| {
            self.seen.set(self.seen.get() + 1);
            visit(key, value)
        });
    }
}

impl Kv for Counting<'_> {
    fn put(&mut self, key: &[u8], value: Vec<u8>) {
        self.changed += 1;
        self.bytes += value.len() as u64;
        self.kv.put(key, value);
    }

    fn delete(&mut self, key: &[u8]) {
        self.changed += 1;
        self.kv.delete(key);
    }
}

/// Applies operations of nobody's or of the session as one entry; gives the number of keys it changed.
fn entry(w: &mut World, ops: Vec<Mutation>) -> u64 {
    counted(w, ops).0
}

/// Likewise, with the number of keys it looked at.
fn counted(w: &mut World, ops: Vec<Mutation>) -> (u64, u64) {
    w.index += 1;
    let mut kv = Counting::of(&mut w.kv);
    let results = apply(&mut kv, GroupId::ROOT, w.index, &Entry { time: seconds(5000), ops });
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert!(kv.changed <= KEYS_PER_ENTRY_MAX, "{} keys changed", kv.changed);
    (kv.changed, kv.seen.get())
}

fn one(w: &mut World, op: impl Into<Op>) -> u64 {
    let mutation = w.mutation(op);
    entry(w, vec![mutation])
}

/// Purges all there is, 32 inodes an entry as the leader does; gives how many keys that changed.
fn purge_all(w: &mut World) -> u64 {
    let mut changed = 0;
    loop {
        let queue = w.purge_queue();
        if queue.is_empty() {
            return changed;
        }
        let ops = queue.into_iter().take(32).map(|ino| Mutation::of_nobody(FileOp::Purge { ino }));
        changed += entry(w, ops.collect());
    }
}

/// How many keys a question looks at.
fn looked_at(w: &mut World, question: impl Into<Query>) -> (u64, Answer) {
    let kv = Counting::of(&mut w.kv);
    let answer = query(&kv, &question.into()).unwrap();
    (kv.seen.get(), answer)
}

/// A file of so many extents, each of a segment of its own.
fn fragmented(w: &mut World, name: &str, extents: u64) -> Ino {
    w.checked = false;
    let file = w.file(ROOT, name);
    let (mut segments, mut pieces) = (Vec::new(), Vec::new());
    let model = w.segment(LEN);
    for at in 0..extents {
        w.counter += 1;
        let id = SegmentId { session: w.session, counter: w.counter };
        segments.push(isobar_wire::message::ops::NewSegment { id, ..model.clone() });
        pieces.push(extent(at * STRIDE, LEN, id, 0));
        if pieces.len() == 1024 || at + 1 == extents {
            let commit = w.commit_op(file, std::mem::take(&mut segments), std::mem::take(&mut pieces));
            w.run(FileOp::Commit(commit)).unwrap();
            w.log.clear();
        }
    }
    file
}

/// Where there are bytes, joined.
fn ranges(w: &World, file: Ino) -> Vec<(u64, u64)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < u64::MAX {
        let map = w.map(file, at, u64::MAX);
        found.extend(map.extents.iter().map(|e| (e.offset, e.len)));
        at = map.complete_to;
    }
    found
}

fn extents(range: std::ops::Range<u64>) -> Vec<(u64, u64)> {
    range.map(|at| (at * STRIDE, LEN)).collect()
}

#[test]
fn a_file_of_a_million_extents_is_cut_and_punched_and_removed_in_small_steps() {
    let mut original = World::new();
    let file = fragmented(&mut original, "f", EXTENTS);
    let live = |w: &World| match w.ask(ClusterQuery::Counts).unwrap() {
        Answer::Counts { segments, file_bytes, .. } => (segments, file_bytes),
        other => panic!("{other:?}"),
    };
    assert_eq!(live(&original), (EXTENTS, EXTENTS * LEN));
    let half = EXTENTS / 2;
    let size = |size| FileOp::SetAttr {
        ino: file,
        set: isobar_wire::message::ops::SetAttr { size: Some(size), ..Default::default() },
    };
    let punch = FileOp::Punch { ino: file, offset: 10 * STRIDE, len: SIZE - 20 * STRIDE, size_min: 0 };
    let around = [extents(0..10), extents(EXTENTS - 10..EXTENTS)].concat();
    for (op, left) in [(size(0), vec![]), (size(half * STRIDE), extents(0..half)), (punch, around)] {
        let mut w = original.clone();
        one(&mut w, op.clone());
        assert!(ranges(&w, file) == left, "it counts at once: {op:?}");
        // Bytes cut once never come back, before and after all is purged.
        one(&mut w, size(SIZE));
        assert!(ranges(&w, file) == left, "nothing comes back: {op:?}");
        w.write(file, 700 * STRIDE + 100, 50);
        let written = ranges(&w, file);
        assert!(written.contains(&(700 * STRIDE + 100, 50)));
        purge_all(&mut w);
        assert!(ranges(&w, file) == written, "{op:?}");
        let attr = w.attr(file).unwrap();
        let bytes = written.iter().map(|(_, len)| len).sum::<u64>();
        assert_eq!((attr.size, attr.allocated_bytes), (SIZE, bytes));
        assert_eq!(live(&w).1, bytes);
        w.check();
    }
    let mut w = original;
    one(&mut w, FileOp::Unlink { parent: ROOT, name: "f".into(), not_open_by_caller: Some(file), at: None });
    purge_all(&mut w);
    assert_eq!(live(&w), (0, 0));
    w.check();
}

#[test]
fn a_commit_over_a_fragmented_region_leaves_what_was_there_to_purges() {
    let mut w = World::new();
    let file = fragmented(&mut w, "f", 50_000);
    let parts = 50_000 * STRIDE / (8 * MIB);
    let (mut segments, mut pieces) = (Vec::new(), Vec::new());
    for part in 0..parts {
        let segment = w.segment(8 * MIB);
        pieces.push(extent(part * 8 * MIB, 8 * MIB, segment.id, 0));
        segments.push(segment);
    }
    let commit = w.commit_op(file, segments, pieces.clone());
    one(&mut w, FileOp::Commit(commit));
    let whole = |w: &World| ranges(w, file)[..parts as usize].to_vec();
    let written: Vec<(u64, u64)> = pieces.iter().map(|e| (e.offset, e.len)).collect();
    assert_eq!(whole(&w), written);
    w.check();
    // What is written into it afterwards stays as well.
    for at in 0..400 {
        w.write(file, 9 * MIB + at * 300, 100);
    }
    let before = ranges(&w, file);
    w.check();
    assert!(purge_all(&mut w) > 100_000);
    assert_eq!(ranges(&w, file), before);
    w.check();
}

#[test]
fn very_many_holes_wait_for_the_purge_of_earlier_ones() {
    let mut w = World::new();
    let file = fragmented(&mut w, "f", (CUTS_PENDING_MAX as u64 + 1) * 2000);
    let punch =
        |at: u64| FileOp::Punch { ino: file, offset: at * 2000 * STRIDE, len: 1900 * STRIDE, size_min: 0 };
    for at in 0..CUTS_PENDING_MAX as u64 {
        w.run(punch(at)).unwrap();
    }
    let last = CUTS_PENDING_MAX as u64;
    assert_eq!(w.run(punch(last)), Err(OpError::Errno(Errno::EAGAIN)));
    let ino = file;
    w.cluster(FileOp::Purge { ino }).unwrap();
    w.run(punch(last)).unwrap();
    w.set_size(file, 0).unwrap();
    w.check();
}

#[test]
fn a_session_ends_at_once_and_what_it_leaves_behind_goes_in_steps() {
    let mut w = World::new();
    w.checked = false;
    let other = w.open(2);
    const FILES: usize = 20_000;
    for at in 0..FILES {
        let file = w.file(ROOT, &format!("f{at}"));
        w.unlink(ROOT, &format!("f{at}"), Some(file)).unwrap();
        w.log.clear();
    }
    for seq in 1..=20_000 {
        w.run_as(other, seq, FileOp::ReleaseOrphans { inos: vec![] }).unwrap();
        w.log.clear();
    }
    w.check();
    entry(&mut w, vec![Mutation::of_nobody(SessionOp::Expire { session: other })]);
    assert_eq!(w.run_as(other, 30_000, create(ROOT, "late", FileKind::File)), Err(OpError::SessionGone));
    w.check();
    let mut steps = 0;
    while w.ask(SessionQuery::Ended { limit: 10 }) == Ok(Answer::SessionIds(vec![other])) {
        entry(&mut w, vec![Mutation::of_nobody(SessionOp::CleanUp { session: other })]);
        steps += 1;
    }
    assert!(steps > 10);
    let Ok(Answer::Counts { inodes, .. }) = w.ask(ClusterQuery::Counts) else { panic!() };
    assert_eq!(inodes, 1, "only the top directory is left");
    w.check();
}

#[test]
fn an_inode_with_very_many_attributes_is_removed_in_steps() {
    let mut w = World::new();
    w.checked = false;
    let file = w.file(ROOT, "f");
    for at in 0..20_000u32 {
        let (name, value) = (at.to_be_bytes().map(|byte| byte | 0x80).to_vec(), vec![1]);
        let name = [name, at.to_string().into_bytes()].concat();
        w.run(FileOp::SetXattr { ino: file, name, value, mode: XattrMode::Any }).unwrap();
        w.log.clear();
    }
    one(&mut w, FileOp::Unlink { parent: ROOT, name: "f".into(), not_open_by_caller: Some(file), at: None });
    assert!(purge_all(&mut w) >= 20_000);
    assert_eq!(w.attr(file), Err(errno(Errno::ESTALE)));
    w.check();
}

#[test]
fn many_removals_gathered_into_one_entry_share_its_room() {
    let mut w = World::new();
    let names: Vec<String> = (0..64).map(|i| format!("f{i}")).collect();
    let files: Vec<Ino> = names.iter().map(|name| fragmented(&mut w, name, 1000)).collect();
    let ops = files.iter().map(|&ino| FileOp::Punch { ino, offset: 0, len: SIZE, size_min: 0 });
    let ops = ops.map(|op| w.mutation(op)).collect();
    entry(&mut w, ops);
    assert!(files.iter().all(|&file| ranges(&w, file).is_empty()));
    purge_all(&mut w);
    assert_eq!(w.live_segments(), []);
    w.check();
}

#[test]
fn copies_of_many_pieces_of_a_chunk_look_at_each_of_its_blocks_a_few_times() {
    const COPIES: u64 = 1024;
    let mut w = World::new();
    let file = fragmented(&mut w, "f", COPIES);
    let segment = w.segment(COPIES * LEN);
    let id = segment.id;
    let copies = (0..COPIES).map(|at| extent(at * STRIDE, LEN, id, (at * LEN) as u32)).collect();
    let replace = w.replace_op(file, w.index, vec![segment], copies);
    let mutation = w.mutation(FileOp::Replace(replace));
    let (changed, seen) = counted(&mut w, vec![mutation]);
    assert_eq!(ranges(&w, file), extents(0..COPIES));
    // Each piece was of a segment of its own, which goes now.
    assert!(changed <= 8 * COPIES && seen <= 8 * COPIES, "{changed} keys changed, {seen} looked at");
}

#[test]
fn questions_look_at_a_bounded_number_of_keys() {
    let mut w = World::new();
    w.checked = false;
    let first = w.file(ROOT, "first");
    w.write(first, 0, 100);
    for at in 0..1_000_000 {
        w.file(ROOT, &format!("e{at}"));
        w.log.clear();
    }
    let last = w.file(ROOT, "last");
    w.write(last, 0, 100);
    let (mut after, mut found, mut steps) = (Ino(0), Vec::new(), 0);
    loop {
        let (seen, answer) = looked_at(&mut w, ClusterQuery::Inodes { after, limit: 256 });
        assert!(seen <= INODES_LOOKED_AT_MAX as u64 + 16, "{seen} keys");
        let Answer::InodesUpTo { inos, next } = answer else { panic!("{answer:?}") };
        found.extend(inos);
        steps += 1;
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(found, [first, last]);
    assert!(steps > 200);
    // Nor does the map of a file whose extents are all gone and not yet purged.
    let file = fragmented(&mut w, "f", 400_000);
    w.set_size(file, 0).unwrap();
    w.set_size(file, SIZE).unwrap();
    let (seen, answer) = looked_at(&mut w, FileQuery::Map { ino: file, offset: 0, len: u64::MAX });
    assert!(seen <= 5000, "{seen} keys");
    let Answer::Map(map) = answer else { panic!("{answer:?}") };
    assert!(map.extents.is_empty() && map.complete_to < u64::MAX);
}

#[test]
fn an_answer_about_a_removed_file_costs_the_same_however_many_sessions_there_are() {
    let mut w = World::new();
    w.checked = false;
    let others: Vec<_> = (2..1002).map(|nonce| w.open(nonce)).collect();
    let file = w.file(ROOT, "f");
    w.unlink(ROOT, "f", Some(file)).unwrap();
    w.check();
    for session in others {
        let op = FileOp::ReleaseOrphans { inos: vec![file] };
        w.index += 1;
        let ops = vec![Mutation { session, seq: 1, acked_below: 0, op: op.into() }];
        let mut kv = Counting::of(&mut w.kv);
        apply(&mut kv, GroupId::ROOT, w.index, &Entry { time: seconds(5000), ops });
        assert!(kv.changed <= 8 && kv.bytes <= 128, "{} keys, {} bytes", kv.changed, kv.bytes);
    }
    assert_eq!(w.attr(file), Err(errno(Errno::ESTALE)));
    w.check();
}
