//! Random operations against a naive model: names in a map, each byte of a file on its own.
#![allow(missing_docs, clippy::unwrap_used)]
mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::*;
use isobar_base::{Errno, GroupId, Ino, MemoryKv, SegmentId, state_hash};
use isobar_meta::{Entry, Room, apply_to_bytes, apply_within, read_entry};
use isobar_wire::message::files::{FileKind, Source};
use isobar_wire::message::ops::{FileOp, Mutation, OpError, OpReply, OpResult, RenameMode};
use isobar_wire::message::queries::SessionQuery;
use proptest::prelude::*;

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
/// Files are written around these offsets, so that extents cross chunks.
const WINDOWS: [u64; 3] = [0, 8 * MIB - 200, 16 * MIB - 50];

#[derive(Clone, Debug)]
enum Step {
    Create { dir: usize, name: usize, file: bool },
    Link { ino: usize, dir: usize, name: usize },
    Unlink { dir: usize, name: usize },
    Rmdir { dir: usize, name: usize },
    Rename { from: (usize, usize), to: (usize, usize), mode: u8 },
    Commit { ino: usize, window: usize, append: bool, extents: Vec<(u64, u64)> },
    Truncate { ino: usize, window: usize, at: u64 },
    Punch { ino: usize, window: usize, at: u64, len: u64 },
    Replace { ino: usize, window: usize, at: u64, len: u64, lag: u64 },
    Purge,
    ReleaseOrphans,
    Repeat { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let place = || (0usize..8, 0usize..5);
    prop_oneof![
        4 => (place(), prop::bool::weighted(0.7)).prop_map(|((dir, name), file)| Step::Create { dir, name, file }),
        2 => (any::<usize>(), place()).prop_map(|(ino, (dir, name))| Step::Link { ino, dir, name }),
        2 => place().prop_map(|(dir, name)| Step::Unlink { dir, name }),
        1 => place().prop_map(|(dir, name)| Step::Rmdir { dir, name }),
        4 => (place(), place(), 0u8..4).prop_map(|(from, to, mode)| Step::Rename { from, to, mode }),
        9 => (any::<usize>(), 0usize..3, any::<bool>(), prop::collection::vec((0u64..400, 1u64..30), 1..25))
            .prop_map(|(ino, window, append, extents)| Step::Commit { ino, window, append, extents }),
        1 => (any::<usize>(), 0usize..3, 0u64..400)
            .prop_map(|(ino, window, at)| Step::Truncate { ino, window, at }),
        1 => (any::<usize>(), 0usize..3, 0u64..400, 1u64..300)
            .prop_map(|(ino, window, at, len)| Step::Punch { ino, window, at, len }),
        2 => (any::<usize>(), 0usize..3, 0u64..300, 1u64..500, 0u64..20)
            .prop_map(|(ino, window, at, len, lag)| Step::Replace { ino, window, at, len, lag }),
        2 => Just(Step::Purge),
        1 => Just(Step::ReleaseOrphans),
        3 => any::<usize>().prop_map(|which| Step::Repeat { which }),
    ]
}

/// What entries may remove: as much as always, or so little that most of it is left to purges.
fn room() -> impl Strategy<Value = Room> {
    let little = (0usize..6, 1usize..6).prop_map(|(extents, purged)| Room { extents, purged });
    prop_oneof![Just(Room::OF_ENTRY), little]
}

/// A byte: where it is and since when.
type Byte = (SegmentId, u32, u64);

#[derive(Clone, Debug, Default)]
struct Node {
    dir: bool,
    names: u32,
    size: u64,
    incarnation: u64,
    bytes: BTreeMap<u64, Byte>,
}

#[derive(Default)]
struct Model {
    nodes: BTreeMap<Ino, Node>,
    names: BTreeMap<(Ino, usize), Ino>,
}

type Expected = Result<(), Errno>;

impl Model {
    fn live_dir(&self, dir: Ino) -> Expected {
        match self.nodes.get(&dir) {
            None => Err(Errno::ESTALE),
            Some(node) if !node.dir => Err(Errno::ENOTDIR),
            Some(node) if node.names == 0 => Err(Errno::ESTALE),
            Some(_) => Ok(()),
        }
    }

