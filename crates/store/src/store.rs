//! The store with its threads: one writer that commits in groups, a few readers.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use isobar_base::{AlignedBuf, FragmentHeader, FragmentKey};
use isobar_disk::Disk;
use parking_lot::Mutex;

use crate::limits::{
    BATCH_OPS_MAX, BATCH_PAYLOAD_BYTES_MAX, DELETE_KEYS_MAX, READ_QUEUE_MAX, WRITE_QUEUE_BYTES_MAX,
    WRITE_QUEUE_MAX,
};
use crate::op::Op;
use crate::queue::Queue;
use crate::read::{Fragment, Shared, Usage};
use crate::{Core, FragmentInfo, Label, StoreError, superblock};

/// How a store is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Threads that serve GETs, at least 1.
    pub reader_threads: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { reader_threads: 4 }
    }
}

type Done<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

struct Write {
    op: Op,
    done: Done<()>,
}

struct Read {
    key: FragmentKey,
    units: Range<u32>,
    done: Done<Fragment>,
}

/// A fragment store on one device. Clones share it; dropping the last one finishes the queued work and
/// stops the threads.
///
/// `done` callbacks run on the threads of the store (or, for errors known at once, on the caller's);
/// they must not block and must not call [`Store::put`], [`Store::get`] or [`Store::delete`], which wait
/// while their queue is full.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    label: Label,
    writes: Arc<Queue<Write>>,
    reads: Arc<Queue<Read>>,
    checkpoint_at_end: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// All units of a fragment.
    pub const WHOLE: Range<u32> = 0..u32::MAX;

    /// Writes `label` on a blank device, so that it can be opened.
    ///
    /// # Errors
    /// `Labelled`, `Version` or `CorruptSuperblock` if the device has been formatted before, `Foreign`
    /// if it holds something else, `TooSmall`, `InvalidLabel`, `Poisoned` if writing fails.
    pub fn format(disk: &dyn Disk, label: &Label) -> Result<(), StoreError> {
        Core::format(disk, label)
    }

    /// The label of a device, without opening it.
    ///
    /// # Errors
    /// `Blank`, `Foreign`, `Version`, `CorruptSuperblock`, `Read`.
    pub fn read_label(disk: &dyn Disk) -> Result<Label, StoreError> {
        Ok(superblock::read(disk)?.superblock.label)
    }

    /// Recovers the state of the device and starts the threads.
    ///
    /// # Errors
    /// `Blank`, `Foreign`, `Version`, `TooSmall`, `CorruptSuperblock`, `CorruptCheckpoint`,
    /// `CorruptLog`, `Read`; `Poisoned` if writing fails.
    pub fn open(disk: Arc<dyn Disk>, options: Options) -> Result<Store, StoreError> {
        let core = Core::open(disk)?;
        let shared = core.shared().clone();
        let label = core.label().clone();
        let writes = Arc::new(Queue::new(WRITE_QUEUE_MAX, WRITE_QUEUE_BYTES_MAX));
        let reads = Arc::new(Queue::new(READ_QUEUE_MAX, u64::MAX));
        let checkpoint_at_end = Arc::new(AtomicBool::new(false));
        let store = Store {
            inner: Arc::new(Inner {
                shared: shared.clone(),
                label,
                writes: writes.clone(),
                reads: reads.clone(),
                checkpoint_at_end: checkpoint_at_end.clone(),
                threads: Mutex::default(),
            }),
        };
        store.spawn("store-write".into(), move || run_writer(core, &writes, &checkpoint_at_end))?;
        for number in 0..options.reader_threads.max(1) {
            let (shared, reads) = (shared.clone(), reads.clone());
            store.spawn(format!("store-read-{number}"), move || run_reader(&shared, &reads))?;
        }
        Ok(store)
    }

    fn spawn(&self, name: String, run: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = thread::Builder::new().name(name).spawn(run);
        let thread = thread.map_err(|error| StoreError::Poisoned(format!("no thread: {error}")))?;
        self.inner.threads.lock().push(thread);
        Ok(())
    }

    /// The device's label.
    pub fn label(&self) -> &Label {
        &self.inner.label
    }

    /// Stores a fragment; `Ok` means it is durable. Checks the payload against the header first, on
    /// the caller's thread, and waits while the queue is full.
    ///
    /// A repeated PUT with an identical header is `Ok`.
    ///
    /// # Errors
    /// To `done`: `InvalidFragment`, `ChecksumMismatch` (I9), `Conflict` if the key has other contents
    /// (I1), `Full`, `Poisoned`, `Closed`.
    pub fn put(
        &self,
        header: FragmentHeader,
        payload: AlignedBuf,
        done: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) {
        match self.inner.shared.check().and_then(|()| Op::put(header, payload)) {
            Ok(op) => self.inner.write(op, Box::new(done)),
            Err(error) => done(Err(error)),
        }
    }

    /// Reads `units` (of 4 KiB) of a fragment, all with [`Store::WHOLE`], and verifies them. Waits
    /// while the queue is full.
    ///
    /// # Errors
    /// To `done`: `NotFound`, `InvalidRange`, `Corrupt`, `Read`, `Poisoned`, `Closed`.
    pub fn get(
        &self,
        key: FragmentKey,
        units: Range<u32>,
        done: impl FnOnce(Result<Fragment, StoreError>) + Send + 'static,
    ) {
        if let Err(read) = self.inner.reads.push(Read { key, units, done: Box::new(done) }, 0) {
            (read.done)(Err(self.inner.closed()));
        }
    }

    /// Removes fragments; `Ok` means durably, and that none of them exists. Missing ones are no error
    /// (I12). Waits while the queue is full.
    ///
    /// # Errors
    /// To `done`: `Poisoned`, `Closed`.
    pub fn delete(&self, keys: Vec<FragmentKey>, done: impl FnOnce(Result<(), StoreError>) + Send + 'static) {
        if keys.len() <= DELETE_KEYS_MAX {
            return self.inner.write(Op::delete(keys), Box::new(done));
        }
        let parts = keys.chunks(DELETE_KEYS_MAX);
        let first: (usize, Result<(), StoreError>, Option<Done<()>>) =
            (parts.len(), Ok(()), Some(Box::new(done)));
        let left = Arc::new(Mutex::new(first));
        for part in parts {
            let left = left.clone();
            let part_done = move |result: Result<(), StoreError>| {
                let mut left = left.lock();
                left.0 -= 1;
                if left.1.is_ok() {
                    left.1 = result;
                }
                if left.0 == 0
                    && let Some(done) = left.2.take()
                {
                    let result = left.1.clone();
                    drop(left);
                    done(result);
                }
            };
            self.inner.write(Op::delete(part.to_vec()), Box::new(part_done));
        }
    }

    /// At most `limit` durable fragments after `after`, in order of their keys.
    pub fn list(&self, after: Option<FragmentKey>, limit: usize) -> Vec<FragmentInfo> {
        self.inner.shared.index.read().list(after, limit)
    }

    /// Whether the fragment is durably stored.
    pub fn contains(&self, key: FragmentKey) -> bool {
        self.inner.shared.index.read().get(&key).is_some()
    }

    /// How full the device is.
    pub fn usage(&self) -> Usage {
        self.inner.shared.usage()
    }

    /// Whether a write or sync has failed, so that every call fails until the device is reopened.
    pub fn is_poisoned(&self) -> bool {
        self.inner.shared.check().is_err()
    }

    /// Finishes the queued work, writes a checkpoint and stops the threads. Other clones get `Closed`
    /// from then on.
    ///
    /// # Errors
    /// `Poisoned`.
    pub fn close(self) -> Result<(), StoreError> {
        self.inner.checkpoint_at_end.store(true, Ordering::Release);
        self.inner.stop();
        self.inner.shared.check()
    }
}

