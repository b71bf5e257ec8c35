//! Verifies every cross-reference in the state: for `fsck` and for tests. Reads everything.
//!
//! [`names`] checks names against inodes, [`ledgers`] extents against segments and queues, [`claims`]
//! sessions, replies, orphans and locks, [`cluster`] targets against placement groups. Sums are counted
//! anew and compared with the counters.

mod claims;
mod cluster;
mod ledgers;
mod names;
mod walk;

use std::collections::BTreeMap;

use isobar_base::{Ino, KvRead};

pub use walk::Finding;

use crate::codec::decode;
use crate::key;
use crate::record::{Counters, Inode};
use walk::Walk;

/// Checks the whole state; nothing found means that every reference leads somewhere and every sum holds.
///
/// # Panics
/// When a value cannot be decoded at all.
pub fn check(kv: &dyn KvRead) -> Vec<Finding> {
    let mut walk = Walk { kv, inodes: BTreeMap::new(), findings: Vec::new() };
    let mut inodes = BTreeMap::new();
    walk.scan(b'I', |_, key, value| {
        inodes.insert(key::ino_of(key), decode::<Inode>(value));
    });
    walk.inodes = inodes;
    let counters: Counters = kv.get(&key::counters()).map(|bytes| decode(&bytes)).unwrap_or_default();
    names::check(&mut walk, Ino::top(counters.last_ino.group()));
    let sums = ledgers::check(&mut walk);
    claims::check(&mut walk, &counters);
    let targets = cluster::check(&mut walk);
    let last_ino = walk.inodes.keys().next_back().copied().unwrap_or_default();
    let counted = Counters {
        inodes: walk.inodes.len() as u64,
        targets,
        last_ino: counters.last_ino.max(last_ino),
        last_session: counters.last_session,
        last_node: counters.last_node,
        ..sums
    };
    walk.equal("counters", "sums", &counters, &counted);
    walk.findings
}
