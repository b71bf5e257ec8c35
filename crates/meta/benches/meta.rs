//! `cargo bench -p isobar-meta`: microseconds of apply per operation, in memory, on one core. CPU time
//! of the thread, as the kernel counts it, so that a busy machine disturbs less.
#![allow(clippy::unwrap_used, missing_docs)]

use isobar_base::{ClusterId, Geometry, GroupId, Ino, MemoryKv, PgId, SegmentId, SessionId, TargetId};
use isobar_meta::{Entry, apply, apply_to_bytes, query, read_entry};
use isobar_wire::message::cluster::{FsSettings, TargetInfo};
use isobar_wire::message::files::{Extent, FileKind, Source, Time};
use isobar_wire::message::ops::{ClusterOp, Commit, FileOp, Mutation, NewSegment, Op, OpReply, SessionOp};
use isobar_wire::message::queries::FileQuery;

const BATCH: usize = 64;
const FILES: usize = 200_000;

/// CPU time of this thread.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

struct World {
    kv: MemoryKv,
    index: u64,
    session: SessionId,
    seq: u64,
    counter: u64,
}

impl World {
    fn new() -> World {
        let mut world =
            World { kv: MemoryKv::default(), index: 0, session: SessionId::NOBODY, seq: 0, counter: 0 };
        let settings =
            FsSettings { cluster: ClusterId(1), name: "bench".into(), data_rows: 6, parity_rows: 2 };
        world.cluster(ClusterOp::Format(settings));
        for i in 0..8u64 {
            world.cluster(ClusterOp::RegisterTarget(TargetInfo {
                id: TargetId(100 + i),
                node: format!("node{i}"),
                slot: 0,
                addr: "a:1".parse().unwrap(),
                domain: format!("rack{i}"),
                capacity_bytes: 1 << 40,
            }));
        }
        world.cluster(ClusterOp::BuildPlacement { groups: 64 });
        match world.cluster(SessionOp::Open { nonce: 1, name: "bench".into() }) {
            OpReply::Session(id) => world.session = id,
            other => panic!("{other:?}"),
        }
        world
    }

    fn cluster(&mut self, op: impl Into<Op>) -> OpReply {
        self.index += 1;
        let ops = vec![Mutation::of_nobody(op)];
        let time = Time { seconds: 1_700_000_000, nanoseconds: 1 };
        apply(&mut self.kv, GroupId::ROOT, self.index, &Entry { time, ops }).pop().unwrap().unwrap()
    }

    fn entry(&mut self, ops: Vec<FileOp>) -> Vec<u8> {
        let time = Time { seconds: 1_700_000_000, nanoseconds: 123_456_789 };
        let ops = ops
            .into_iter()
            .map(|op| {
                self.seq += 1;
                Mutation {
                    session: self.session,
                    seq: self.seq,
                    acked_below: self.seq.saturating_sub(256),
                    op: op.into(),
                }
            })
            .collect();
        Entry { time, ops }.encode()
    }

    /// Applies `count` operations in batches and prints what one of `units` takes.
    fn run(
        &mut self,
        what: &str,
        count: usize,
        batch: usize,
        units: usize,
        op: impl Fn(&mut World, usize) -> FileOp,
    ) {
        let mut entries = Vec::new();
        for start in (0..count).step_by(batch) {
            let ops = (start..count.min(start + batch)).map(|i| op(self, i)).collect();
            entries.push(self.entry(ops));
        }
        let start = cpu_seconds();
        let mut bytes = 0;
        for entry in &entries {
            self.index += 1;
            bytes +=
                apply_to_bytes(&mut self.kv, GroupId::ROOT, self.index, &read_entry(self.index, entry)).len();
        }
        let seconds = cpu_seconds() - start;
        let each = seconds / (count * units) as f64;
        println!("{what:40} {:8.2} µs  {:10.0} /s  ({bytes} B of replies)", each * 1e6, 1.0 / each);
    }

    fn segment(&mut self, len: u32, data: u8) -> NewSegment {
        self.counter += 1;
        let pg = PgId((self.counter % 64) as u32);
        let map = isobar_meta::cluster_map(&self.kv);
        let positions = &map.groups[pg.0 as usize].positions;
        let rows = (0..data + 2).map(|r| (r, positions[usize::from(r)].target)).collect();
        let id = SegmentId { session: self.session, counter: self.counter };
        let row_crcs = (0..u32::from(data) + 2).map(|row| 0x9e37_79b9 ^ row).collect();
        NewSegment { id, pg, geometry: Geometry { data, parity: 2, len }, rows, row_crcs }
    }
}

