//! Clean values of the tree, kept in memory.

use std::collections::HashMap;

/// Bytes one key costs in memory beside itself and its value.
pub(super) const ENTRY_OVERHEAD_BYTES: u64 = 64;

/// Clean values, present and absent, in two generations: one half of the bound is filled while the other
/// half still answers and is then dropped whole.
#[derive(Default)]
pub(super) struct ValueCache {
    young: HashMap<Box<[u8]>, Option<Vec<u8>>>,
    old: HashMap<Box<[u8]>, Option<Vec<u8>>>,
    young_bytes: u64,
    generation_bytes_max: u64,
}

impl ValueCache {
    /// A cache of at most `bytes_max` bytes of keys and values.
    pub(super) fn new(bytes_max: u64) -> ValueCache {
        ValueCache { generation_bytes_max: bytes_max / 2, ..ValueCache::default() }
    }

    /// The value of `key`, `Some(None)` when it is known to be absent; `None` when nothing is known.
    pub(super) fn get(&mut self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (_, value) = self.old.remove_entry(key)?;
        self.put(key, value.clone());
        Some(value)
    }

    /// Remembers what the tree says about `key`.
    pub(super) fn put(&mut self, key: &[u8], value: Option<Vec<u8>>) {
        self.young_bytes += (key.len() + value.as_ref().map_or(0, Vec::len)) as u64 + ENTRY_OVERHEAD_BYTES;
        self.young.insert(key.into(), value);
        if self.young_bytes > self.generation_bytes_max {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }

    /// Forgets `key`, whose value changes.
    pub(super) fn forget(&mut self, key: &[u8]) {
        // The bytes stay counted until the generation ends.
        self.young.remove(key);
        self.old.remove(key);
    }
}
