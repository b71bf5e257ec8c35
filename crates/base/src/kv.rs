//! Ordered keys and values: what the state machine reads and writes, and what consensus stores.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::crc32c;

/// Called with each key and value of a range; says whether to go on.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Read access to ordered keys.
pub trait KvRead {
    /// The value of `key`, if present.
    fn get(&self, key: &[u8]) -> Option<Vec<u8>>;

    /// Calls `visit(key, value)` for every key in `[start, end)`, in order, until it breaks.
    fn range(&self, start: &[u8], end: &[u8], visit: &mut Visit<'_>);

    /// Whether `key` is present.
    fn contains(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }
}

/// Read and write access to ordered keys. All changes of one log entry become durable together.
pub trait Kv: KvRead {
    /// Sets `key` to `value`.
    fn put(&mut self, key: &[u8], value: Vec<u8>);

    /// Removes `key`; a missing key is not an error.
    fn delete(&mut self, key: &[u8]);
}

/// Keys and values in memory, for tests and simulation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryKv(pub BTreeMap<Vec<u8>, Vec<u8>>);

impl KvRead for MemoryKv {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }

    fn range(&self, start: &[u8], end: &[u8], visit: &mut Visit<'_>) {
        if start >= end {
            return;
        }
        for (key, value) in
            self.0.range::<[u8], _>((std::ops::Bound::Included(start), std::ops::Bound::Excluded(end)))
        {
            if visit(key, value).is_break() {
                return;
            }
        }
    }
}

impl Kv for MemoryKv {
    fn put(&mut self, key: &[u8], value: Vec<u8>) {
        self.0.insert(key.to_vec(), value);
    }

    fn delete(&mut self, key: &[u8]) {
        self.0.remove(key);
    }
}

/// Hash of everything in `kv`: equal states have equal hashes on every replica (I11).
pub fn state_hash(kv: &dyn KvRead) -> u64 {
    let (mut low, mut high) = (0u32, 0u32);
    kv.range(&[], &[0xff; 64], &mut |key, value| {
        let pair = [low.to_le_bytes(), crc32c(key).to_le_bytes(), crc32c(value).to_le_bytes()].concat();
        low = crc32c(&pair);
        let lengths = [high, key.len() as u32, value.len() as u32, low].map(u32::to_le_bytes).concat();
        high = crc32c(&lengths);
        ControlFlow::Continue(())
    });
    u64::from(high) << 32 | u64::from(low)
}
