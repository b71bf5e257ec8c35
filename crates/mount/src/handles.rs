//! Open files and directories by the number the kernel knows them by.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use parking_lot::{Mutex, RwLock};

/// Shards of a table: opens and closes lock one of them, reads and writes share it.
const SHARDS: usize = 64;

/// Handles of one kind. A handle is `slot * SHARDS + shard`; slots are reused after release, when the
/// kernel has forgotten the number.
pub struct Handles<T> {
    shards: [RwLock<Slots<T>>; SHARDS],
    next: AtomicUsize,
}

struct Slots<T> {
    used: Vec<Option<Arc<T>>>,
    free: Vec<usize>,
}

impl<T> Handles<T> {
    /// An empty table.
    pub fn new() -> Self {
        Handles {
            shards: std::array::from_fn(|_| RwLock::new(Slots { used: Vec::new(), free: Vec::new() })),
            next: AtomicUsize::new(0),
        }
    }

    /// Adds; gives the handle.
    pub fn insert(&self, value: T) -> u64 {
        let value = Some(Arc::new(value));
        let shard = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % SHARDS;
        let mut slots = self.shards[shard].write();
        let slot = match slots.free.pop() {
            Some(slot) => {
                slots.used[slot] = value;
                slot
            }
            None => {
                slots.used.push(value);
                slots.used.len() - 1
            }
        };
        (slot * SHARDS + shard) as u64
    }

    /// The one behind a handle.
    pub fn get(&self, handle: u64) -> Option<Arc<T>> {
        let (shard, slot) = place(handle);
        self.shards[shard].read().used.get(slot)?.clone()
    }

    /// Takes the one behind a handle out.
    pub fn remove(&self, handle: u64) -> Option<Arc<T>> {
        let (shard, slot) = place(handle);
        let mut slots = self.shards[shard].write();
        let value = slots.used.get_mut(slot)?.take()?;
        slots.free.push(slot);
        Some(value)
    }
}

fn place(handle: u64) -> (usize, usize) {
    (handle as usize % SHARDS, handle as usize / SHARDS)
}

/// An open file as the kernel knows it.
pub struct File {
    /// The file.
    pub open: isobar_vfs::File,
    /// Owners that took locks through this handle and have not closed since.
    lock_owners: Mutex<Vec<u64>>,
}

impl File {
    /// A file that was just opened.
    pub fn new(open: isobar_vfs::File) -> Self {
        File { open, lock_owners: Mutex::new(Vec::new()) }
    }

    /// Remembers that an owner took a lock through this handle.
    pub fn note_lock(&self, owner: u64) {
        let mut owners = self.lock_owners.lock();
        if !owners.contains(&owner) {
            owners.push(owner);
        }
    }

    /// Forgets an owner, whose locks are being given up.
    pub fn forget_lock(&self, owner: u64) {
        let mut owners = self.lock_owners.lock();
        if !owners.is_empty() {
            owners.retain(|o| *o != owner);
        }
    }

    /// Owners left at the last close. Owners of fcntl locks close, hence flush, before that: these are
    /// owners of flock and open-file-description locks, which nothing else gives up.
    pub fn take_lock_owners(&self) -> Vec<u64> {
        std::mem::take(&mut *self.lock_owners.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_found_removed_and_reused() {
        let table = Handles::new();
        let handles: Vec<u64> = (0..1000u32).map(|n| table.insert(n)).collect();
        for (n, handle) in handles.iter().enumerate() {
            assert_eq!(table.get(*handle).as_deref(), Some(&(n as u32)));
        }
        let distinct: std::collections::HashSet<_> = handles.iter().collect();
        assert_eq!(distinct.len(), 1000);
        assert_eq!(table.remove(handles[5]).as_deref(), Some(&5));
        assert!(table.get(handles[5]).is_none());
        assert!(table.remove(handles[5]).is_none());
        assert!(table.get(u64::MAX).is_none());
        let again: Vec<u64> = (0..SHARDS as u32).map(|n| table.insert(n)).collect();
        assert!(again.contains(&handles[5]));
    }
}