    fn is_empty(&self, dir: Ino) -> bool {
        !self.names.keys().any(|(parent, _)| *parent == dir)
    }

    fn contains(&self, above: Ino, dir: Ino) -> bool {
        let children = self.names.iter().filter(|((parent, _), _)| *parent == above);
        above == dir || children.into_iter().any(|(_, &child)| child != above && self.contains(child, dir))
    }

    fn unname(&mut self, place: (Ino, usize)) {
        let ino = self.names.remove(&place).unwrap();
        self.nodes.get_mut(&ino).unwrap().names -= 1;
    }

    fn rename(&mut self, from: (Ino, usize), to: (Ino, usize), mode: RenameMode) -> Expected {
        self.live_dir(from.0)?;
        self.live_dir(to.0)?;
        let source = *self.names.get(&from).ok_or(Errno::ENOENT)?;
        let target = self.names.get(&to).copied();
        match (mode, target) {
            (RenameMode::NoReplace, Some(_)) => return Err(Errno::EEXIST),
            (RenameMode::Exchange, None) => return Err(Errno::ENOENT),
            _ => {}
        }
        if self.contains(source, to.0) {
            return Err(Errno::EINVAL);
        }
        if target == Some(source) {
            return Ok(());
        }
        if mode == RenameMode::Exchange {
            let target = target.unwrap();
            if self.contains(target, from.0) {
                return Err(Errno::EINVAL);
            }
            self.names.insert(from, target);
            self.names.insert(to, source);
            return Ok(());
        }
        if let Some(target) = target {
            match (self.nodes[&source].dir, self.nodes[&target].dir) {
                (true, false) => return Err(Errno::ENOTDIR),
                (false, true) => return Err(Errno::EISDIR),
                (_, true) if !self.is_empty(target) => return Err(Errno::ENOTEMPTY),
                _ => self.unname(to),
            }
        }
        self.names.remove(&from);
        self.names.insert(to, source);
        Ok(())
    }
}

struct Run {
    w: World,
    other: isobar_base::SessionId,
    other_seq: u64,
    model: Model,
    inos: Vec<Ino>,
    sent: Vec<(Mutation, OpResult)>,
}

impl Run {
    fn new(room: Room) -> Run {
        let mut w = World::new();
        w.room = room;
        let other = w.open(2);
        let root = Node { dir: true, names: 1, ..Node::default() };
        let model = Model { nodes: BTreeMap::from([(ROOT, root)]), names: BTreeMap::new() };
        Run { w, other, other_seq: 0, model, inos: vec![ROOT], sent: Vec::new() }
    }

    fn ino(&self, pick: usize) -> Ino {
        self.inos[pick % self.inos.len()]
    }

    fn dir(&self, pick: usize) -> Ino {
        let dirs: Vec<Ino> = self.model.nodes.iter().filter(|(_, n)| n.dir).map(|(&ino, _)| ino).collect();
        dirs[pick % dirs.len()]
    }

    fn file(&self, ino: Ino) -> Expected {
        match self.model.nodes.get(&ino) {
            None => Err(Errno::ESTALE),
            Some(node) if node.dir => Err(Errno::EISDIR),
            Some(_) => Ok(()),
        }
    }

    fn send(&mut self, op: FileOp) -> OpResult {
        let mutation = self.w.mutation(op);
        let result = self.w.send(mutation.clone());
        self.sent.push((mutation, result.clone()));
        result
    }

    fn step(&mut self, step: &Step) {
        let (result, expected) = self.perform(step);
        let got = match result {
            Ok(_) => Ok(()),
            Err(OpError::Errno(errno)) => Err(errno),
            Err(other) => panic!("{other} for {step:?}"),
        };
        assert_eq!(got, expected, "{step:?}");
    }

