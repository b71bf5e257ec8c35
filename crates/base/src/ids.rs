//! Identities. All are plain integers with a type, ordered, and printed the same way everywhere.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($int:ty), $format:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
        pub struct $name(pub $int);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $format, self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "(", $format, ")"), self.0)
            }
        }
    };
}

id!(
    /// A metadata group: voters with a log and a state of their own. What it gives an id to carries its
    /// number.
    GroupId(u16), "{}"
);
id!(
    /// Inode number: metadata group in the upper 16 bits, counter in the lower 48. Never reused.
    Ino(u64), "{}"
);
id!(
    /// One client mount's session, granted by the log: metadata group in the upper 16 bits, log index of the
    /// grant in the lower 48. Never reused.
    SessionId(u64), "{}"
);
id!(
    /// Random identity of one formatted storage target (one device). A blank device is a new target.
    TargetId(u64), "{:016x}"
);
id!(
    /// Identity of a cluster, drawn once by `isobar init`.
    ClusterId(u64), "{:016x}"
);
id!(
    /// A placement group's number within its file system.
    PgId(u32), "{}"
);

/// Bits below the group's in an id that carries one.
const NUMBER_BITS: u32 = 48;
/// The largest number that a group gives.
const NUMBER_MAX: u64 = (1 << NUMBER_BITS) - 1;

/// A group's `number` with its group.
const fn in_group(group: GroupId, number: u64) -> u64 {
    assert!(number <= NUMBER_MAX, "a metadata group has no ids left");
    (group.0 as u64) << NUMBER_BITS | number
}

impl GroupId {
    /// The group that has the root directory, the cluster map and the sessions.
    pub const ROOT: GroupId = GroupId(0);
}

impl Ino {
    /// The root directory.
    pub const ROOT: Ino = Ino::top(GroupId::ROOT);

    /// An inode of a group.
    ///
    /// # Panics
    /// When `number` has more than 48 bits.
    pub const fn new(group: GroupId, number: u64) -> Ino {
        Ino(in_group(group, number))
    }

    /// The first inode of a group: a directory, above all others that the group has.
    pub const fn top(group: GroupId) -> Ino {
        Ino::new(group, 1)
    }

    /// The metadata group the inode lives in.
    pub const fn group(self) -> GroupId {
        GroupId((self.0 >> NUMBER_BITS) as u16)
    }

    /// Its number within the group.
    pub const fn number(self) -> u64 {
        self.0 & NUMBER_MAX
    }
}

impl SessionId {
    /// No session: who asks for what is harmless to repeat, and who holds what nobody holds.
    pub const NOBODY: SessionId = SessionId(0);

    /// The session that a group granted at a log index.
    ///
    /// # Panics
    /// When `index` has more than 48 bits.
    pub const fn new(group: GroupId, index: u64) -> SessionId {
        SessionId(in_group(group, index))
    }

    /// The metadata group that granted it.
    pub const fn group(self) -> GroupId {
        GroupId((self.0 >> NUMBER_BITS) as u16)
    }

    /// The log index of its grant. The second and later grants of one entry have the next free numbers.
    pub const fn index(self) -> u64 {
        self.0 & NUMBER_MAX
    }
}

/// Identity of a segment: the session that wrote it and that session's counter. Never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct SegmentId {
    /// The session that wrote the segment.
    pub session: SessionId,
    /// The session's counter, rising from 1.
    pub counter: u64,
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.session, self.counter)
    }
}

impl fmt::Debug for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SegmentId({self})")
    }
}

/// A random non-zero 64-bit number from the operating system, for identities and nonces.
///
/// # Panics
/// When the operating system has no randomness to give: no identity can be made then.
pub fn random_u64() -> u64 {
    loop {
        let mut bytes = [0u8; 8];
        getrandom::fill(&mut bytes)
            .unwrap_or_else(|e| panic!("the operating system gave no randomness: {e}"));
        let number = u64::from_le_bytes(bytes);
        if number != 0 {
            return number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_their_group() {
        let (group, last) = (GroupId(3), NUMBER_MAX);
        assert_eq!((Ino::new(group, last).group(), Ino::new(group, last).number()), (group, last));
        assert_eq!((SessionId::new(group, 7).group(), SessionId::new(group, 7).index()), (group, 7));
        assert_ne!(SessionId::new(group, 7), SessionId::new(GroupId::ROOT, 7));
        assert_eq!((Ino::ROOT, Ino::ROOT.group()), (Ino(1), GroupId::ROOT));
        assert_eq!(SessionId::NOBODY, SessionId::new(GroupId::ROOT, 0));
    }

    #[test]
    #[should_panic(expected = "no ids left")]
    fn a_number_that_does_not_fit_stops_whoever_gives_it() {
        let _ = SessionId::new(GroupId(1), 1 << NUMBER_BITS);
    }
}
