//! Fragments that were found damaged and have not been written again or removed since.

use std::collections::BTreeSet;

use isobar_base::FragmentKey;

use crate::limits::DAMAGED_MAX;

/// A set of damaged fragments. Beyond a bound further ones are not counted: the device is beyond help by
/// then.
#[derive(Debug, Default)]
pub(crate) struct Damaged(BTreeSet<FragmentKey>);

impl Damaged {
    pub(crate) fn insert(&mut self, key: FragmentKey) {
        if self.0.len() < DAMAGED_MAX {
            self.0.insert(key);
        }
    }

    /// The fragment is gone, or its bytes are right again.
    pub(crate) fn remove(&mut self, key: &FragmentKey) {
        self.0.remove(key);
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len() as u64
    }
}