    fn perform(&mut self, step: &Step) -> (OpResult, Expected) {
        match step {
            Step::Create { dir, name, file } => {
                let dir = self.dir(*dir);
                let kind = if *file { FileKind::File } else { FileKind::Directory };
                let result = self.send(create(dir, NAMES[*name], kind));
                let exists = self.model.names.contains_key(&(dir, *name));
                let expected = self.model.live_dir(dir).and(if exists { Err(Errno::EEXIST) } else { Ok(()) });
                if let Ok(OpReply::Entry { attr, .. }) = &result {
                    self.model.names.insert((dir, *name), attr.ino);
                    let node = Node { dir: !file, names: 1, incarnation: 1, ..Node::default() };
                    self.model.nodes.insert(attr.ino, node);
                    self.inos.push(attr.ino);
                }
                (result, expected)
            }
            Step::Link { ino, dir, name } => {
                let (ino, dir) = (self.ino(*ino), self.dir(*dir));
                let result = self.send(FileOp::Link { ino, parent: dir, name: NAMES[*name].into() });
                let expected = self.model.live_dir(dir).and_then(|()| {
                    let node = self.model.nodes.get(&ino).ok_or(Errno::ESTALE)?;
                    match node {
                        node if node.dir => Err(Errno::EPERM),
                        _ if self.model.names.contains_key(&(dir, *name)) => Err(Errno::EEXIST),
                        node if node.names == 0 => Err(Errno::ENOENT),
                        _ => Ok(()),
                    }
                });
                if expected.is_ok() {
                    self.model.names.insert((dir, *name), ino);
                    self.model.nodes.get_mut(&ino).unwrap().names += 1;
                }
                (result, expected)
            }
            Step::Unlink { dir, name } | Step::Rmdir { dir, name } => {
                let place = (self.dir(*dir), *name);
                let (parent, name) = (place.0, NAMES[*name].into());
                let rmdir = matches!(step, Step::Rmdir { .. });
                let op = match rmdir {
                    true => FileOp::Rmdir { parent, name },
                    false => FileOp::Unlink { parent, name, not_open_by_caller: None, at: None },
                };
                let result = self.send(op);
                let expected = self.model.live_dir(place.0).and_then(|()| {
                    let ino = *self.model.names.get(&place).ok_or(Errno::ENOENT)?;
                    match (rmdir, self.model.nodes[&ino].dir) {
                        (true, false) => Err(Errno::ENOTDIR),
                        (false, true) => Err(Errno::EISDIR),
                        (true, true) if !self.model.is_empty(ino) => Err(Errno::ENOTEMPTY),
                        _ => Ok(()),
                    }
                });
                if expected.is_ok() {
                    self.model.unname(place);
                }
                (result, expected)
            }
            Step::Rename { from, to, mode } => {
                let (from, to) = ((self.dir(from.0), from.1), (self.dir(to.0), to.1));
                let mode = match mode {
                    0 => RenameMode::NoReplace,
                    1 => RenameMode::Exchange,
                    _ => RenameMode::Replace,
                };
                let result = self.send(rename((from.0, NAMES[from.1]), (to.0, NAMES[to.1]), mode));
                let expected = self.model.rename(from, to, mode);
                (result, expected)
            }
            Step::Commit { ino, window, append, extents } => {
                let ino = self.ino(*ino);
                let segment = self.w.segment(1000);
                let id = segment.id;
                let base = if *append { 0 } else { WINDOWS[*window] };
                let wanted: Vec<_> = extents
                    .iter()
                    .enumerate()
                    .map(|(i, &(at, len))| extent(base + at, len, id, i as u32 * 30))
                    .collect();
                let mut commit = self.w.commit_op(ino, vec![segment], wanted.clone());
                commit.append = *append;
                let result = self.send(FileOp::Commit(commit));
                let expected = self.file(ino);
                if expected.is_ok() {
                    let (index, node) = (self.w.index, self.model.nodes.get_mut(&ino).unwrap());
                    let start = if *append { node.size } else { 0 };
                    for (i, e) in wanted.iter().enumerate() {
                        for j in 0..e.len {
                            let byte = (id, i as u32 * 30 + j as u32, index);
                            node.bytes.insert(start + e.offset + j, byte);
                        }
                        node.size = node.size.max(start + e.end());
                    }
                }
                (result, expected)
            }
            Step::Truncate { ino, window, at } => {
                let (ino, size) = (self.ino(*ino), WINDOWS[*window] + at / 4 * 4);
                let set = isobar_wire::message::ops::SetAttr { size: Some(size), ..Default::default() };
                let result = self.send(FileOp::SetAttr { ino, set });
                let expected = self.file(ino);
                if expected.is_ok() {
                    let node = self.model.nodes.get_mut(&ino).unwrap();
                    node.bytes.split_off(&size);
                    node.size = size;
                    node.incarnation += u64::from(size == 0);
                }
                (result, expected)
            }
            Step::Punch { ino, window, at, len } => {
                let (ino, at) = (self.ino(*ino), WINDOWS[*window] + at);
                let result = self.send(FileOp::Punch { ino, offset: at, len: *len, size_min: 0 });
                let expected = self.file(ino);
                if expected.is_ok() {
                    let node = self.model.nodes.get_mut(&ino).unwrap();
                    node.bytes.retain(|&offset, _| offset < at || offset >= at + len);
                }
                (result, expected)
            }
            Step::Replace { ino, window, at, len, lag } => {
                let (ino, at) = (self.ino(*ino), WINDOWS[*window] + at);
                if self.file(ino).is_err() {
                    return (Ok(OpReply::Done), Ok(()));
                }
                let as_of = self.w.index.saturating_sub(*lag);
                let segment = self.w.segment(1000);
                let id = segment.id;
                let replace = self.w.replace_op(ino, as_of, vec![segment], vec![extent(at, *len, id, 7)]);
                let result = self.send(FileOp::Replace(replace));
                if self.w.purge_queue().contains(&ino) {
                    return (result, Err(Errno::EAGAIN));
                }
                let (index, node) = (self.w.index, self.model.nodes.get_mut(&ino).unwrap());
                let mut used = 0;
                for (&offset, byte) in node.bytes.range_mut(at..at + len) {
                    if byte.2 <= as_of {
                        used += 1;
                        *byte = (id, 7 + (offset - at) as u32, index);
                    }
                }
                assert_eq!(result, Ok(OpReply::Replaced { used_bytes: used }));
                (result, Ok(()))
            }
            Step::Purge => {
                for ino in self.w.purge_queue() {
                    self.w.cluster(FileOp::Purge { ino }).unwrap();
                }
                (Ok(OpReply::Done), Ok(()))
            }
            Step::ReleaseOrphans => {
                let orphans = self.w.inos(SessionQuery::Orphans { session: self.other, limit: 1000 });
                let nameless: Vec<Ino> =
                    self.model.nodes.iter().filter(|(_, n)| n.names == 0).map(|(&ino, _)| ino).collect();
                assert_eq!(orphans, nameless);
                let result = self.send(FileOp::ReleaseOrphans { inos: orphans.clone() });
                self.other_seq += 1;
                self.w.run_as(self.other, self.other_seq, FileOp::ReleaseOrphans { inos: orphans }).unwrap();
                self.w.purge_all();
                self.model.nodes.retain(|_, node| node.names > 0);
                (result, Ok(()))
            }
            Step::Repeat { which } => {
                if let Some((mutation, first)) = self.sent.get(which % self.sent.len().max(1)).cloned() {
                    let before = state_hash(&self.w.kv);
                    let again = self.w.send(mutation);
                    assert!(again == first || again == Err(OpError::Repeated), "{again:?} after {first:?}");
                    assert_eq!(state_hash(&self.w.kv), before, "I12: a repetition changed the state");
                }
                (Ok(OpReply::Done), Ok(()))
            }
        }
    }

