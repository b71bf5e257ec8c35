//! Names, cookies, link counts, directories and attributes by name.

use std::collections::{BTreeMap, BTreeSet};

use isobar_base::Ino;

use super::walk::Walk;
use crate::codec::decode;
use crate::key;
use crate::record::{FileKind, Listed, Name};

/// `top` is the directory above all others.
pub(super) fn check(walk: &mut Walk, top: Ino) {
    let mut links: BTreeMap<Ino, u32> = BTreeMap::new();
    let mut subdirs: BTreeMap<Ino, u32> = BTreeMap::new();
    let mut sizes: BTreeMap<Ino, u64> = BTreeMap::new();
    let mut children: BTreeMap<Ino, Vec<Ino>> = BTreeMap::new();
    walk.scan(b'D', |walk, key, value| {
        let (dir, name) = (key::ino_of(key), key::name_of(key));
        let entry: Name = decode(value);
        let subject = format!("name {:?} in {dir}", String::from_utf8_lossy(name));
        *sizes.entry(dir).or_default() += 1;
        *links.entry(entry.ino).or_default() += 1;
        children.entry(dir).or_default().push(entry.ino);
        let listed = walk.kv.get(&key::listed(dir, entry.cookie)).map(|bytes| decode::<Listed>(&bytes));
        let expected = Listed { ino: entry.ino, kind: entry.kind, name: name.to_vec() };
        walk.expect(listed == Some(expected), &subject, "is not listed under its cookie");
        match walk.inodes.get(&entry.ino).map(|inode| (inode.kind, inode.parent)) {
            None => walk.found(&subject, format!("leads to inode {}, which is not there", entry.ino)),
            Some((kind, parent)) => {
                walk.equal(&subject, "kind", &entry.kind, &kind);
                if kind == FileKind::Directory {
                    *subdirs.entry(dir).or_default() += 1;
                    walk.equal(&subject, "parent of the directory", &parent, &dir);
                }
            }
        }
    });
    walk.scan(b'C', |walk, key, value| {
        let (dir, cookie) = (key::ino_of(key), key::cookie_of(key));
        let listed: Listed = decode(value);
        let name = walk.kv.get(&key::name(dir, &listed.name)).map(|bytes| decode::<Name>(&bytes));
        let fits = name == Some(Name { cookie, ino: listed.ino, kind: listed.kind });
        let next = walk.inodes.get(&dir).map_or(0, |inode| inode.next_cookie);
        walk.expect(fits && cookie < next, format!("cookie {cookie} in {dir}"), "does not fit the name");
    });
    let mut xattr_bytes: BTreeMap<Ino, u64> = BTreeMap::new();
    walk.scan(b'A', |walk, key, value| {
        let ino = key::ino_of(key);
        *xattr_bytes.entry(ino).or_default() += (key::name_of(key).len() + value.len()) as u64;
        walk.expect(walk.inodes.contains_key(&ino), format!("attribute of inode {ino}"), "has no inode");
    });

    let mut reached = BTreeSet::new();
    let mut to_visit = vec![top];
    while let Some(ino) = to_visit.pop() {
        if reached.insert(ino) {
            to_visit.extend(children.get(&ino).into_iter().flatten());
        }
    }
    for (ino, inode) in walk.inodes.clone() {
        let subject = format!("inode {ino}");
        let names = links.get(&ino).copied().unwrap_or(0);
        let named = names > 0 || ino == top;
        walk.expect(!named || reached.contains(&ino), &subject, "cannot be reached from the root");
        if inode.is_dir() {
            let subdirs = subdirs.get(&ino).copied().unwrap_or(0);
            let nlink = if named { 2 + subdirs } else { 0 };
            walk.equal(&subject, "nlink", &inode.nlink, &nlink);
            walk.equal(&subject, "entries", &inode.size, &sizes.get(&ino).copied().unwrap_or(0));
            walk.expect(names <= 1, &subject, "is a directory with several names");
        } else {
            walk.equal(&subject, "nlink", &inode.nlink, &names);
            walk.expect(!sizes.contains_key(&ino), &subject, "has entries and is no directory");
        }
        if inode.kind == FileKind::Symlink {
            walk.equal(&subject, "size", &inode.size, &(inode.target.len() as u64));
        }
        let bytes = xattr_bytes.get(&ino).copied().unwrap_or(0);
        walk.equal(&subject, "bytes of attributes by name", &u64::from(inode.xattr_bytes), &bytes);
    }
}
