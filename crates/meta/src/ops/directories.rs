//! Entries of directories: the `D` and `C` keys, and the counts in the directory's inode.

use isobar_base::Ino;

use crate::codec::{decode, encode};
use crate::key;
use crate::record::{FileKind, Inode, Name};
use crate::state::State;

/// [`crate::record::Listed`] without owning the name.
#[derive(serde::Serialize)]
struct ListedRef<'a> {
    ino: Ino,
    kind: FileKind,
    name: &'a [u8],
}

pub(super) fn find(state: &State, dir: Ino, name: &[u8]) -> Option<Name> {
    state.kv.get(&key::name(dir, name)).map(|bytes| decode(&bytes))
}

/// Adds an entry under a new cookie. `inode` is the directory's; the caller stores it.
pub(super) fn add(state: &mut State, dir: Ino, inode: &mut Inode, name: &[u8], ino: Ino, kind: FileKind) {
    let cookie = inode.next_cookie;
    inode.next_cookie += 1;
    inode.size += 1;
    set(state, dir, name, Name { cookie, ino, kind });
}

/// Writes both sides of an entry.
pub(super) fn set(state: &mut State, dir: Ino, name: &[u8], entry: Name) {
    let Name { cookie, ino, kind } = entry;
    state.kv.put(&key::name(dir, name), encode(&entry));
    state.kv.put(&key::listed(dir, cookie), encode(&ListedRef { ino, kind, name }));
}

/// Removes an entry. `inode` is the directory's; the caller stores it.
pub(super) fn remove(state: &mut State, dir: Ino, inode: &mut Inode, name: &[u8], entry: Name) {
    state.kv.delete(&key::name(dir, name));
    state.kv.delete(&key::listed(dir, entry.cookie));
    inode.size -= 1;
}