    fn compare(&self) {
        for ino in &self.inos {
            let Some(node) = self.model.nodes.get(ino) else {
                assert_eq!(self.w.attr(*ino), Err(errno(Errno::ESTALE)));
                continue;
            };
            let attr = self.w.attr(*ino).unwrap();
            if node.dir {
                let names: BTreeSet<(String, Ino)> = self
                    .w
                    .list(*ino)
                    .into_iter()
                    .map(|e| (String::from_utf8(e.name).unwrap(), e.attr.ino))
                    .collect();
                let expected = self.model.names.iter().filter(|((dir, _), _)| dir == ino);
                let expected = expected.map(|((_, name), &child)| (NAMES[*name].to_owned(), child)).collect();
                assert_eq!(names, expected);
                continue;
            }
            assert_eq!((attr.nlink, attr.size), (node.names, node.size));
            let allocated = node.bytes.len() as u64;
            match self.w.purge_queue().contains(ino) {
                true => assert!((allocated..=node.size).contains(&attr.allocated_bytes)),
                false => assert_eq!(attr.allocated_bytes, allocated),
            }
            let mut bytes = BTreeMap::new();
            let mut from = 0;
            while from < u64::MAX {
                let map = self.w.map(*ino, from, u64::MAX);
                for e in map.extents {
                    let Source::Segment { id, offset } = e.source else { panic!("no inline bytes here") };
                    for i in 0..e.len {
                        bytes.insert(e.offset + i, (id, offset + i as u32, e.version));
                    }
                }
                from = map.complete_to;
            }
            assert!(bytes == node.bytes, "bytes of inode {ino} differ");
        }
    }
}

/// Names and bytes, without anything that depends on log indices.
fn content(kv: &MemoryKv, inos: &[Ino]) -> Vec<String> {
    let mut world = World::blank();
    world.kv = kv.clone();
    let line = |&ino: &Ino| match world.attr(ino) {
        Err(error) => format!("{ino} {error}"),
        Ok(attr) if attr.kind == FileKind::Directory => {
            let names: Vec<_> = world.list(ino).into_iter().map(|e| (e.name, e.cookie, e.attr.ino)).collect();
            format!("{ino} {} {} {names:?}", attr.nlink, attr.size)
        }
        Ok(attr) => {
            let mut bytes = Vec::new();
            for e in world.map(ino, 0, u64::MAX).extents {
                let Source::Segment { id, offset } = e.source else { panic!("no inline bytes here") };
                bytes.extend((0..e.len).map(|i| (e.offset + i, id, u64::from(offset) + i)));
            }
            format!("{ino} {} {} {} {bytes:?}", attr.nlink, attr.size, attr.allocated_bytes)
        }
    };
    inos.iter().map(line).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_state_machine_does_what_the_model_does(room in room(), steps in prop::collection::vec(step(), 1..120)) {
        let mut run = Run::new(room);
        for step in &steps {
            run.step(step);
            run.compare();
        }
        // I11: the same log gives the same state, encoded or not.
        let (mut again, mut encoded) = (MemoryKv::default(), MemoryKv::default());
        for (index, entry) in &run.w.log {
            // What made the cluster was applied with the usual room, and removed nothing.
            apply_within(&mut again, GroupId::ROOT, *index, entry, room);
            if room == Room::OF_ENTRY {
                apply_to_bytes(&mut encoded, GroupId::ROOT, *index, &read_entry(*index, &entry.encode()));
            }
        }
        prop_assert_eq!(state_hash(&again), state_hash(&run.w.kv));
        prop_assert!(room != Room::OF_ENTRY || again == encoded);
        prop_assert_eq!(&again, &run.w.kv);
    }

    #[test]
    fn how_operations_are_gathered_into_entries_does_not_matter(
        steps in prop::collection::vec(step().prop_filter("as_of is a log index", |s| !matches!(s, Step::Replace { .. })), 1..100),
        sizes in prop::collection::vec(1usize..12, 1..20),
        room in room(),
    ) {
        let mut run = Run::new(room);
        run.w.checked = false;
        let setup = run.w.log.len();
        for step in &steps {
            run.step(step);
        }
        let mut kv = MemoryKv::default();
        let (mut index, mut sizes) = (0, sizes.into_iter().cycle());
        for (_, entry) in &run.w.log[..setup] {
            index += 1;
            apply_within(&mut kv, GroupId::ROOT, index, entry, room);
        }
        let mut ops: Vec<Mutation> = run.w.log[setup..].iter().flat_map(|(_, e)| e.ops.clone()).collect();
        while !ops.is_empty() {
            let rest = ops.split_off(sizes.next().unwrap_or(1).min(ops.len()));
            index += 1;
            apply_within(&mut kv, GroupId::ROOT, index, &Entry { time: seconds(index as i64), ops }, room);
            ops = rest;
        }
        let findings = isobar_meta::check(&kv);
        prop_assert!(findings.is_empty(), "{:?}", findings);
        let mut gathered = World { kv, index, ..World::blank() };
        gathered.purge_all();
        run.w.purge_all();
        let kv = gathered.kv;
        prop_assert_eq!(content(&kv, &run.inos), content(&run.w.kv, &run.inos));
    }
}
