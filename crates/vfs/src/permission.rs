//! Who may do what, by POSIX's rules: pure functions of attributes and credentials.
//!
//! Source: POSIX.1-2017, "File Access Permissions" and the pages of chmod, chown, utimensat, unlink and
//! rename; where it leaves a choice, Linux's (`fs/attr.c`, `fs/namei.c`).

use isobar_base::Errno;
use isobar_client::{Attr, FileKind, SetAttr, SetTime};

use crate::credentials::Credentials;
use crate::setid;

/// What somebody wants to do with an inode; bits of `access(2)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access(u32);

impl Access {
    /// Read a file, or list a directory.
    pub const READ: Access = Access(4);
    /// Write a file, or change the names of a directory.
    pub const WRITE: Access = Access(2);
    /// Execute a file, or look names up in a directory.
    pub const EXECUTE: Access = Access(1);
    /// Only whether it is there.
    pub const NONE: Access = Access(0);

    /// Both.
    pub const fn and(self, other: Access) -> Access {
        Access(self.0 | other.0)
    }

    fn has(self, other: Access) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether these bits of `access(2)` are enough.
    pub(crate) fn is_within(self, granted: u32) -> bool {
        self.0 & !granted == 0
    }
}

/// Whether the caller may do something with an inode.
///
/// # Errors
/// `EACCES`.
pub fn check(who: &Credentials, attr: &Attr, wanted: Access) -> Result<(), Errno> {
    if who.is_root() {
        // Who may do everything may not execute what nobody can.
        let runs = attr.kind != FileKind::File || attr.mode & 0o111 != 0;
        return if runs || !wanted.has(Access::EXECUTE) { Ok(()) } else { Err(Errno::EACCES) };
    }
    let shift = match () {
        () if who.uid == attr.uid => 6,
        () if who.is_in(attr.gid) => 3,
        () => 0,
    };
    let granted = (attr.mode >> shift) & 0o7;
    if wanted.is_within(granted) { Ok(()) } else { Err(Errno::EACCES) }
}

/// Whether the caller may remove a name of `victim` from a directory, or replace it.
///
/// # Errors
/// `EACCES`; `EPERM` for other people's files where the directory is sticky.
pub fn check_removal(who: &Credentials, dir: &Attr, victim: &Attr) -> Result<(), Errno> {
    const STICKY: u32 = 0o1000;
    check(who, dir, Access::WRITE.and(Access::EXECUTE))?;
    let owns = who.is_root() || who.uid == dir.uid || who.uid == victim.uid;
    if dir.mode & STICKY == 0 || owns { Ok(()) } else { Err(Errno::EPERM) }
}

/// What really has to be set when the caller asks for `set`: set-id bits that the caller may not keep go.
///
/// # Errors
/// `EPERM`, or `EACCES` for what write permission would allow.
pub fn check_set(who: &Credentials, attr: &Attr, mut set: SetAttr) -> Result<SetAttr, Errno> {
    let owns = who.is_root() || who.uid == attr.uid;
    let changes_owner = set.uid.is_some() || set.gid.is_some();
    let allow = |allowed: bool, errno| if allowed { Ok(()) } else { Err(errno) };
    if let Some(uid) = set.uid {
        allow(who.is_root() || owns && uid == attr.uid, Errno::EPERM)?;
    }
    if let Some(gid) = set.gid {
        allow(who.is_root() || owns && (gid == attr.gid || who.is_in(gid)), Errno::EPERM)?;
    }
    let unmembered = setid::without_membership(who, set.gid.unwrap_or(attr.gid));
    if set.mode_clear | set.mode_set != 0 {
        allow(owns, Errno::EPERM)?;
        set.mode_set &= !unmembered;
    }
    if let Some(mode) = &mut set.mode {
        allow(owns, Errno::EPERM)?;
        *mode &= !unmembered;
    } else if changes_owner && attr.kind != FileKind::Directory {
        set.mode_clear |= setid::to_clear(attr, who);
    }
    if set.size.is_some() {
        check(who, attr, Access::WRITE)?;
    }
    for time in [set.atime, set.mtime].into_iter().flatten() {
        match time {
            SetTime::At(_) => allow(owns, Errno::EPERM)?,
            SetTime::Now if owns => {}
            SetTime::Now => check(who, attr, Access::WRITE)?,
        }
    }
    Ok(set)
}

