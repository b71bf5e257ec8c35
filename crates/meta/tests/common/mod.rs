//! A small cluster's state with helpers that read like the operations they stand for. Every applied
//! entry is followed by a full check of the state.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use isobar_base::{ClusterId, Errno, Geometry, GroupId, Ino, MemoryKv, PgId, SegmentId, SessionId, TargetId};
use isobar_meta::{Entry, Room, apply_within, check, cluster_map, query};
use isobar_wire::message::cluster::{FsSettings, TargetInfo};
use isobar_wire::message::files::{Attr, DirEntry, Extent, FileKind, Map, Source, Time};
use isobar_wire::message::ops::{
    ClusterOp, Commit, FileOp, Mutation, NewSegment, Op, OpError, OpReply, OpResult, RenameMode, Replace,
    SessionOp, SetAttr,
};
use isobar_wire::message::queries::{Answer, ClusterQuery, FileQuery, Query, SegmentState};

pub const ROOT: Ino = Ino::ROOT;
pub const MIB: u64 = 1 << 20;

pub fn errno(errno: Errno) -> OpError {
    OpError::Errno(errno)
}

pub fn seconds(seconds: i64) -> Time {
    Time { seconds, nanoseconds: 0 }
}

pub fn target(i: u64) -> TargetInfo {
    TargetInfo {
        id: TargetId(100 + i),
        node: format!("node{i}"),
        slot: 0,
        addr: format!("10.0.0.{i}:7000").parse().unwrap(),
        domain: format!("rack{i}"),
        capacity_bytes: 1 << 40,
    }
}

pub fn settings() -> FsSettings {
    FsSettings { cluster: ClusterId(7), name: "test".into(), data_rows: 4, parity_rows: 2 }
}

#[derive(Clone)]
pub struct World {
    pub group: GroupId,
    pub kv: MemoryKv,
    pub index: u64,
    pub now: i64,
    pub session: SessionId,
    pub seq: u64,
    pub counter: u64,
    pub checked: bool,
    /// What each entry may remove.
    pub room: Room,
    pub log: Vec<(u64, Entry)>,
}

impl World {
    pub fn blank() -> World {
        World {
            group: GroupId::ROOT,
            kv: MemoryKv::default(),
            index: 0,
            now: 1000,
            session: SessionId::NOBODY,
            seq: 0,
            counter: 0,
            checked: true,
            room: Room::OF_ENTRY,
            log: Vec::new(),
        }
    }

    /// Eight nodes, 4 + 2, 16 placement groups, one session.
    pub fn new() -> World {
        World::in_group(GroupId::ROOT)
    }

    /// The same as a metadata group has it.
    pub fn in_group(group: GroupId) -> World {
        let mut world = World { group, ..World::blank() };
        world.cluster(ClusterOp::Format(settings())).unwrap();
        for i in 0..8 {
            world.cluster(ClusterOp::RegisterTarget(target(i))).unwrap();
        }
        world.cluster(ClusterOp::BuildPlacement { groups: 16 }).unwrap();
        world.session = world.open(1);
        world
    }

    pub fn apply(&mut self, ops: Vec<Mutation>) -> Vec<OpResult> {
        self.index += 1;
        self.now += 1;
        let entry = Entry { time: seconds(self.now), ops };
        let results = apply_within(&mut self.kv, self.group, self.index, &entry, self.room);
        self.log.push((self.index, entry));
        if self.checked {
            self.check();
        }
        results
    }

    pub fn check(&self) {
        let findings = check(&self.kv);
        assert!(findings.is_empty(), "{findings:#?} after {:#?}", self.log.last());
    }

    pub fn send(&mut self, mutation: Mutation) -> OpResult {
        self.apply(vec![mutation]).pop().unwrap()
    }

    pub fn cluster(&mut self, op: impl Into<Op>) -> OpResult {
        self.send(Mutation::of_nobody(op))
    }

    pub fn open(&mut self, nonce: u64) -> SessionId {
        match self.cluster(SessionOp::Open { nonce, name: format!("host{nonce}:/mnt") }).unwrap() {
            OpReply::Session(id) => id,
            other => panic!("{other:?}"),
        }
    }

    /// The next mutation of the session.
    pub fn mutation(&mut self, op: impl Into<Op>) -> Mutation {
        self.seq += 1;
        let op = op.into();
        Mutation { session: self.session, seq: self.seq, acked_below: self.seq.saturating_sub(8), op }
    }

    pub fn run(&mut self, op: impl Into<Op>) -> OpResult {
        let mutation = self.mutation(op);
        self.send(mutation)
    }

