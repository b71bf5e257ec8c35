//! The key of every value. One letter, then big-endian numbers: order of bytes = order of numbers.
//!
//! | key | value |
//! |---|---|
//! | `D <dir> <name>` | [`Name`](crate::record::Name): cookie, inode, kind |
//! | `C <dir> <cookie>` | [`Listed`](crate::record::Listed): inode, kind, name; readdir walks these |
//! | `I <ino>` | [`Inode`](crate::record::Inode) |
//! | `E <ino> <block start> <level>` | [`Node`](crate::ledger::Node) of the extent tree |
//! | `S <segment>` | [`Segment`](crate::record::Segment), while an extent names it |
//! | `H <segment>` | empty: less than half of it is alive |
//! | `G <index> <segment>` | `Segment`: nothing names it since that log index; delete its fragments |
//! | `g <segment>` | log index of its `G` |
//! | `c <segment>` | empty: collected, and its number could still be used |
//! | `P <index> <ino>` | empty: since that log index it has extents that nobody can reach |
//! | `O <ino>` | how many sessions have not said "not open here" about a nameless inode |
//! | `o <session> <ino>` | empty: reverse of `O` |
//! | `X <session>` | [`Session`](crate::record::Session) |
//! | `e <session>` | empty: it has ended, and not all that it left behind is removed |
//! | `Y` | ids of live sessions, ascending |
//! | `R <session> <seq>` | the reply to an operation |
//! | `N <nonce>` | the session it opened |
//! | `L <ino>` | locks, by start |
//! | `l <session> <ino>` | empty: reverse of `L` |
//! | `w <session> <dir>` | empty: reverse of a directory's delegation |
//! | `A <ino> <name>` | value of an extended attribute, raw |
//! | `T f`, `T e` | file system settings; epoch |
//! | `T t <target>` | [`Target`](crate::record::Target) |
//! | `T p <pg>` | [`Group`](crate::record::Group) |
//! | `T n <node>` | the node's number |
//! | `T r <node>` | slots whose blank replacement has been allowed and has not arrived |
//! | `Z` | [`Counters`](crate::record::Counters) |

use std::ops::Deref;

use isobar_base::{Ino, PgId, SegmentId, SessionId, TargetId};

/// A letter, an id and a name of 255 bytes.
const KEY_BYTES_MAX: usize = 272;

/// A key on the stack.
#[derive(Clone)]
pub(crate) struct Key {
    len: usize,
    bytes: [u8; KEY_BYTES_MAX],
}