fn extent(offset: u64, len: u64, id: SegmentId, at: u32) -> Extent {
    Extent { offset, len, source: Source::Segment { id, offset: at }, version: 0 }
}

fn commit(ino: Ino, segments: Vec<NewSegment>, extents: Vec<Extent>) -> FileOp {
    let mtime = Some(Time { seconds: 1_700_000_001, nanoseconds: 0 });
    FileOp::Commit(Commit { ino, incarnation: 1, low_water: 1, append: false, segments, extents, mtime })
}

fn name(i: usize) -> Vec<u8> {
    format!("file.mdtest.{:03}.{i:08}", i % 7).into_bytes()
}

fn main() {
    let mut world = World::new();
    let create = |_: &mut World, i: usize| FileOp::Create {
        parent: Ino::ROOT,
        name: name(i),
        kind: FileKind::File,
        mode: 0o644,
        uid: 1000,
        gid: 1000,
        rdev: 0,
        target: Vec::new(),
        exclusive: true,
        preallocated: None,
    };
    world.run("create, 64 per entry", FILES, BATCH, 1, create);
    let first = 2u64;
    world.run("inline commit of 3,901 B, 64 per entry", 50_000, BATCH, 1, |_, i| {
        let bytes = Extent { offset: 0, len: 3901, source: Source::Inline(vec![7; 3901]), version: 0 };
        commit(Ino(first + i as u64), Vec::new(), vec![bytes])
    });
    let start = cpu_seconds();
    for i in 0..FILES {
        let lookup = FileQuery::Lookup { parent: Ino::ROOT, name: name(i), neighbours: 0 };
        query(&world.kv, &lookup.into()).unwrap();
    }
    let each = (cpu_seconds() - start) / FILES as f64;
    println!("{:40} {:8.2} µs  {:10.0} /s", "lookup", each * 1e6, 1.0 / each);

    world.run("stream: 8 MiB extents, 1 per commit", 50_000, 8, 1, |w, i| {
        let segment = w.segment(8 << 20, 6);
        let id = segment.id;
        commit(Ino(first + 100_000), vec![segment], vec![extent((i as u64) << 23, 8 << 20, id, 0)])
    });
    world.run("small files: 64 KiB, 1 extent per commit", 50_000, BATCH, 1, |w, i| {
        let segment = w.segment(64 << 10, 4);
        let id = segment.id;
        commit(Ino(first + 50_000 + i as u64), vec![segment], vec![extent(0, 64 << 10, id, 0)])
    });
    world.run("packed: 64 scattered extents per commit", 4_000, 8, 64, |w, i| {
        let segment = w.segment(64 * 47_008, 6);
        let id = segment.id;
        let at = |j: usize| ((i * 64 + j) as u64) * 47_008 * 8;
        let extents = (0..64).map(|j| extent(at(j), 47_008, id, (j * 47_008) as u32)).collect();
        commit(Ino(first + 100_001), vec![segment], extents)
    });
    world.run("random 4 KiB in 1 GiB, 1 per commit", 100_000, BATCH, 1, |w, i| {
        let segment = w.segment(4096, 1);
        let id = segment.id;
        let page = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 46;
        commit(Ino(first + 100_002), vec![segment], vec![extent(page * 4096, 4096, id, 0)])
    });
    world.run("random 4 KiB, 64 per commit", 2_000, 8, 64, |w, i| {
        let segments: Vec<NewSegment> = (0..64).map(|_| w.segment(4096, 1)).collect();
        let page = |j: usize| ((i * 64 + j) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 46;
        let extents =
            segments.iter().enumerate().map(|(j, s)| extent(page(j) * 4096, 4096, s.id, 0)).collect();
        commit(Ino(first + 100_003), segments, extents)
    });
    world.run("unlink, closed here, 64 per entry", FILES, BATCH, 1, |_, i| FileOp::Unlink {
        parent: Ino::ROOT,
        name: name(i),
        not_open_by_caller: Some(Ino(first + i as u64)),
        at: None,
    });
    let findings = isobar_meta::check(&world.kv);
    assert!(findings.is_empty(), "{findings:?}");
}