/// Whether the caller may make a node of this kind.
///
/// # Errors
/// `EPERM` for devices.
pub fn check_kind(who: &Credentials, kind: FileKind) -> Result<(), Errno> {
    match kind {
        FileKind::CharDevice | FileKind::BlockDevice if !who.is_root() => Err(Errno::EPERM),
        FileKind::CharDevice
        | FileKind::BlockDevice
        | FileKind::File
        | FileKind::Directory
        | FileKind::Symlink
        | FileKind::Fifo
        | FileKind::Socket => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use isobar_base::Ino;
    use isobar_client::Time;

    fn attr(kind: FileKind, mode: u32, uid: u32, gid: u32) -> Attr {
        Attr { mode, uid, gid, ..Attr::new(Ino(7), kind, Time::default()) }
    }

    fn file(mode: u32) -> Attr {
        attr(FileKind::File, mode, 10, 20)
    }

    fn of_groups(uid: u32, gid: u32, groups: &[u32]) -> Credentials {
        Credentials { groups: groups.into(), ..Credentials::new(uid, gid) }
    }

    #[test]
    fn the_first_class_that_fits_decides_alone() {
        let (owner, member, other) =
            (Credentials::new(10, 99), of_groups(11, 99, &[5, 20]), Credentials::new(12, 99));
        let file = file(0o047);
        assert_eq!(check(&owner, &file, Access::READ), Err(Errno::EACCES));
        assert_eq!(check(&member, &file, Access::READ), Ok(()));
        assert_eq!(check(&member, &file, Access::WRITE), Err(Errno::EACCES));
        assert_eq!(check(&other, &file, Access::READ.and(Access::WRITE).and(Access::EXECUTE)), Ok(()));
        assert_eq!(check(&owner, &file, Access::NONE), Ok(()));
    }

    #[test]
    fn root_may_do_all_but_execute_what_nobody_can() {
        let root = Credentials::root();
        assert_eq!(check(&root, &file(0), Access::READ.and(Access::WRITE)), Ok(()));
        assert_eq!(check(&root, &file(0o600), Access::EXECUTE), Err(Errno::EACCES));
        assert_eq!(check(&root, &file(0o601), Access::EXECUTE), Ok(()));
        assert_eq!(check(&root, &attr(FileKind::Directory, 0, 1, 1), Access::EXECUTE), Ok(()));
    }

    #[test]
    fn a_sticky_directory_keeps_others_from_removing_what_is_not_theirs() {
        let tmp = attr(FileKind::Directory, 0o1777, 0, 0);
        let mine = attr(FileKind::File, 0o600, 10, 10);
        assert_eq!(check_removal(&Credentials::new(10, 10), &tmp, &mine), Ok(()));
        assert_eq!(check_removal(&Credentials::new(11, 10), &tmp, &mine), Err(Errno::EPERM));
        assert_eq!(check_removal(&Credentials::root(), &tmp, &mine), Ok(()));
        let theirs = attr(FileKind::Directory, 0o1777, 11, 0);
        assert_eq!(check_removal(&Credentials::new(11, 10), &theirs, &mine), Ok(()));
        let closed = attr(FileKind::Directory, 0o755, 0, 0);
        assert_eq!(check_removal(&Credentials::new(10, 10), &closed, &mine), Err(Errno::EACCES));
    }

    #[test]
    fn modes_and_owners_are_for_the_owner_to_change() {
        let (owner, other) = (of_groups(10, 20, &[21]), Credentials::new(11, 20));
        let set = |set: SetAttr| (check_set(&owner, &file(0o666), set), check_set(&other, &file(0o666), set));
        let mode = SetAttr { mode: Some(0o600), ..SetAttr::default() };
        assert_eq!(set(mode), (Ok(mode), Err(Errno::EPERM)));
        let to_own_group = SetAttr { gid: Some(21), ..SetAttr::default() };
        assert_eq!(set(to_own_group), (Ok(to_own_group), Err(Errno::EPERM)));
        let to_foreign_group = SetAttr { gid: Some(22), ..SetAttr::default() };
        assert_eq!(set(to_foreign_group).0, Err(Errno::EPERM));
        let given_away = SetAttr { uid: Some(11), ..SetAttr::default() };
        assert_eq!(set(given_away).0, Err(Errno::EPERM));
        assert_eq!(check_set(&Credentials::root(), &file(0o666), given_away), Ok(given_away));
    }

    #[test]
    fn times_are_set_by_the_owner_and_touched_by_writers() {
        let (writer, reader) = (Credentials::new(11, 20), Credentials::new(12, 30));
        let touch = SetAttr { mtime: Some(SetTime::Now), ..SetAttr::default() };
        let exact = SetAttr { mtime: Some(SetTime::At(Time::default())), ..SetAttr::default() };
        let file = file(0o664);
        assert_eq!(check_set(&writer, &file, touch), Ok(touch));
        assert_eq!(check_set(&writer, &file, exact), Err(Errno::EPERM));
        assert_eq!(check_set(&reader, &file, touch), Err(Errno::EACCES));
        let cut = SetAttr { size: Some(0), ..SetAttr::default() };
        assert_eq!(check_set(&writer, &file, cut), Ok(cut));
        assert_eq!(check_set(&reader, &file, cut), Err(Errno::EACCES));
    }

    #[test]
    fn set_id_bits_do_not_outlive_a_change_of_owner() {
        let to_group = SetAttr { gid: Some(20), ..SetAttr::default() };
        let cleared = SetAttr { mode_clear: 0o6000, ..to_group };
        assert_eq!(check_set(&Credentials::root(), &file(0o6755), to_group), Ok(cleared));
        let directory = attr(FileKind::Directory, 0o2755, 10, 20);
        assert_eq!(check_set(&Credentials::root(), &directory, to_group), Ok(to_group));
        let foreign = Credentials::new(10, 99);
        let setgid = SetAttr { mode: Some(0o2755), ..SetAttr::default() };
        assert_eq!(check_set(&foreign, &file(0o755), setgid).map(|set| set.mode), Ok(Some(0o755)));
    }

    #[test]
    fn single_bits_of_a_mode_are_its_owners_to_set_and_clear() {
        let (owner, other) = (Credentials::new(10, 99), Credentials::new(12, 20));
        for bits in [
            SetAttr { mode_set: 0o2010, ..SetAttr::default() },
            SetAttr { mode_clear: 0o0004, ..SetAttr::default() },
        ] {
            assert_eq!(check_set(&other, &file(0o644), bits), Err(Errno::EPERM));
            let without = SetAttr { mode_set: bits.mode_set & 0o777, ..bits };
            assert_eq!(check_set(&owner, &file(0o644), bits), Ok(without), "not of the group");
            assert_eq!(check_set(&Credentials::root(), &file(0o644), bits), Ok(bits));
        }
    }

    #[test]
    fn devices_are_roots_to_make() {
        assert_eq!(check_kind(&Credentials::new(1, 1), FileKind::BlockDevice), Err(Errno::EPERM));
        assert_eq!(check_kind(&Credentials::root(), FileKind::CharDevice), Ok(()));
        assert_eq!(check_kind(&Credentials::new(1, 1), FileKind::Fifo), Ok(()));
    }
}
