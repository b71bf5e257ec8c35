//! The walk over the state that all checks share, and what they find.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;

use isobar_base::{Ino, KvRead};

use crate::key::Key;
use crate::record::Inode;

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

/// The state and what was found so far.
pub(super) struct Walk<'a> {
    pub(super) kv: &'a dyn KvRead,
    pub(super) inodes: BTreeMap<Ino, Inode>,
    pub(super) findings: Vec<Finding>,
}

impl Walk<'_> {
    pub(super) fn found(&mut self, subject: impl ToString, problem: impl ToString) {
        self.findings.push(Finding { subject: subject.to_string(), problem: problem.to_string() });
    }

    pub(super) fn expect(&mut self, holds: bool, subject: impl ToString, problem: impl ToString) {
        if !holds {
            self.found(subject, problem);
        }
    }

    pub(super) fn equal<T: PartialEq + fmt::Debug>(
        &mut self,
        subject: impl ToString,
        what: &str,
        is: &T,
        should: &T,
    ) {
        if is != should {
            self.found(subject, format!("{what} {is:?}, should be {should:?}"));
        }
    }

    /// Visits all keys of a letter.
    pub(super) fn scan(&mut self, letter: u8, mut visit: impl FnMut(&mut Self, &[u8], &[u8])) {
        let (kv, start) = (self.kv, Key::new(letter));
        kv.range(&start, &start.clone().end(), &mut |key, value| {
            visit(self, key, value);
            ControlFlow::Continue(())
        });
    }
}
