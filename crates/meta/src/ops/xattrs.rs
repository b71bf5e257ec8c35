//! Extended attributes.

use isobar_base::limits::{XATTR_TOTAL_BYTES_MAX, XATTR_VALUE_BYTES_MAX};
use isobar_base::{Errno, Ino};
use isobar_wire::message::ops::{OpReply, OpResult, XattrMode};

use crate::key;
use crate::name;
use crate::state::State;

pub(super) fn set(state: &mut State, ino: Ino, name: &[u8], value: &[u8], mode: XattrMode) -> OpResult {
    name::validate_xattr(name)?;
    if value.len() > XATTR_VALUE_BYTES_MAX {
        return Err(Errno::E2BIG.into());
    }
    let mut inode = state.inode(ino)?;
    let key = key::xattr(ino, name);
    let old = state.kv.get(&key);
    match (mode, &old) {
        (XattrMode::Create, Some(_)) => return Err(Errno::EEXIST.into()),
        (XattrMode::Replace, None) => return Err(Errno::ENODATA.into()),
        _ => {}
    }
    let before = old.map_or(0, |old| name.len() + old.len());
    let total = inode.xattr_bytes as usize - before + name.len() + value.len();
    if total > XATTR_TOTAL_BYTES_MAX {
        return Err(Errno::ENOSPC.into());
    }
    inode.xattr_bytes = total as u32;
    inode.changed(state.index, state.now);
    let attr = inode.attr(ino);
    state.put_inode(ino, inode);
    state.kv.put(&key, value.to_vec());
    Ok(OpReply::Attr(attr))
}

pub(super) fn remove(state: &mut State, ino: Ino, name: &[u8]) -> OpResult {
    name::validate_xattr(name)?;
    let mut inode = state.inode(ino)?;
    let key = key::xattr(ino, name);
    let old = state.kv.get(&key).ok_or(Errno::ENODATA)?;
    inode.xattr_bytes -= (name.len() + old.len()) as u32;
    inode.changed(state.index, state.now);
    let attr = inode.attr(ino);
    state.put_inode(ino, inode);
    state.kv.delete(&key);
    Ok(OpReply::Attr(attr))
}
