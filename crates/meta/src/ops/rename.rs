//! RENAME, as POSIX and renameat2(2) have it.

use isobar_base::{Errno, Ino, SessionId};
use isobar_wire::message::ops::{OpReply, OpResult, RenameMode};

use super::{delegations, directories, orphans};
use crate::name;
use crate::record::{FileKind, Name};
use crate::state::State;

type Place<'a> = (Ino, &'a [u8]);

pub(super) fn rename(
    state: &mut State,
    session: SessionId,
    from: Place,
    to: Place,
    mode: RenameMode,
    not_open_by_caller: Option<Ino>,
) -> OpResult {
    for (_, name) in [from, to] {
        if name == b"." || name == b".." {
            return Err(Errno::EBUSY.into());
        }
        name::validate(name)?;
    }
    delegations::dir_for(state, session, from.0)?;
    delegations::dir_for(state, session, to.0)?;
    let source = directories::find(state, from.0, from.1).ok_or(Errno::ENOENT)?;
    let target = directories::find(state, to.0, to.1);
    match (mode, target) {
        (RenameMode::NoReplace, Some(_)) => return Err(Errno::EEXIST.into()),
        (RenameMode::Exchange, None) => return Err(Errno::ENOENT.into()),
        _ => {}
    }
    if is_dir(source) && from.0 != to.0 {
        check_not_above(state, source.ino, to.0)?;
    }
    if let Some(target) = target
        && target.ino == source.ino
    {
        let attr = state.inode(source.ino)?.attr(source.ino);
        return Ok(OpReply::Renamed { attr, replaced: None });
    }
    match (mode, target) {
        (RenameMode::Exchange, Some(target)) => {
            if is_dir(target) && from.0 != to.0 {
                check_not_above(state, target.ino, from.0)?;
            }
            exchange(state, from, source, to, target)
        }
        _ => replace(state, session, from, source, to, target, not_open_by_caller),
    }
}

fn is_dir(entry: Name) -> bool {
    entry.kind == FileKind::Directory
}

/// EINVAL when directory `above` is `dir` or contains it.
fn check_not_above(state: &mut State, above: Ino, dir: Ino) -> Result<(), Errno> {
    let mut at = dir;
    loop {
        if at == above {
            return Err(Errno::EINVAL);
        }
        if at == Ino::top(state.group) {
            return Ok(());
        }
        at = state.inode(at)?.parent;
    }
}

fn replace(
    state: &mut State,
    session: SessionId,
    from: Place,
    source: Name,
    to: Place,
    target: Option<Name>,
    not_open_by_caller: Option<Ino>,
) -> OpResult {
    let (index, now) = (state.index, state.now);
    let mut replaced = None;
    if let Some(target) = target {
        match (is_dir(source), is_dir(target)) {
            (true, false) => return Err(Errno::ENOTDIR.into()),
            (false, true) => return Err(Errno::EISDIR.into()),
            _ => {}
        }
        let mut inode = state.inode(target.ino)?;
        delegations::check_removable(session, target.ino, &inode)?;
        if is_dir(target) && inode.size > 0 {
            return Err(Errno::ENOTEMPTY.into());
        }
        delegations::directory_removed(state, target.ino, &mut inode);
        inode.nlink = if is_dir(target) { 0 } else { inode.nlink - 1 };
        inode.changed(index, now);
        replaced = Some((target, inode));
    }
    let mut moved = state.inode(source.ino)?;
    moved.changed(index, now);

    let mut dir = state.dir(from.0)?;
    directories::remove(state, from.0, &mut dir, from.1, source);
    if is_dir(source) {
        dir.nlink -= 1;
    }
    if from.0 != to.0 {
        dir.contents_changed(index, now);
        state.put_inode(from.0, dir);
        dir = state.dir(to.0)?;
    }
    if let Some((target, _)) = &replaced {
        directories::remove(state, to.0, &mut dir, to.1, *target);
        if is_dir(*target) {
            dir.nlink -= 1;
        }
    }
    // A new cookie: whoever lists the directory meanwhile may see the inode twice, but never misses it.
    directories::add(state, to.0, &mut dir, to.1, source.ino, source.kind);
    if is_dir(source) {
        dir.nlink += 1;
        moved.parent = to.0;
    }
    dir.contents_changed(index, now);
    state.put_inode(to.0, dir);
    let attr = moved.attr(source.ino);
    state.put_inode(source.ino, moved);
    let replaced = replaced.map(|(target, inode)| {
        let attr = inode.attr(target.ino);
        let not_open_by_caller = not_open_by_caller.filter(|_| !is_dir(target));
        orphans::store_unlinked(state, session, target.ino, inode, not_open_by_caller);
        attr
    });
    Ok(OpReply::Renamed { attr, replaced })
}

fn exchange(state: &mut State, from: Place, source: Name, to: Place, target: Name) -> OpResult {
    let (index, now) = (state.index, state.now);
    let (mut a, mut b) = (state.inode(source.ino)?, state.inode(target.ino)?);
    directories::set(state, from.0, from.1, Name { cookie: source.cookie, ..target });
    directories::set(state, to.0, to.1, Name { cookie: target.cookie, ..source });
    a.changed(index, now);
    b.changed(index, now);
    if a.is_dir() {
        a.parent = to.0;
    }
    if b.is_dir() {
        b.parent = from.0;
    }
    let attr = a.attr(source.ino);
    // Neither is a parent of the other: the descendant checks came first. So the parents are others.
    state.put_inode(source.ino, a);
    state.put_inode(target.ino, b);
    let mut dir = state.dir(from.0)?;
    if from.0 != to.0 {
        let gained = u32::from(is_dir(target));
        let lost = u32::from(is_dir(source));
        dir.nlink = dir.nlink + gained - lost;
        dir.contents_changed(index, now);
        state.put_inode(from.0, dir);
        dir = state.dir(to.0)?;
        dir.nlink = dir.nlink + lost - gained;
    }
    dir.contents_changed(index, now);
    state.put_inode(to.0, dir);
    Ok(OpReply::Renamed { attr, replaced: None })
}
