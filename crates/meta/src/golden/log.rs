//! Operations in the log, and the replies that are kept for their repetitions.

use isobar_base::{ClusterId, Errno, Geometry, Ino, PgId, SegmentId, SessionId, TargetId};
use isobar_wire::message::cluster::{FsSettings, TargetInfo};
use isobar_wire::message::files::{Attr, Extent, FileKind, Lock, LockFamily, LockKind, Source, Time};
use isobar_wire::message::ops::{
    ClusterOp, Commit, DirChange, FileOp, Mutation, NewSegment, Op, OpError, OpReply, OpResult,
    PreallocatedInode, RenameMode, Replace, SessionOp, SetAttr, SetTime, XattrMode,
};
use serde::de::value::Error;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use super::assert_frozen;
use crate::codec::encode;
use crate::entry::Entry;

const INO: Ino = Ino(300);
const SEGMENT: SegmentId = SegmentId { session: SessionId(300), counter: 7 };
const TIME: Time = Time { seconds: 1, nanoseconds: 5 };
const LOCK: Lock = Lock {
    family: LockFamily::Posix,
    kind: LockKind::Write,
    start: 0,
    end: 99,
    session: SessionId(300),
    owner: 5,
    pid: 6,
};

fn name() -> Vec<u8> {
    b"ab".to_vec()
}

fn segments() -> Vec<NewSegment> {
    let geometry = Geometry { data: 1, parity: 1, len: 4096 };
    let rows = vec![(4, TargetId(9)), (0, TargetId(8))];
    vec![NewSegment { id: SEGMENT, pg: PgId(3), geometry, rows, row_crcs: vec![5, 300] }]
}

fn extents() -> Vec<Extent> {
    vec![
        Extent { offset: 0, len: 2, source: Source::Inline(vec![1, 2]), version: 0 },
        Extent { offset: 2, len: 3, source: Source::Segment { id: SEGMENT, offset: 9 }, version: 0 },
    ]
}

fn attr() -> Attr {
    Attr { mode: 0o644, uid: 10, gid: 20, ..Attr::new(INO, FileKind::File, TIME) }
}

fn session_ops() -> Vec<(&'static str, SessionOp)> {
    vec![
        ("Open", SessionOp::Open { nonce: 9, name: "h".into() }),
        ("Close", SessionOp::Close),
        ("Expire", SessionOp::Expire { session: SessionId(300) }),
        ("CleanUp", SessionOp::CleanUp { session: SessionId(300) }),
    ]
}

fn cluster_ops() -> Vec<(&'static str, ClusterOp)> {
    let info = TargetInfo {
        id: TargetId(0xabcd),
        node: "n1".into(),
        slot: 0,
        addr: "h:1".parse().unwrap(),
        domain: "r1".into(),
        capacity_bytes: 1 << 40,
    };
    let settings = FsSettings { cluster: ClusterId(5), name: "fs".into(), data_rows: 6, parity_rows: 2 };
    vec![
        ("Format", ClusterOp::Format(settings)),
        ("RegisterTarget", ClusterOp::RegisterTarget(info)),
        ("BuildPlacement", ClusterOp::BuildPlacement { groups: 64 }),
        ("AllowReplace", ClusterOp::AllowReplace { node: "n1".into() }),
        ("TargetRebuilt", ClusterOp::TargetRebuilt { target: TargetId(9), since: 44 }),
        ("Collected", ClusterOp::Collected { segments: vec![SEGMENT] }),
    ]
}

fn ops_on_names() -> Vec<(&'static str, FileOp)> {
    let create = FileOp::Create {
        parent: INO,
        name: name(),
        kind: FileKind::Symlink,
        mode: 0o777,
        uid: 10,
        gid: 20,
        rdev: 0,
        target: b"t".to_vec(),
        exclusive: true,
        preallocated: Some(PreallocatedInode { ino: Ino(301), time: TIME }),
    };
    let (not_open_by_caller, at) = (Some(Ino(301)), Some(TIME));
    let rename = FileOp::Rename {
        parent: INO,
        name: name(),
        new_parent: Ino(2),
        new_name: b"c".to_vec(),
        mode: RenameMode::Exchange,
        not_open_by_caller,
    };
    vec![
        ("Create", create),
        ("Delegate", FileOp::Delegate { dir: INO }),
        ("ReturnDelegation", FileOp::ReturnDelegation { dir: INO }),
        ("Link", FileOp::Link { ino: INO, parent: Ino(2), name: name() }),
        ("Unlink", FileOp::Unlink { parent: INO, name: name(), not_open_by_caller, at }),
        ("Rmdir", FileOp::Rmdir { parent: INO, name: name() }),
        ("Rename", rename),
    ]
}

