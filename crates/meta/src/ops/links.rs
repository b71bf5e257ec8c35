//! Names appear and disappear: create, link, unlink, rmdir.

use isobar_base::limits::{LINKS_MAX, SYMLINK_BYTES_MAX};
use isobar_base::{Errno, Ino, SessionId};
use isobar_wire::message::files;
use isobar_wire::message::ops::{DirChange, OpError, OpReply, OpResult, PreallocatedInode};

use super::{delegations, directories, orphans};
use crate::name;
use crate::record::{FileKind, Inode, Time};
use crate::state::State;

const S_ISGID: u32 = 0o2000;

/// What CREATE says about the inode.
pub(super) struct NewInode<'a> {
    pub(super) kind: FileKind,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) rdev: u32,
    pub(super) target: &'a [u8],
    pub(super) preallocated: Option<PreallocatedInode>,
}

pub(super) fn create(
    state: &mut State,
    session: SessionId,
    parent: Ino,
    name: &[u8],
    new: NewInode,
    exclusive: bool,
) -> OpResult {
    name::validate(name)?;
    let mut dir = delegations::dir_for(state, session, parent)?;
    if new.preallocated.is_some() && dir.delegated_to != session {
        // The delegation was revoked before this arrived: somebody else may have looked meanwhile.
        return Err(OpError::Delegated(parent));
    }
    if let Some(existing) = directories::find(state, parent, name) {
        if exclusive || new.kind != FileKind::File {
            return Err(Errno::EEXIST.into());
        }
        let inode = state.inode(existing.ino)?;
        return match inode.kind {
            FileKind::File => {
                let dir = DirChange { before: dir.version, after: dir.attr(parent) };
                Ok(OpReply::Entry { attr: inode.attr(existing.ino), created: false, dir })
            }
            FileKind::Directory => Err(Errno::EISDIR.into()),
            FileKind::Symlink
            | FileKind::Fifo
            | FileKind::Socket
            | FileKind::CharDevice
            | FileKind::BlockDevice => Err(Errno::EEXIST.into()),
        };
    }
    validate_target(&new)?;
    let (ino, now) = match new.preallocated {
        Some(preallocated) => {
            delegations::is_unused(state, preallocated.ino)?;
            (preallocated.ino, Time::named(preallocated.time)?)
        }
        None => (state.give_inos(1), state.now),
    };
    state.counters.inodes += 1;
    let mut inode = Inode::new(new.kind, state.index, now);
    inode.mode = new.mode & 0o7777;
    inode.uid = new.uid;
    inode.gid = new.gid;
    inode.size = new.target.len() as u64;
    inode.target = new.target.to_vec();
    if matches!(new.kind, FileKind::CharDevice | FileKind::BlockDevice) {
        inode.rdev = new.rdev;
    }
    if dir.mode & S_ISGID != 0 {
        inode.gid = dir.gid;
        if inode.is_dir() {
            inode.mode |= S_ISGID;
        }
    }
    if inode.is_dir() {
        inode.parent = parent;
        dir.nlink += 1;
    }
    let before = dir.version;
    directories::add(state, parent, &mut dir, name, ino, new.kind);
    dir.contents_changed(state.index, now);
    let change = DirChange { before, after: dir.attr(parent) };
    state.put_inode(parent, dir);
    let attr = inode.attr(ino);
    state.put_inode(ino, inode);
    Ok(OpReply::Entry { attr, created: true, dir: change })
}

fn validate_target(new: &NewInode) -> Result<(), Errno> {
    match new.target {
        [] if new.kind == FileKind::Symlink => Err(Errno::ENOENT),
        [] => Ok(()),
        _ if new.kind != FileKind::Symlink => Err(Errno::EINVAL),
        target if target.len() > SYMLINK_BYTES_MAX => Err(Errno::ENAMETOOLONG),
        target if target.contains(&0) => Err(Errno::EINVAL),
        _ => Ok(()),
    }
}

pub(super) fn link(state: &mut State, session: SessionId, ino: Ino, parent: Ino, name: &[u8]) -> OpResult {
    name::validate(name)?;
    let mut dir = delegations::dir_for(state, session, parent)?;
    let mut inode = state.inode(ino)?;
    if inode.is_dir() {
        return Err(Errno::EPERM.into());
    }
    if directories::find(state, parent, name).is_some() {
        return Err(Errno::EEXIST.into());
    }
    if inode.nlink == 0 {
        return Err(Errno::ENOENT.into());
    }
    if inode.nlink >= LINKS_MAX {
        return Err(Errno::EMLINK.into());
    }
    inode.nlink += 1;
    inode.changed(state.index, state.now);
    let before = dir.version;
    directories::add(state, parent, &mut dir, name, ino, inode.kind);
    dir.contents_changed(state.index, state.now);
    let change = DirChange { before, after: dir.attr(parent) };
    state.put_inode(parent, dir);
    let attr = inode.attr(ino);
    state.put_inode(ino, inode);
    Ok(OpReply::Entry { attr, created: true, dir: change })
}

pub(super) fn unlink(
    state: &mut State,
    session: SessionId,
    parent: Ino,
    name: &[u8],
    not_open_by_caller: Option<Ino>,
    at: Option<files::Time>,
) -> OpResult {
    name::validate(name)?;
    let mut dir = delegations::dir_for(state, session, parent)?;
    if at.is_some() && dir.delegated_to != session {
        return Err(OpError::Delegated(parent));
    }
    let now = at.map_or(Ok(state.now), Time::named)?;
    let entry = directories::find(state, parent, name).ok_or(Errno::ENOENT)?;
    if entry.kind == FileKind::Directory {
        return Err(Errno::EISDIR.into());
    }
    let mut inode = state.inode(entry.ino)?;
    inode.nlink -= 1;
    inode.changed(state.index, now);
    let before = dir.version;
    directories::remove(state, parent, &mut dir, name, entry);
    dir.contents_changed(state.index, now);
    let change = DirChange { before, after: dir.attr(parent) };
    state.put_inode(parent, dir);
    let attr = inode.attr(entry.ino);
    orphans::store_unlinked(state, session, entry.ino, inode, not_open_by_caller);
    Ok(OpReply::Removed { attr, dir: change })
}

pub(super) fn rmdir(state: &mut State, session: SessionId, parent: Ino, name: &[u8]) -> OpResult {
    name::validate(name)?;
    let mut dir = delegations::dir_for(state, session, parent)?;
    let entry = directories::find(state, parent, name).ok_or(Errno::ENOENT)?;
    if entry.kind != FileKind::Directory {
        return Err(Errno::ENOTDIR.into());
    }
    let mut inode = state.inode(entry.ino)?;
    delegations::check_removable(session, entry.ino, &inode)?;
    if inode.size > 0 {
        return Err(Errno::ENOTEMPTY.into());
    }
    delegations::directory_removed(state, entry.ino, &mut inode);
    inode.nlink = 0;
    inode.changed(state.index, state.now);
    let before = dir.version;
    directories::remove(state, parent, &mut dir, name, entry);
    dir.nlink -= 1;
    dir.contents_changed(state.index, state.now);
    let change = DirChange { before, after: dir.attr(parent) };
    state.put_inode(parent, dir);
    let attr = inode.attr(entry.ino);
    orphans::store_unlinked(state, session, entry.ino, inode, None);
    Ok(OpReply::Removed { attr, dir: change })
}
