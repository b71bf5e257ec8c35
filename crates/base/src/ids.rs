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
    /// Inode number: metadata group in the upper 16 bits, counter in the lower 48. Never reused.
    Ino(u64), "{}"
);
id!(
    /// One client mount's session, granted by the log: the log index of its grant. Never reused.
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

impl Ino {
    /// The root directory of metadata group 0.
    pub const ROOT: Ino = Ino(1);

    /// The metadata group the inode lives in.
    pub fn group(self) -> u16 {
        (self.0 >> 48) as u16
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