fn ops_on_inodes() -> Vec<(&'static str, FileOp)> {
    let set = SetAttr {
        mode: Some(0o600),
        mode_clear: 0o4000,
        mode_set: 0o20,
        uid: None,
        gid: Some(20),
        size: Some(9),
        atime: Some(SetTime::Now),
        mtime: Some(SetTime::At(TIME)),
    };
    let set_xattr = FileOp::SetXattr { ino: INO, name: name(), value: vec![7], mode: XattrMode::Create };
    let commit = Commit {
        ino: INO,
        incarnation: 1,
        low_water: 7,
        append: true,
        segments: segments(),
        extents: extents(),
        mtime: Some(TIME),
    };
    let replace = Replace {
        ino: INO,
        incarnation: 1,
        low_water: 7,
        as_of: 600,
        segments: segments(),
        extents: extents(),
    };
    vec![
        ("SetAttr", FileOp::SetAttr { ino: INO, set }),
        ("SetXattr", set_xattr),
        ("RemoveXattr", FileOp::RemoveXattr { ino: INO, name: name() }),
        ("Commit", FileOp::Commit(commit)),
        ("Punch", FileOp::Punch { ino: INO, offset: 1, len: 2, size_min: 3 }),
        ("Replace", FileOp::Replace(replace)),
        ("Lock", FileOp::Lock { ino: INO, lock: LOCK }),
        ("UnlockAll", FileOp::UnlockAll { ino: INO, owner: 5 }),
        ("ReleaseOrphans", FileOp::ReleaseOrphans { inos: vec![INO] }),
        ("RevokeDelegation", FileOp::RevokeDelegation { dir: INO, session: SessionId(300) }),
        ("Purge", FileOp::Purge { ino: INO }),
    ]
}

fn replies() -> Vec<(&'static str, OpReply)> {
    let dir = DirChange { before: 8, after: attr() };
    vec![
        ("Done", OpReply::Done),
        ("Session", OpReply::Session(SessionId(300))),
        ("Entry", OpReply::Entry { attr: attr(), created: true, dir }),
        ("Removed", OpReply::Removed { attr: attr(), dir }),
        ("Renamed", OpReply::Renamed { attr: attr(), replaced: Some(attr()) }),
        ("Attr", OpReply::Attr(attr())),
        ("Committed", OpReply::Committed { attr: attr(), before: 8, offset: 9 }),
        ("Replaced", OpReply::Replaced { used_bytes: 9 }),
        ("Lock", OpReply::Lock(Some(LOCK))),
        ("Delegated", OpReply::Delegated { attr: attr(), first: Ino(301), count: 4096 }),
    ]
}

fn refusals() -> Vec<(&'static str, OpError)> {
    vec![
        ("Errno", OpError::Errno(Errno::ENOENT)),
        ("SessionGone", OpError::SessionGone),
        ("StaleIncarnation", OpError::StaleIncarnation),
        ("StalePlacement", OpError::StalePlacement),
        ("Delegated", OpError::Delegated(INO)),
        ("Repeated", OpError::Repeated),
    ]
}

/// An entry with each of these operations.
fn entries<T: Into<Op>>(ops: Vec<(&'static str, T)>) -> Vec<(&'static str, Vec<u8>)> {
    let entry = |op: T| {
        let mutation = Mutation { session: SessionId(300), seq: 6, acked_below: 4, op: op.into() };
        Entry { time: TIME, ops: vec![mutation] }.encode()
    };
    ops.into_iter().map(|(name, op)| (name, entry(op))).collect()
}

/// The names of an enum's variants, as its decoder has them.
fn variants<T: for<'de> Deserialize<'de>>() -> Vec<&'static str> {
    struct Asked<'a>(&'a mut Vec<&'static str>);

    impl<'de> Deserializer<'de> for Asked<'_> {
        type Error = Error;

        fn deserialize_enum<V: Visitor<'de>>(
            self,
            _: &'static str,
            variants: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Error> {
            self.0.extend(variants);
            Err(Error::custom("only the names are asked for"))
        }

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(Error::custom("no enum"))
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
            unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
        }
    }

    let mut names = Vec::new();
    // It fails once it has the names.
    T::deserialize(Asked(&mut names)).err();
    names
}

