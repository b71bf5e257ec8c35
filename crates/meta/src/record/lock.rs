//! Locks.

use isobar_base::SessionId;
use isobar_wire::message::files;
use serde::{Deserialize, Serialize};

/// Which of the two lock families.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) enum LockFamily {
    Posix,
    Flock,
}

/// What is held, or asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum LockKind {
    Read,
    Write,
    /// Only asked for.
    Unlock,
}

/// A lock, held or asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Lock {
    pub(crate) family: LockFamily,
    pub(crate) kind: LockKind,
    pub(crate) start: u64,
    /// The last byte.
    pub(crate) end: u64,
    pub(crate) session: SessionId,
    pub(crate) owner: u64,
    pub(crate) pid: u32,
}

impl From<files::Lock> for Lock {
    fn from(lock: files::Lock) -> Lock {
        let files::Lock { family, kind, start, end, session, owner, pid } = lock;
        let family = match family {
            files::LockFamily::Posix => LockFamily::Posix,
            files::LockFamily::Flock => LockFamily::Flock,
        };
        let kind = match kind {
            files::LockKind::Read => LockKind::Read,
            files::LockKind::Write => LockKind::Write,
            files::LockKind::Unlock => LockKind::Unlock,
        };
        Lock { family, kind, start, end, session, owner, pid }
    }
}

impl From<Lock> for files::Lock {
    fn from(lock: Lock) -> files::Lock {
        let Lock { family, kind, start, end, session, owner, pid } = lock;
        let family = match family {
            LockFamily::Posix => files::LockFamily::Posix,
            LockFamily::Flock => files::LockFamily::Flock,
        };
        let kind = match kind {
            LockKind::Read => files::LockKind::Read,
            LockKind::Write => files::LockKind::Write,
            LockKind::Unlock => files::LockKind::Unlock,
        };
        files::Lock { family, kind, start, end, session, owner, pid }
    }
}
