//! Questions about directories.

use std::ops::ControlFlow;

use isobar_base::limits::NAME_BYTES_MAX;
use isobar_base::{Errno, Ino, KvRead};
use isobar_wire::message::files::DirEntry;
use isobar_wire::message::queries::Answer;

use super::read::{bounded, inode};
use crate::codec::decode;
use crate::key;
use crate::record::{Inode, Listed, Name};

fn directory(kv: &dyn KvRead, ino: Ino) -> Result<Inode, Errno> {
    let dir = inode(kv, ino)?;
    if dir.is_dir() { Ok(dir) } else { Err(Errno::ENOTDIR) }
}

pub(super) fn lookup(kv: &dyn KvRead, parent: Ino, name: &[u8], neighbours: u32) -> Result<Answer, Errno> {
    let dir = directory(kv, parent)?;
    if name.len() > NAME_BYTES_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    if dir.nlink == 0 {
        // Removed: there may be another directory under its name, which has the one that is asked for.
        return Err(Errno::ESTALE);
    }
    let entry = kv.get(&key::name(parent, name)).map(|bytes| decode::<Name>(&bytes)).ok_or(Errno::ENOENT)?;
    let attr = inode(kv, entry.ino)?.attr(entry.ino);
    let neighbours = match neighbours {
        0 => Vec::new(),
        _ => entries(kv, parent, entry.cookie, bounded(neighbours))?.0,
    };
    Ok(Answer::Entry { attr, neighbours, dir_version: dir.version })
}

pub(super) fn read(kv: &dyn KvRead, ino: Ino, cookie: u64, limit: u32) -> Result<Answer, Errno> {
    let dir = directory(kv, ino)?;
    let (entries, end) = entries(kv, ino, cookie, bounded(limit))?;
    Ok(Answer::Dir { entries, end, dir_version: dir.version })
}

/// Up to `limit` entries after a cookie, and whether none follows.
fn entries(kv: &dyn KvRead, dir: Ino, cookie: u64, limit: usize) -> Result<(Vec<DirEntry>, bool), Errno> {
    let Some(first) = cookie.checked_add(1) else { return Ok((Vec::new(), true)) };
    let (mut listed, mut end) = (Vec::new(), true);
    kv.range(&key::listed(dir, first), &key::listing(dir).end(), &mut |key, value| {
        if listed.len() == limit {
            end = false;
            return ControlFlow::Break(());
        }
        listed.push((key::cookie_of(key), decode::<Listed>(value)));
        ControlFlow::Continue(())
    });
    let entry = |(cookie, listed): (u64, Listed)| {
        let attr = inode(kv, listed.ino)?.attr(listed.ino);
        Ok(DirEntry { name: listed.name, cookie, attr })
    };
    Ok((listed.into_iter().map(entry).collect::<Result<_, Errno>>()?, end))
}

pub(super) fn parent(kv: &dyn KvRead, ino: Ino) -> Result<Answer, Errno> {
    let parent = directory(kv, ino)?.parent;
    Ok(Answer::Attr(inode(kv, parent)?.attr(parent)))
}
