//! What one process does in one phase. Tasks hold no state between phases and open no file longer than
//! one, so that caches can be emptied in between.

mod items;
mod small;
mod stream;
mod transfer;
mod verify;

pub use items::{ItemStep, ItemsTask};
pub use small::{SmallRead, SmallRemove, SmallWrite};
pub use stream::{StreamRead, StreamWrite};
pub use transfer::{Layout, TransferTask, shuffled};
pub use verify::VerifyTask;

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::backend::Backend;
use crate::error::{Result, failed};
use crate::record::{Call, Recorder};

/// A task and all it needs to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Task {
    /// IOR's: transfers of one size on one file.
    Transfer(TransferTask),
    /// mdtest's: one call for each of many items.
    Items(ItemsTask),
    /// New files, one after the other, until told.
    StreamWrite(StreamWrite),
    /// The same file, again and again until told.
    StreamRead(StreamRead),
    /// Small files of mixed sizes: make them.
    SmallWrite(SmallWrite),
    /// Read them.
    SmallRead(SmallRead),
    /// Remove them.
    SmallRemove(SmallRemove),
    /// Every byte of some files is compared.
    Verify(VerifyTask),
}

/// A process at work.
pub struct Job<'a> {
    pub backend: &'a dyn Backend,
    pub recorder: Recorder,
}

impl Task {
    pub fn run(&self, job: &mut Job) -> Result<()> {
        match self {
            Task::Transfer(task) => task.run(job),
            Task::Items(task) => task.run(job),
            Task::StreamWrite(task) => task.run(job),
            Task::StreamRead(task) => task.run(job),
            Task::SmallWrite(task) => task.run(job),
            Task::SmallRead(task) => task.run(job),
            Task::SmallRemove(task) => task.run(job),
            Task::Verify(task) => task.run(job),
        }
    }
}

impl Job<'_> {
    /// Makes a call on a path, times it, and says what could not be done.
    fn call<T>(
        &mut self,
        call: Call,
        path: &Path,
        make: impl FnOnce(&dyn Backend) -> io::Result<T>,
    ) -> Result<T> {
        let backend = self.backend;
        self.recorder.timed(call, || make(backend)).map_err(|e| failed(verb(call), path, e))
    }

    /// Whether a time in seconds since the phase began has come.
    fn is_over(&self, seconds: Option<f64>) -> bool {
        seconds.is_some_and(|s| self.recorder.now_ns() as f64 >= s * 1e9)
    }
}

fn verb(call: Call) -> &'static str {
    match call {
        Call::Open => "open",
        Call::Create => "create",
        Call::Write | Call::WriteFile => "write",
        Call::Read | Call::ReadFile => "read",
        Call::Sync => "fsync",
        Call::Close => "close",
        Call::Stat => "stat",
        Call::Remove => "remove",
        Call::MakeDir => "make directory",
        Call::RemoveDir => "remove directory",
        Call::Rename => "rename",
    }
}
