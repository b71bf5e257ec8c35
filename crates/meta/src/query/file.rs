//! Questions about what is in an inode.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use isobar_base::limits::EXTENTS_PER_MESSAGE_MAX;
use isobar_base::{Errno, Ino, KvRead};
use isobar_wire::message::files::{Lock, Map};
use isobar_wire::message::queries::Answer;

use super::read::inode;
use crate::codec::decode;
use crate::key;
use crate::ledger::{self, Extent};
use crate::limits::MAP_NODES_MAX;
use crate::name;
use crate::ops::locks;
use crate::record::{FileKind, Segment, Source};

pub(super) fn read_link(kv: &dyn KvRead, ino: Ino) -> Result<Answer, Errno> {
    let inode = inode(kv, ino)?;
    if inode.kind == FileKind::Symlink { Ok(Answer::Bytes(inode.target)) } else { Err(Errno::EINVAL) }
}

pub(super) fn get_xattr(kv: &dyn KvRead, ino: Ino, name: &[u8]) -> Result<Answer, Errno> {
    name::validate_xattr(name)?;
    inode(kv, ino)?;
    kv.get(&key::xattr(ino, name)).map(Answer::Bytes).ok_or(Errno::ENODATA)
}

pub(super) fn list_xattr(kv: &dyn KvRead, ino: Ino) -> Result<Answer, Errno> {
    let mut names = Vec::new();
    if inode(kv, ino)?.xattr_bytes > 0 {
        let prefix = key::xattrs(ino);
        kv.range(&prefix, &prefix.clone().end(), &mut |key, _| {
            names.push(key[prefix.len()..].to_vec());
            ControlFlow::Continue(())
        });
    }
    Ok(Answer::Names(names))
}

pub(super) fn map(kv: &dyn KvRead, ino: Ino, offset: u64, len: u64) -> Result<Answer, Errno> {
    let inode = inode(kv, ino)?;
    inode.check_is_file()?;
    let mut extents: Vec<Extent> = Vec::new();
    let mut complete_to = u64::MAX;
    if inode.extents > 0 {
        let to = offset.saturating_add(len).min(inode.size);
        let unseen = ledger::visit(kv, (ino, &inode.cuts), (offset, to), MAP_NODES_MAX, &mut |extent| {
            let next = extent.offset;
            ledger::push_joined(&mut extents, extent);
            if extents.len() > EXTENTS_PER_MESSAGE_MAX {
                extents.pop();
                complete_to = next;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        complete_to = unseen.unwrap_or(complete_to);
    }
    let ids: BTreeSet<_> = extents
        .iter()
        .filter_map(|extent| match extent.source {
            Source::Segment { id, .. } => Some(id),
            Source::Inline(_) => None,
        })
        .collect();
    let segment = |id| match kv.get(&key::segment(id)) {
        Some(bytes) => decode::<Segment>(&bytes).wire(id),
        None => panic!("I6: extents of inode {ino} name segment {id}, which is not there"),
    };
    let segments = ids.into_iter().map(segment).collect();
    let extents = extents.into_iter().map(Extent::wire).collect();
    Ok(Answer::Map(Map { attr: inode.attr(ino), extents, segments, complete_to }))
}

pub(super) fn test_lock(kv: &dyn KvRead, ino: Ino, lock: Lock) -> Result<Answer, Errno> {
    let wanted = locks::normal(lock.into(), lock.session)?;
    inode(kv, ino)?;
    Ok(Answer::Lock(locks::conflict(&locks::held(kv, ino), &wanted).map(Into::into)))
}