impl Key {
    pub(crate) fn new(letter: u8) -> Key {
        let mut bytes = [0; KEY_BYTES_MAX];
        bytes[0] = letter;
        Key { len: 1, bytes }
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Key {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
        self
    }

    pub(crate) fn u64(self, number: u64) -> Key {
        self.bytes(&number.to_be_bytes())
    }

    fn segment(self, id: SegmentId) -> Key {
        self.u64(id.session.0).u64(id.counter)
    }

    /// The first key after all that begin with this one.
    pub(crate) fn end(mut self) -> Key {
        while self.len > 0 {
            let last = &mut self.bytes[self.len - 1];
            if *last < 0xff {
                *last += 1;
                return self;
            }
            self.len -= 1;
        }
        // Letters are ASCII: the loop has returned.
        self
    }
}

impl Deref for Key {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The number at byte `at` of a key.
fn number_at(key: &[u8], at: usize) -> u64 {
    match key.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()) {
        Some(bytes) => u64::from_be_bytes(bytes),
        None => panic!("I11: the state has a key that is too short: {key:02x?}"),
    }
}

/// The segment id at byte `at` of a key.
fn segment_at(key: &[u8], at: usize) -> SegmentId {
    SegmentId { session: SessionId(number_at(key, at)), counter: number_at(key, at + 8) }
}

/// Of `D C I E O L A`: the inode after the letter.
pub(crate) fn ino_of(key: &[u8]) -> Ino {
    Ino(number_at(key, 1))
}
/// Of `o l w P`: the inode after the session or the log index.
pub(crate) fn last_ino_of(key: &[u8]) -> Ino {
    Ino(number_at(key, 9))
}
/// Of `D A`: the name.
pub(crate) fn name_of(key: &[u8]) -> &[u8] {
    key.get(9..).unwrap_or_default()
}
/// Of `C`: the cookie.
pub(crate) fn cookie_of(key: &[u8]) -> u64 {
    number_at(key, 9)
}
/// Of `E`: where the node's block starts, and its level.
pub(crate) fn node_of(key: &[u8]) -> (u64, u8) {
    (number_at(key, 9), key.last().copied().unwrap_or(0))
}
/// Of `S H g c`: the segment.
pub(crate) fn segment_of(key: &[u8]) -> SegmentId {
    segment_at(key, 1)
}
/// Of `G`: since which log index nothing names the segment, and the segment.
pub(crate) fn deleted_of(key: &[u8]) -> (u64, SegmentId) {
    (number_at(key, 1), segment_at(key, 9))
}
/// Of `X R e`: the session.
pub(crate) fn session_of(key: &[u8]) -> SessionId {
    SessionId(number_at(key, 1))
}
/// Of `P`: since which log index.
pub(crate) fn queued_of(key: &[u8]) -> u64 {
    number_at(key, 1)
}
/// Of `R`: the operation's number.
pub(crate) fn seq_of(key: &[u8]) -> u64 {
    number_at(key, 9)
}

pub(crate) fn name(dir: Ino, name: &[u8]) -> Key {
    Key::new(b'D').u64(dir.0).bytes(name)
}
pub(crate) fn listed(dir: Ino, cookie: u64) -> Key {
    Key::new(b'C').u64(dir.0).u64(cookie)
}
pub(crate) fn listing(dir: Ino) -> Key {
    Key::new(b'C').u64(dir.0)
}
pub(crate) fn inode(ino: Ino) -> Key {
    Key::new(b'I').u64(ino.0)
}
pub(crate) fn extents(ino: Ino) -> Key {
    Key::new(b'E').u64(ino.0)
}
pub(crate) fn extent_node(ino: Ino, start: u64, level: u8) -> Key {
    Key::new(b'E').u64(ino.0).u64(start).bytes(&[level])
}
pub(crate) fn segment(id: SegmentId) -> Key {
    Key::new(b'S').segment(id)
}
pub(crate) fn low_live(id: SegmentId) -> Key {
    Key::new(b'H').segment(id)
}
pub(crate) fn deleted(index: u64, id: SegmentId) -> Key {
    Key::new(b'G').u64(index).segment(id)
}
pub(crate) fn deleted_at(id: SegmentId) -> Key {
    Key::new(b'g').segment(id)
}
pub(crate) fn collected(id: SegmentId) -> Key {
    Key::new(b'c').segment(id)
}
pub(crate) fn collected_of(session: SessionId) -> Key {
    Key::new(b'c').u64(session.0)
}
pub(crate) fn purge(index: u64, ino: Ino) -> Key {
    Key::new(b'P').u64(index).u64(ino.0)
}
pub(crate) fn orphan(ino: Ino) -> Key {
    Key::new(b'O').u64(ino.0)
}
pub(crate) fn orphan_of(session: SessionId, ino: Ino) -> Key {
    Key::new(b'o').u64(session.0).u64(ino.0)
}
pub(crate) fn orphans_of(session: SessionId) -> Key {
    Key::new(b'o').u64(session.0)
}
pub(crate) fn session(id: SessionId) -> Key {
    Key::new(b'X').u64(id.0)
}
pub(crate) fn ended(id: SessionId) -> Key {
    Key::new(b'e').u64(id.0)
}
pub(crate) fn live_sessions() -> Key {
    Key::new(b'Y')
}
pub(crate) fn reply(session: SessionId, seq: u64) -> Key {
    Key::new(b'R').u64(session.0).u64(seq)
}
pub(crate) fn replies(session: SessionId) -> Key {
    Key::new(b'R').u64(session.0)
}
pub(crate) fn nonce(nonce: u64) -> Key {
    Key::new(b'N').u64(nonce)
}
pub(crate) fn locks(ino: Ino) -> Key {
    Key::new(b'L').u64(ino.0)
}
pub(crate) fn locks_of(session: SessionId) -> Key {
    Key::new(b'l').u64(session.0)
}
pub(crate) fn lock_of(session: SessionId, ino: Ino) -> Key {
    Key::new(b'l').u64(session.0).u64(ino.0)
}
pub(crate) fn delegations_of(session: SessionId) -> Key {
    Key::new(b'w').u64(session.0)
}
pub(crate) fn delegation_of(session: SessionId, dir: Ino) -> Key {
    Key::new(b'w').u64(session.0).u64(dir.0)
}
pub(crate) fn xattr(ino: Ino, name: &[u8]) -> Key {
    Key::new(b'A').u64(ino.0).bytes(name)
}
pub(crate) fn xattrs(ino: Ino) -> Key {
    Key::new(b'A').u64(ino.0)
}
pub(crate) fn settings() -> Key {
    Key::new(b'T').bytes(b"f")
}
pub(crate) fn epoch() -> Key {
    Key::new(b'T').bytes(b"e")
}
pub(crate) fn target(id: TargetId) -> Key {
    targets().u64(id.0)
}
pub(crate) fn targets() -> Key {
    Key::new(b'T').bytes(b"t")
}
pub(crate) fn group(id: PgId) -> Key {
    groups().bytes(&id.0.to_be_bytes())
}
pub(crate) fn groups() -> Key {
    Key::new(b'T').bytes(b"p")
}
pub(crate) fn node(name: &str) -> Key {
    Key::new(b'T').bytes(b"n").bytes(name.as_bytes())
}
pub(crate) fn replacing(node: &str) -> Key {
    replacings().bytes(node.as_bytes())
}
pub(crate) fn replacings() -> Key {
    Key::new(b'T').bytes(b"r")
}
pub(crate) fn counters() -> Key {
    Key::new(b'Z')
}
