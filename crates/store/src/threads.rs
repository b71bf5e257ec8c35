//! The threads of the store: one writer that commits in groups, a few readers.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use isobar_base::FragmentKey;

use crate::StoreError;
use crate::core::Core;
use crate::limits::{BATCH_OPS_MAX, BATCH_PAYLOAD_BYTES_MAX, DISCARD_IDLE};
use crate::op::Op;
use crate::queue::Queue;
use crate::read::Fragment;
use crate::state::StoreState;

/// Whom to tell the result.
pub(crate) type Done<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

/// One queued change.
pub(crate) struct Write {
    pub op: Op,
    pub done: Done<()>,
}

/// One queued GET.
pub(crate) struct Read {
    pub key: FragmentKey,
    pub units: Range<u32>,
    pub done: Done<Fragment>,
}

/// Poisons the store when its thread ends by a panic, so that callers do not wait for ever.
struct PanicGuard<'a> {
    state: Arc<StoreState>,
    writes: &'a Queue<Write>,
}

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let error = self.state.poison("the writer broke an invariant".into());
            self.writes.close();
            for write in self.writes.pop(usize::MAX, u64::MAX) {
                (write.done)(Err(error.clone()));
            }
        }
    }
}

/// Commits what is queued, in groups, until the queue is closed and empty; discards freed blocks when nothing
/// is.
pub(crate) fn run_writer(mut core: Core, writes: &Queue<Write>, checkpoint_at_end: &AtomicBool) {
    let _guard = PanicGuard { state: core.state().clone(), writes };
    loop {
        while writes.stays_empty(DISCARD_IDLE) && core.discard() {}
        let batch = writes.pop(BATCH_OPS_MAX, BATCH_PAYLOAD_BYTES_MAX);
        if batch.is_empty() {
            break;
        }
        let (ops, dones): (Vec<Op>, Vec<Done<()>>) = batch.into_iter().map(|w| (w.op, w.done)).unzip();
        let results = core.commit(&ops);
        // Their buffers are back in their pool before the callers hear of it.
        drop(ops);
        for (done, result) in dones.into_iter().zip(results) {
            done(result);
        }
    }
    if checkpoint_at_end.load(Ordering::Acquire)
        && let Err(error) = core.checkpoint()
    {
        tracing::error!(%error, "no checkpoint at the end");
    }
}

/// Serves GETs until the queue is closed and empty.
pub(crate) fn run_reader(state: &StoreState, reads: &Queue<Read>) {
    while let Some(read) = reads.pop(1, u64::MAX).pop() {
        let Read { key, units, done } = read;
        done(state.get(key, units));
    }
}
