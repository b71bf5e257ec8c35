//! Stored values and keys.

use isobar_base::{ClusterId, Geometry, Ino, PgId, SegmentId, SessionId, TargetId};

use super::assert_frozen;
use crate::codec::encode;
use crate::key;
use crate::ledger::{Node, Piece};
use crate::record::{
    Counters, Cut, Cuts, FileKind, Group, Holder, Inode, Listed, Lock, LockFamily, LockKind, Name, Segment,
    Session, Settings, Source, Target, Time,
};

const SEGMENT: SegmentId = SegmentId { session: SessionId(300), counter: 7 };

fn time(seconds: i64) -> Time {
    Time { seconds, nanoseconds: 5 }
}

fn inode() -> Inode {
    Inode {
        kind: FileKind::File,
        mode: 0o644,
        nlink: 1,
        uid: 1000,
        gid: 1001,
        rdev: 2,
        size: 5000,
        allocated_bytes: 4000,
        atime: time(1),
        mtime: time(2),
        mtime_decided: time(3),
        ctime: time(4),
        incarnation: 5,
        version: 600,
        data_version: 500,
        extents: 9,
        cuts: Cuts::new(8, vec![Cut { from: 100, to: 300, number: 7 }]),
        split: true,
        purging: false,
        queued: 590,
        parent: Ino(1),
        delegated_to: SessionId(7),
        next_cookie: 3,
        xattr_bytes: 12,
        target: vec![b't'],
    }
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let segment = Segment {
        pg: PgId(3),
        geometry: Geometry { data: 1, parity: 2, len: 4096 },
        positions: vec![4, 0, 2],
        row_crcs: vec![5, 300, 7],
        ino: Ino(8),
        live_bytes: 4000,
        version: 77,
    };
    let lock = Lock {
        family: LockFamily::Posix,
        kind: LockKind::Write,
        start: 0,
        end: 99,
        session: SessionId(300),
        owner: 5,
        pid: 6,
    };
    let leaf = vec![
        Piece { at: 0, len: 2, version: 70, source: Source::Inline(vec![1, 2]) },
        Piece { at: 2, len: 3, version: 71, source: Source::Segment { id: SEGMENT, offset: 9 } },
    ];
    vec![
        ("name", encode(&Name { cookie: 3, ino: Ino(300), kind: FileKind::Symlink })),
        ("listed", encode(&Listed { ino: Ino(300), kind: FileKind::Directory, name: b"abc".to_vec() })),
        ("inode", encode(&inode())),
        ("segment", encode(&segment)),
        ("leaf", encode(&Node::Leaf { born: 6, pieces: leaf })),
        ("split", encode(&Node::Split { born: 7 })),
        ("locks", encode(&vec![lock])),
    ]
}

fn sessions_and_cluster() -> Vec<(&'static str, Vec<u8>)> {
    let session = Session {
        name: "h:/m".into(),
        nonce: 9,
        acked_below: 4,
        highest_seq: 6,
        low_water: 3,
        named_below: 5,
        collected: 1,
    };
    let target = Target {
        id: TargetId(0xabcd),
        node: "n1".into(),
        slot: 0,
        addr: "h:1".parse().unwrap(),
        domain: "r1".into(),
        capacity_bytes: 1 << 40,
        node_number: 2,
    };
    let counters = Counters {
        inodes: 1,
        file_bytes: 2,
        segments: 3,
        stored_bytes: 4,
        last_ino: Ino(5),
        last_session: SessionId(6),
        targets: 7,
        last_node: 8,
    };
    let holder = Holder { target: TargetId(0xabcd), node: 1, since: 44, clean: true };
    let settings = Settings { cluster: ClusterId(5), name: "fs".into(), data_rows: 6, parity_rows: 2 };
    vec![
        ("session", encode(&session)),
        ("sessions", encode(&vec![SessionId(300)])),
        ("target", encode(&target)),
        ("group", encode(&Group { holders: vec![holder] })),
        ("settings", encode(&settings)),
        ("counters", encode(&counters)),
        ("index", encode(&600u64)),
        ("slots", encode(&vec![1u32])),
    ]
}

fn keys() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("key of a name", key::name(Ino(258), b"ab").to_vec()),
        ("key of a node", key::extent_node(Ino(1), 8 << 20, 1).to_vec()),
        ("key of a segment", key::segment(SEGMENT).to_vec()),
        ("key of a deleted one", key::deleted(9, SEGMENT).to_vec()),
        ("key of a group", key::group(PgId(3)).to_vec()),
        ("key of a purge", key::purge(9, Ino(258)).to_vec()),
        ("key of an end", key::ended(SessionId(300)).to_vec()),
    ]
}

const FROZEN: &[(&str, &str)] = &[
    ("name", "0103ac0202"),
    ("listed", "01ac020103616263"),
    ("inode", "0100a40301e807e907028827a01f020504050605080505d804f40309080164ac02070100ce040107030c0174"),
    ("segment", "010301028020030400020305ac020708a01f4d"),
    ("leaf", "010006020002460002010202034701ac020709"),
    ("split", "010107"),
    ("locks", "010100010063ac020506"),
    ("session", "0104683a2f6d090406030501"),
    ("sessions", "0101ac02"),
    ("target", "01cdd702026e310003683a3102723180808080802002"),
    ("group", "0101cdd702012c01"),
    ("settings", "01050266730602"),
    ("counters", "010102030405060708"),
    ("index", "01d804"),
    ("slots", "010101"),
    ("key of a name", "4400000000000001026162"),
    ("key of a node", "450000000000000001000000000080000001"),
    ("key of a segment", "53000000000000012c0000000000000007"),
    ("key of a deleted one", "470000000000000009000000000000012c0000000000000007"),
    ("key of a group", "547000000003"),
    ("key of a purge", "5000000000000000090000000000000102"),
    ("key of an end", "65000000000000012c"),
];

#[test]
fn stored_values_keep_their_format() {
    assert_frozen([files(), sessions_and_cluster(), keys()].concat(), FROZEN);
}
