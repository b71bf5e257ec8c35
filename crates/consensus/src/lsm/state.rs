//! The state in memory: overlay over frozen overlay over a cache over the tree.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use isobar_base::{Kv, KvRead, Visit};
use parking_lot::Mutex;

use super::applied::Applied;
use super::cache::{ENTRY_OVERHEAD_BYTES, ValueCache};
use super::tree::Tree;
use crate::ConsensusError;

pub(super) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Everything applied.
pub(super) struct State {
    tree: Option<Tree>,
    active: Changes,
    active_bytes: u64,
    /// What is being saved, and where the state stood at its end.
    frozen: Option<(Arc<Changes>, Applied)>,
    frozen_bytes: u64,
    cache: Mutex<ValueCache>,
    /// Set while entries are applied: a state left half applied by a panic is never saved.
    pub applying: bool,
    pub applied: Applied,
    /// Log id at the last freeze: nothing to save when `applied` still equals it.
    saved: Applied,
}

impl State {
    pub(super) fn new(tree: Tree, applied: Applied, cache_bytes: u64) -> State {
        State {
            tree: Some(tree),
            active: Changes::new(),
            active_bytes: 0,
            frozen: None,
            frozen_bytes: 0,
            applying: false,
            cache: Mutex::new(ValueCache::new(cache_bytes)),
            saved: applied.clone(),
            applied,
        }
    }

    pub(super) fn tree(&self) -> Result<Tree, ConsensusError> {
        self.tree.clone().ok_or_else(|| ConsensusError::Stopped("the state is closed".into()))
    }

    pub(super) fn dirty_bytes(&self) -> u64 {
        self.active_bytes + self.frozen_bytes
    }

    /// Moves the overlay below a new, empty one and returns what is to be saved; `None` if nothing is.
    pub(super) fn freeze(&mut self) -> Option<(Tree, Arc<Changes>, Applied)> {
        let tree = self.tree.clone()?;
        if self.applying {
            return None;
        }
        // After a failed save the same frozen overlay is tried again, with the log id it ends at.
        if self.frozen.is_none() && self.applied != self.saved {
            self.frozen = Some((Arc::new(std::mem::take(&mut self.active)), self.applied.clone()));
            self.frozen_bytes = std::mem::take(&mut self.active_bytes);
        }
        let (changes, applied) = self.frozen.clone()?;
        Some((tree, changes, applied))
    }

    /// The frozen overlay is in the tree now, which stands at `applied`.
    pub(super) fn thaw(&mut self) -> Option<Arc<Changes>> {
        let (changes, applied) = self.frozen.take()?;
        self.saved = applied;
        self.frozen_bytes = 0;
        Some(changes)
    }

    pub(super) fn close(&mut self) {
        self.tree = None;
    }

    /// The overlays' word on `key`.
    fn overlaid(&self, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.active.get(key).or_else(|| self.frozen.as_ref()?.0.get(key))
    }

    fn change(&mut self, key: &[u8], value: Option<Vec<u8>>) {
        let size = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, |v| v.len() as u64);
        self.active_bytes += size(&value);
        match self.active.get_mut(key) {
            Some(old) => {
                self.active_bytes -= size(old);
                *old = value;
            }
            None => {
                self.active_bytes += key.len() as u64 + ENTRY_OVERHEAD_BYTES;
                self.cache.get_mut().forget(key);
                self.active.insert(key.to_vec(), value);
            }
        }
    }
}

/// A failed read of the tree cannot be answered with "absent": the replica stops.
fn must<T>(result: Result<T, impl std::fmt::Display>) -> T {
    result.unwrap_or_else(|error| panic!("the checkpoint cannot be read: {error}"))
}

impl KvRead for State {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        if let Some(value) = self.overlaid(key) {
            return value.clone();
        }
        if let Some(value) = self.cache.lock().get(key) {
            return value;
        }
        let value = must(self.tree.as_ref()?.get(key));
        self.cache.lock().put(key, value.clone());
        value
    }

    fn contains(&self, key: &[u8]) -> bool {
        match self.overlaid(key) {
            Some(value) => value.is_some(),
            None => self.get(key).is_some(),
        }
    }

    fn range(&self, start: &[u8], end: &[u8], visit: &mut Visit<'_>) {
        if start >= end {
            return;
        }
        let bounds = (Bound::Included(start), Bound::Excluded(end));
        let mut active = self.active.range::<[u8], _>(bounds).peekable();
        let mut frozen = self.frozen.as_ref().map(|(f, _)| f.range::<[u8], _>(bounds).peekable());
        let mut tree =
            self.tree.as_ref().map(|t| t.range(start, end).map(|guard| must(guard.into_inner())).peekable());
        loop {
            let first = active.peek().map(|(key, _)| key.as_slice());
            let second = frozen.as_mut().and_then(|f| f.peek()).map(|(key, _)| key.as_slice());
            let third = tree.as_mut().and_then(|t| t.peek()).map(|(key, _)| &**key);
            let Some(lowest) = [first, second, third].into_iter().flatten().min() else { return };
            let (in_active, in_frozen, in_tree) =
                (first == Some(lowest), second == Some(lowest), third == Some(lowest));
            let from_active = if in_active { active.next() } else { None };
            let from_frozen = if in_frozen { frozen.as_mut().and_then(Iterator::next) } else { None };
            let from_tree = if in_tree { tree.as_mut().and_then(Iterator::next) } else { None };
            let flow = match (from_active.or(from_frozen), &from_tree) {
                (Some((key, Some(value))), _) => visit(key, value),
                (Some((_, None)), _) => ControlFlow::Continue(()),
                (None, Some((key, value))) => visit(key, value),
                (None, None) => return,
            };
            if flow.is_break() {
                return;
            }
        }
    }
}

impl Kv for State {
    fn put(&mut self, key: &[u8], value: Vec<u8>) {
        self.change(key, Some(value));
    }

    fn delete(&mut self, key: &[u8]) {
        self.change(key, None);
    }
}