    /// Runs as another session.
    pub fn run_as(&mut self, session: SessionId, seq: u64, op: impl Into<Op>) -> OpResult {
        self.send(Mutation { session, seq, acked_below: 0, op: op.into() })
    }

    pub fn ask(&self, question: impl Into<Query>) -> Result<Answer, OpError> {
        query(&self.kv, &question.into())
    }

    pub fn try_create(&mut self, parent: Ino, name: &str, kind: FileKind) -> Result<Attr, OpError> {
        match self.run(create(parent, name, kind))? {
            OpReply::Entry { attr, .. } => Ok(attr),
            other => panic!("{other:?}"),
        }
    }

    pub fn file(&mut self, parent: Ino, name: &str) -> Ino {
        self.try_create(parent, name, FileKind::File).unwrap().ino
    }

    pub fn mkdir(&mut self, parent: Ino, name: &str) -> Ino {
        self.try_create(parent, name, FileKind::Directory).unwrap().ino
    }

    pub fn unlink(&mut self, parent: Ino, name: &str, not_open_by_caller: Option<Ino>) -> OpResult {
        self.run(FileOp::Unlink { parent, name: name.into(), not_open_by_caller, at: None })
    }

    pub fn rmdir(&mut self, parent: Ino, name: &str) -> OpResult {
        self.run(FileOp::Rmdir { parent, name: name.into() })
    }

    pub fn rename(&mut self, from: (Ino, &str), to: (Ino, &str), mode: RenameMode) -> OpResult {
        self.run(rename(from, to, mode))
    }

    pub fn lookup(&self, parent: Ino, name: &str) -> Result<Attr, OpError> {
        match self.ask(FileQuery::Lookup { parent, name: name.into(), neighbours: 0 })? {
            Answer::Entry { attr, .. } => Ok(attr),
            other => panic!("{other:?}"),
        }
    }

    pub fn attr(&self, ino: Ino) -> Result<Attr, OpError> {
        match self.ask(FileQuery::GetAttr { ino })? {
            Answer::Attr(attr) => Ok(attr),
            other => panic!("{other:?}"),
        }
    }

    pub fn list(&self, ino: Ino) -> Vec<DirEntry> {
        match self.ask(FileQuery::ReadDir { ino, cookie: 0, limit: 10_000 }).unwrap() {
            Answer::Dir { entries, .. } => entries,
            other => panic!("{other:?}"),
        }
    }

    pub fn map(&self, ino: Ino, offset: u64, len: u64) -> Map {
        match self.ask(FileQuery::Map { ino, offset, len }).unwrap() {
            Answer::Map(map) => map,
            other => panic!("{other:?}"),
        }
    }

    pub fn state_of(&self, id: SegmentId) -> SegmentState {
        match self.ask(ClusterQuery::SegmentStates { ids: vec![id] }).unwrap() {
            Answer::SegmentStates(states) => states[0],
            other => panic!("{other:?}"),
        }
    }

    pub fn delete_queue(&self) -> Vec<SegmentId> {
        match self.ask(ClusterQuery::DeleteQueue { after: None, limit: 1000 }).unwrap() {
            Answer::Deleted(queue) => queue.into_iter().map(|(_, segment)| segment.id).collect(),
            other => panic!("{other:?}"),
        }
    }

