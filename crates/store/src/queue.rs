//! A bounded queue between callers and the threads of the store.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// First in, first out; bounded in items and in bytes; callers wait while it is full.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    drained: Condvar,
    items_max: usize,
    bytes_max: u64,
}

struct State<T> {
    items: VecDeque<(T, u64)>,
    bytes: u64,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(items_max: usize, bytes_max: u64) -> Queue<T> {
        let state = State { items: VecDeque::new(), bytes: 0, closed: false };
        let (filled, drained) = (Condvar::new(), Condvar::new());
        Queue { state: Mutex::new(state), filled, drained, items_max, bytes_max }
    }

    /// Adds an item that weighs `bytes`, waiting while the queue is full.
    ///
    /// # Errors
    /// Gives the item back when the queue is closed.
    pub(crate) fn push(&self, item: T, bytes: u64) -> Result<(), T> {
        let mut state = self.state.lock();
        let full =
            |s: &mut State<T>| !s.closed && (s.items.len() >= self.items_max || s.bytes >= self.bytes_max);
        self.drained.wait_while(&mut state, full);
        if state.closed {
            return Err(item);
        }
        state.bytes += bytes;
        state.items.push_back((item, bytes));
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Takes items, waiting for the first, until there are `items_max` of them or `bytes_max` bytes;
    /// none once the queue is closed and empty.
    pub(crate) fn pop(&self, items_max: usize, bytes_max: u64) -> Vec<T> {
        let mut state = self.state.lock();
        self.filled.wait_while(&mut state, |s| s.items.is_empty() && !s.closed);
        let (mut taken, mut taken_bytes) = (Vec::new(), 0);
        while taken.len() < items_max && taken_bytes < bytes_max {
            let Some((item, bytes)) = state.items.pop_front() else { break };
            taken_bytes += bytes;
            taken.push(item);
        }
        state.bytes -= taken_bytes;
        drop(state);
        self.drained.notify_all();
        taken
    }

    /// Waits for `time`; whether nothing came all the while, and the queue is not closed.
    pub(crate) fn stays_empty(&self, time: Duration) -> bool {
        let mut state = self.state.lock();
        let is_idle = |s: &mut State<T>| s.items.is_empty() && !s.closed;
        self.filled.wait_while_for(&mut state, is_idle, time).timed_out()
    }

    /// Refuses further items; those in the queue are still handed out.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }
}