fn names<T>(samples: &[(&'static str, T)]) -> Vec<&'static str> {
    samples.iter().map(|(name, _)| *name).collect()
}

const SESSION_OPS: &[(&str, &str)] = &[
    ("Open", "02020501ac0206040000090168"),
    ("Close", "02020501ac0206040001"),
    ("Expire", "02020501ac0206040002ac02"),
    ("CleanUp", "02020501ac0206040003ac02"),
];
const CLUSTER_OPS: &[(&str, &str)] = &[
    ("Format", "02020501ac0206040100050266730602"),
    ("RegisterTarget", "02020501ac0206040101cdd702026e310003683a31027231808080808020"),
    ("BuildPlacement", "02020501ac020604010240"),
    ("AllowReplace", "02020501ac0206040103026e31"),
    ("TargetRebuilt", "02020501ac0206040104092c"),
    ("Collected", "02020501ac020604010501ac0207"),
];
const FILE_OPS: &[(&str, &str)] = &[
    ("Create", "02020501ac0206040200ac0202616202ff030a140001740101ad020205"),
    ("Delegate", "02020501ac0206040201ac02"),
    ("ReturnDelegation", "02020501ac0206040202ac02"),
    ("Link", "02020501ac0206040203ac0202026162"),
    ("Unlink", "02020501ac0206040204ac0202616201ad02010205"),
    ("Rmdir", "02020501ac0206040205ac02026162"),
    ("Rename", "02020501ac0206040206ac020261620201630201ad02"),
    ("SetAttr", "02020501ac0206040207ac020180038010100001140109010001010205"),
    ("SetXattr", "02020501ac0206040208ac02026162010701"),
    ("RemoveXattr", "02020501ac0206040209ac02026162"),
    (
        "Commit",
        "02020501ac020604020aac0201070101ac0207030101802002040900080205ac020200020002010200020301ac02070900010205",
    ),
    ("Punch", "02020501ac020604020bac02010203"),
    (
        "Replace",
        "02020501ac020604020cac020107d80401ac0207030101802002040900080205ac020200020002010200020301ac02070900",
    ),
    ("Lock", "02020501ac020604020dac0200010063ac020506"),
    ("UnlockAll", "02020501ac020604020eac0205"),
    ("ReleaseOrphans", "02020501ac020604020f01ac02"),
    ("RevokeDelegation", "02020501ac0206040210ac02ac02"),
    ("Purge", "02020501ac0206040211ac02"),
];
const REPLIES: &[(&str, &str)] = &[
    ("Done", "010000"),
    ("Session", "010001ac02"),
    (
        "Entry",
        "010002ac0200a403010a14000000020502050205010000000108ac0200a403010a1400000002050205020501000000",
    ),
    (
        "Removed",
        "010003ac0200a403010a140000000205020502050100000008ac0200a403010a1400000002050205020501000000",
    ),
    (
        "Renamed",
        "010004ac0200a403010a140000000205020502050100000001ac0200a403010a1400000002050205020501000000",
    ),
    ("Attr", "010005ac0200a403010a1400000002050205020501000000"),
    ("Committed", "010006ac0200a403010a14000000020502050205010000000809"),
    ("Replaced", "01000709"),
    ("Lock", "0100080100010063ac020506"),
    ("Delegated", "010009ac0200a403010a1400000002050205020501000000ad028020"),
];
const REFUSALS: &[(&str, &str)] = &[
    ("Errno", "01010004"),
    ("SessionGone", "010101"),
    ("StaleIncarnation", "010102"),
    ("StalePlacement", "010103"),
    ("Delegated", "010104ac02"),
    ("Repeated", "010105"),
];

#[test]
fn operations_keep_their_format_in_the_log() {
    let file_ops = [ops_on_names(), ops_on_inodes()].concat();
    assert_eq!(names(&session_ops()), variants::<SessionOp>());
    assert_eq!(names(&cluster_ops()), variants::<ClusterOp>());
    assert_eq!(names(&file_ops), variants::<FileOp>());
    assert_frozen(entries(session_ops()), SESSION_OPS);
    assert_frozen(entries(cluster_ops()), CLUSTER_OPS);
    assert_frozen(entries(file_ops), FILE_OPS);
}

#[test]
fn what_operations_choose_from_keeps_its_order() {
    assert_eq!(
        variants::<FileKind>(),
        ["File", "Directory", "Symlink", "Fifo", "Socket", "CharDevice", "BlockDevice"]
    );
    assert_eq!(variants::<RenameMode>(), ["Replace", "NoReplace", "Exchange"]);
    assert_eq!(variants::<XattrMode>(), ["Any", "Create", "Replace"]);
    assert_eq!(variants::<LockKind>(), ["Read", "Write", "Unlock"]);
    assert_eq!(variants::<LockFamily>(), ["Posix", "Flock"]);
    assert_eq!(variants::<SetTime>(), ["Now", "At"]);
    assert_eq!(variants::<Source>(), ["Inline", "Segment"]);
}

#[test]
fn kept_replies_keep_their_format() {
    assert_eq!(names(&replies()), variants::<OpReply>());
    assert_eq!(names(&refusals()), variants::<OpError>());
    let kept = |result: OpResult| encode(&result);
    assert_frozen(replies().into_iter().map(|(name, reply)| (name, kept(Ok(reply)))).collect(), REPLIES);
    assert_frozen(refusals().into_iter().map(|(name, error)| (name, kept(Err(error)))).collect(), REFUSALS);
}