    pub fn purge_queue(&self) -> Vec<Ino> {
        match self.ask(ClusterQuery::PurgeQueue { after: None, limit: 1000 }).unwrap() {
            Answer::Queued(queue) => queue.into_iter().map(|(_, ino)| ino).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// Purges until nothing is left to purge; gives how many entries that took.
    pub fn purge_all(&mut self) -> u64 {
        let mut entries = 0;
        while let Some(&ino) = self.purge_queue().first() {
            self.cluster(FileOp::Purge { ino }).unwrap();
            entries += 1;
        }
        entries
    }

    pub fn low_live(&self) -> Vec<SegmentId> {
        self.segments(ClusterQuery::LowLive { after: None, limit: 1000 })
    }

    pub fn live_segments(&self) -> Vec<SegmentId> {
        self.segments(ClusterQuery::Segments { after: None, limit: 10_000 })
    }

    fn segments(&self, question: impl Into<Query>) -> Vec<SegmentId> {
        match self.ask(question).unwrap() {
            Answer::Segments(segments) => segments.into_iter().map(|s| s.id).collect(),
            other => panic!("{other:?}"),
        }
    }

    pub fn inos(&self, question: impl Into<Query>) -> Vec<Ino> {
        match self.ask(question).unwrap() {
            Answer::Inos(inos) => inos,
            other => panic!("{other:?}"),
        }
    }

    /// A segment of the session whose rows are all durable.
    pub fn segment(&mut self, len: u64) -> NewSegment {
        self.counter += 1;
        self.segment_of(self.session, self.counter, len)
    }

    pub fn segment_of(&self, session: SessionId, counter: u64, len: u64) -> NewSegment {
        let data = (len >> 14).clamp(1, 4) as u8;
        let pg = PgId((counter % 16) as u32);
        let map = cluster_map(&self.kv);
        let positions = &map.groups[pg.0 as usize].positions;
        let rows = (0..data + 2).map(|r| (r, positions[usize::from(r)].target)).collect();
        let geometry = Geometry { data, parity: 2, len: len as u32 };
        let row_crcs = (0..u32::from(data) + 2).collect();
        NewSegment { id: SegmentId { session, counter }, pg, geometry, rows, row_crcs }
    }

    pub fn commit_op(&self, ino: Ino, segments: Vec<NewSegment>, extents: Vec<Extent>) -> Commit {
        let incarnation = self.attr(ino).map_or(1, |attr| attr.incarnation);
        let mtime = Some(seconds(self.now + 1));
        Commit { ino, incarnation, low_water: 0, append: false, segments, extents, mtime }
    }

    /// Writes `len` bytes as one segment and gives its id.
    pub fn write(&mut self, ino: Ino, offset: u64, len: u64) -> SegmentId {
        let segment = self.segment(len);
        let id = segment.id;
        let commit = self.commit_op(ino, vec![segment], vec![extent(offset, len, id, 0)]);
        self.run(FileOp::Commit(commit)).unwrap();
        id
    }

    pub fn write_inline(&mut self, ino: Ino, offset: u64, bytes: &[u8]) -> OpResult {
        let commit = self.commit_op(ino, vec![], vec![inline(offset, bytes)]);
        self.run(FileOp::Commit(commit))
    }

    pub fn set_size(&mut self, ino: Ino, size: u64) -> OpResult {
        self.run(FileOp::SetAttr { ino, set: SetAttr { size: Some(size), ..SetAttr::default() } })
    }

    pub fn replace_op(
        &self,
        ino: Ino,
        as_of: u64,
        segments: Vec<NewSegment>,
        extents: Vec<Extent>,
    ) -> Replace {
        let incarnation = self.attr(ino).unwrap().incarnation;
        Replace { ino, incarnation, low_water: 0, as_of, segments, extents }
    }

    /// (offset, len) of each extent.
    pub fn ranges(&self, ino: Ino) -> Vec<(u64, u64)> {
        self.map(ino, 0, u64::MAX).extents.iter().map(|e| (e.offset, e.len)).collect()
    }

    /// (offset, len, counter of the segment, offset in it) of each extent.
    pub fn layout(&self, ino: Ino) -> Vec<(u64, u64, u64, u32)> {
        let extents = self.map(ino, 0, u64::MAX).extents;
        let row = |e: &Extent| match e.source {
            Source::Segment { id, offset } => (e.offset, e.len, id.counter, offset),
            Source::Inline(_) => (e.offset, e.len, 0, 0),
        };
        extents.iter().map(row).collect()
    }
}

pub fn create(parent: Ino, name: &str, kind: FileKind) -> FileOp {
    let target = if kind == FileKind::Symlink { b"target".to_vec() } else { Vec::new() };
    let mode = if kind == FileKind::Directory { 0o755 } else { 0o644 };
    let name = name.into();
    FileOp::Create {
        parent,
        name,
        kind,
        mode,
        uid: 10,
        gid: 20,
        rdev: 0,
        target,
        exclusive: true,
        preallocated: None,
    }
}

pub fn rename(from: (Ino, &str), to: (Ino, &str), mode: RenameMode) -> FileOp {
    FileOp::Rename {
        parent: from.0,
        name: from.1.into(),
        new_parent: to.0,
        new_name: to.1.into(),
        mode,
        not_open_by_caller: None,
    }
}

pub fn extent(offset: u64, len: u64, id: SegmentId, at: u32) -> Extent {
    Extent { offset, len, source: Source::Segment { id, offset: at }, version: 0 }
}

pub fn inline(offset: u64, bytes: &[u8]) -> Extent {
    Extent { offset, len: bytes.len() as u64, source: Source::Inline(bytes.to_vec()), version: 0 }
}
