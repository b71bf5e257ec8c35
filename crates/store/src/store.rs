//! The store with its threads, as its user sees it: calls are queued, and answered through callbacks.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use isobar_base::{AlignedBuf, FragmentHeader, FragmentKey};
use isobar_disk::Disk;
use parking_lot::Mutex;

use crate::limits::{DELETE_KEYS_MAX, READ_QUEUE_MAX, WRITE_QUEUE_BYTES_MAX, WRITE_QUEUE_MAX};
use crate::op::Op;
use crate::queue::Queue;
use crate::read::{self, Fragment};
use crate::state::{StoreState, Usage};
use crate::threads::{Done, Read, Write, run_reader, run_writer};
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

/// A fragment store on one device. Clones share it; dropping the last one finishes the queued work and
/// stops the threads.
///
/// `done` callbacks run on the threads of the store (or, for errors known at once, on the caller's);
/// they must not block and must not call [`Store::put`], [`Store::get`] or [`Store::delete`], which wait
/// while their queue is full.
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

struct Handle {
    state: Arc<StoreState>,
    label: Label,
    writes: Arc<Queue<Write>>,
    reads: Arc<Queue<Read>>,
    checkpoint_at_end: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// All units of a fragment.
    pub const WHOLE: Range<u32> = read::WHOLE;

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
        let state = core.state().clone();
        let label = core.label().clone();
        let writes = Arc::new(Queue::new(WRITE_QUEUE_MAX, WRITE_QUEUE_BYTES_MAX));
        let reads = Arc::new(Queue::new(READ_QUEUE_MAX, u64::MAX));
        let checkpoint_at_end = Arc::new(AtomicBool::new(false));
        let store = Store {
            handle: Arc::new(Handle {
                state: state.clone(),
                label,
                writes: writes.clone(),
                reads: reads.clone(),
                checkpoint_at_end: checkpoint_at_end.clone(),
                threads: Mutex::default(),
            }),
        };
        store.spawn("store-write".into(), move || run_writer(core, &writes, &checkpoint_at_end))?;
        for number in 0..options.reader_threads.max(1) {
            let (state, reads) = (state.clone(), reads.clone());
            store.spawn(format!("store-read-{number}"), move || run_reader(&state, &reads))?;
        }
        Ok(store)
    }

    fn spawn(&self, name: String, run: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = thread::Builder::new().name(name).spawn(run);
        let thread = thread.map_err(|error| StoreError::Poisoned(format!("no thread: {error}")))?;
        self.handle.threads.lock().push(thread);
        Ok(())
    }

    /// The device's label.
    pub fn label(&self) -> &Label {
        &self.handle.label
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
        match self.handle.state.check().and_then(|()| Op::put(header, payload)) {
            Ok(op) => self.handle.write(op, Box::new(done)),
            Err(error) => done(Err(error)),
        }
    }

    /// Stores a fragment again that is missing or damaged; `Ok` means that it is durably there with the bytes
    /// of this header, and that those of a fragment that was whole have not been touched.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn rewrite(
        &self,
        header: FragmentHeader,
        payload: AlignedBuf,
        done: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) {
        match self.handle.state.check().and_then(|()| Op::rewrite(header, payload)) {
            Ok(op) => self.handle.write(op, Box::new(done)),
            Err(error) => done(Err(error)),
        }
    }

    /// Reads `units` (of 4 KiB) of a fragment, all with [`Store::WHOLE`], and verifies them. Waits
    /// while the queue is full.
    ///
    /// # Errors
    /// To `done`: `NotFound`, `InvalidRange`, `Corrupt`, `Closed`. Reading goes on when the store is
    /// poisoned: what the index names was synced.
    pub fn get(
        &self,
        key: FragmentKey,
        units: Range<u32>,
        done: impl FnOnce(Result<Fragment, StoreError>) + Send + 'static,
    ) {
        if let Err(read) = self.handle.reads.push(Read { key, units, done: Box::new(done) }, 0) {
            (read.done)(Err(self.handle.closed()));
        }
    }

    /// Removes fragments; `Ok` means durably, and that none of them exists. Missing ones are no error
    /// (I12). Waits while the queue is full.
    ///
    /// # Errors
    /// To `done`: `Poisoned`, `Closed`.
    pub fn delete(&self, keys: Vec<FragmentKey>, done: impl FnOnce(Result<(), StoreError>) + Send + 'static) {
        if keys.len() <= DELETE_KEYS_MAX {
            return self.handle.write(Op::delete(keys), Box::new(done));
        }
        let parts = keys.chunks(DELETE_KEYS_MAX);
        let whole = SplitDelete { parts: parts.len(), result: Ok(()), done: Some(Box::new(done)) };
        let whole = Arc::new(Mutex::new(whole));
        for part in parts {
            let whole = whole.clone();
            self.handle.write(Op::delete(part.to_vec()), Box::new(move |result| part_done(&whole, result)));
        }
    }

    /// At most `limit` durable fragments after `after`, in order of their keys.
    pub fn list(&self, after: Option<FragmentKey>, limit: usize) -> Vec<FragmentInfo> {
        self.handle.state.index.read().list(after, limit)
    }

    /// Whether the fragment is durably stored.
    pub fn contains(&self, key: FragmentKey) -> bool {
        self.handle.state.index.read().contains(&key)
    }

    /// How full the device is.
    pub fn usage(&self) -> Usage {
        self.handle.state.usage()
    }

    /// Whether a write or sync has failed, so that every change fails until the device is reopened.
    pub fn is_poisoned(&self) -> bool {
        self.handle.state.check().is_err()
    }

    /// Finishes the queued work, writes a checkpoint and stops the threads. Other clones get `Closed`
    /// from then on.
    ///
    /// # Errors
    /// `Poisoned`.
    pub fn close(self) -> Result<(), StoreError> {
        self.handle.checkpoint_at_end.store(true, Ordering::Release);
        self.handle.stop();
        self.handle.state.check()
    }
}

/// A delete of more keys than one operation may have.
struct SplitDelete {
    /// Parts that are not done yet.
    parts: usize,
    /// The first error, if there was one.
    result: Result<(), StoreError>,
    done: Option<Done<()>>,
}

/// Notes that one part of a delete is done. The last one calls `done`.
fn part_done(whole: &Mutex<SplitDelete>, result: Result<(), StoreError>) {
    let mut whole = whole.lock();
    whole.parts -= 1;
    if whole.result.is_ok() {
        whole.result = result;
    }
    if whole.parts == 0
        && let Some(done) = whole.done.take()
    {
        let result = whole.result.clone();
        drop(whole);
        done(result);
    }
}

impl Handle {
    fn write(&self, op: Op, done: Done<()>) {
        let bytes = op.payload_bytes();
        if let Err(write) = self.writes.push(Write { op, done }, bytes) {
            (write.done)(Err(self.closed()));
        }
    }

    fn closed(&self) -> StoreError {
        self.state.check().err().unwrap_or(StoreError::Closed)
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

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop();
    }
}
