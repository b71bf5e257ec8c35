//! Verifies every cross-reference in the state: for `fsck` and for tests. Reads everything.
//!
//! [`names`] checks names against inodes, [`ledgers`] extents against segments and queues, [`claims`]
//! sessions, replies, orphans and locks, [`cluster`] targets against placement groups. Sums are counted
//! anew and compared with the counters.

mod claims;
mod cluster;
mod ledgers;
mod names;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;

use isobar_base::{Ino, KvRead};

use crate::codec::decode;
use crate::key::{self, Key};
use crate::record::{Counters, Inode};

/// Something in the state that contradicts something else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What it is about, such as `inode 7`.
    pub subject: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.problem)
    }
}

/// Checks the whole state; nothing found means that every reference leads somewhere and every sum holds.
///
/// # Panics
/// When a value cannot be decoded at all.
pub fn check(kv: &dyn KvRead) -> Vec<Finding> {
    let mut walk = Walk { kv, inodes: BTreeMap::new(), findings: Vec::new() };
    let mut inodes = BTreeMap::new();
    walk.scan(b'I', |_, key, value| {
        inodes.insert(Ino(key::number_at(key, 1)), decode::<Inode>(value));
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

/// The state and what was found so far.
struct Walk<'a> {
    kv: &'a dyn KvRead,
    inodes: BTreeMap<Ino, Inode>,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn found(&mut self, subject: impl ToString, problem: impl ToString) {
        self.findings.push(Finding { subject: subject.to_string(), problem: problem.to_string() });
    }

    fn expect(&mut self, holds: bool, subject: impl ToString, problem: impl ToString) {
        if !holds {
            self.found(subject, problem);
        }
    }

    fn equal<T: PartialEq + fmt::Debug>(&mut self, subject: impl ToString, what: &str, is: &T, should: &T) {
        if is != should {
            self.found(subject, format!("{what} {is:?}, should be {should:?}"));
        }
    }

    /// Visits all keys of a letter.
    fn scan(&mut self, letter: u8, mut visit: impl FnMut(&mut Self, &[u8], &[u8])) {
        let (kv, start) = (self.kv, Key::new(letter));
        kv.range(&start, &start.clone().end(), &mut |key, value| {
            visit(self, key, value);
            ControlFlow::Continue(())
        });
    }
}