impl Inner {
    fn write(&self, op: Op, done: Done<()>) {
        let bytes = op.payload_bytes();
        if let Err(write) = self.writes.push(Write { op, done }, bytes) {
            (write.done)(Err(self.closed()));
        }
    }

    fn closed(&self) -> StoreError {
        self.shared.check().err().unwrap_or(StoreError::Closed)
    }

    fn stop(&self) {
        self.writes.close();
        self.reads.close();
        for thread in std::mem::take(&mut *self.threads.lock()) {
            // The last clone may be dropped by a callback, on a thread of the store.
            if thread.thread().id() != thread::current().id() && thread.join().is_err() {
                tracing::error!("a thread of the fragment store had panicked");
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Poisons the store when its thread ends by a panic, so that callers do not wait for ever.
struct PanicGuard<'a> {
    shared: Arc<Shared>,
    writes: &'a Queue<Write>,
}

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let error = self.shared.poison("the writer broke an invariant".into());
            self.writes.close();
            for write in self.writes.pop(usize::MAX, u64::MAX) {
                (write.done)(Err(error.clone()));
            }
        }
    }
}

fn run_writer(mut core: Core, writes: &Queue<Write>, checkpoint_at_end: &AtomicBool) {
    let _guard = PanicGuard { shared: core.shared().clone(), writes };
    loop {
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

fn run_reader(shared: &Shared, reads: &Queue<Read>) {
    while let Some(read) = reads.pop(1, u64::MAX).pop() {
        let Read { key, units, done } = read;
        done(shared.get(key, units));
    }
}
