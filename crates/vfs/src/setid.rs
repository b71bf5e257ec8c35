//! When set-id bits go: with every write and truncation by somebody who is not root.
//!
//! Whether an open file has such bits is asked once and then remembered, as long as nobody sets any through
//! this [`SetidEpoch`]: a write that finds none costs one comparison.

use std::sync::atomic::{AtomicU64, Ordering};

use isobar_client::Attr;

use crate::credentials::Credentials;

/// Set-user-id and set-group-id.
pub(crate) const SETID_BITS: u32 = 0o6000;
const S_ISGID: u32 = 0o2000;

/// Bits of a file's mode that go when somebody writes to it, truncates it or changes its owner. Set-group-id
/// without group execution once meant mandatory locking: it stays for members of the group.
pub(crate) fn to_clear(attr: &Attr, who: &Credentials) -> u32 {
    const S_ISUID: u32 = 0o4000;
    const S_IXGRP: u32 = 0o0010;
    let group = if attr.mode & S_IXGRP == 0 { without_membership(who, attr.gid) } else { S_ISGID };
    attr.mode & (S_ISUID | group)
}

/// Bits that whoever sets permissions of a file of this group takes away: set-group-id is for its members.
pub(crate) fn without_membership(who: &Credentials, gid: u32) -> u32 {
    if who.is_root() || who.is_in(gid) { 0 } else { S_ISGID }
}

/// Rises when set-id bits are set on some inode: open files then look again before a write.
#[derive(Debug)]
pub(crate) struct SetidEpoch(AtomicU64);

/// The epoch in which an open file was seen without set-id bits; 0 for never.
#[derive(Debug)]
pub(crate) struct SeenClear(AtomicU64);

impl SetidEpoch {
    pub fn new() -> SetidEpoch {
        SetidEpoch(AtomicU64::new(1))
    }

    /// The epoch now, to be noted with [`SetidEpoch::seen`] once the attributes have been asked for.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// A mode is being set on some inode. To be called before it is.
    pub fn note_mode(&self, mode: u32) {
        if mode & SETID_BITS != 0 {
            self.0.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// For a file that is opened with these attributes.
    pub fn at_open(&self, attr: &Attr) -> SeenClear {
        SeenClear(AtomicU64::new(if attr.mode & SETID_BITS == 0 { self.now() } else { 0 }))
    }

    /// Whether an open file is known to have no set-id bits.
    pub fn is_clear(&self, seen: &SeenClear) -> bool {
        seen.0.load(Ordering::Relaxed) == self.now()
    }

    /// An open file had no set-id bits left at `epoch`.
    pub fn seen(&self, seen: &SeenClear, epoch: u64) {
        seen.0.store(epoch, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_base::Ino;
    use isobar_client::{FileKind, Time};

    #[test]
    fn set_id_bits_go_but_mandatory_locking_stays_for_the_group() {
        let of_mode = |mode| Attr { mode, gid: 20, ..Attr::new(Ino(7), FileKind::File, Time::default()) };
        let (member, other) = (Credentials::new(11, 20), Credentials::new(12, 30));
        for who in [&member, &other, &Credentials::root()] {
            assert_eq!(to_clear(&of_mode(0o4755), who), 0o4000);
            assert_eq!(to_clear(&of_mode(0o2755), who), 0o2000);
            assert_eq!(to_clear(&of_mode(0o6755), who), 0o6000);
            assert_eq!(to_clear(&of_mode(0o1777), who), 0);
        }
        assert_eq!(to_clear(&of_mode(0o6745), &member), 0o4000);
        assert_eq!(to_clear(&of_mode(0o2666), &other), 0o2000);
        assert_eq!(to_clear(&of_mode(0o2666), &Credentials::root()), 0);
    }

    #[test]
    fn a_file_looks_again_once_bits_were_set_somewhere() {
        let epoch = SetidEpoch::new();
        let plain = Attr { mode: 0o644, ..Attr::new(Ino(7), FileKind::File, Time::default()) };
        let seen = epoch.at_open(&plain);
        assert!(epoch.is_clear(&seen));
        epoch.note_mode(0o755);
        assert!(epoch.is_clear(&seen));
        epoch.note_mode(0o4755);
        assert!(!epoch.is_clear(&seen));
        let now = epoch.now();
        epoch.seen(&seen, now);
        assert!(epoch.is_clear(&seen));
        assert!(!epoch.is_clear(&epoch.at_open(&Attr { mode: 0o4755, ..plain })));
    }
}
