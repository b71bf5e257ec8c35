//! What one process does in one phase. Tasks hold no state between phases and open no file longer than
//! one, so that caches can be emptied in between.

mod items;
mod job;
mod shuffle;
mod small;
mod stream;
mod transfer;
mod verify;

pub use items::{ItemStep, ItemsTask};
pub use job::Job;
pub use shuffle::shuffled;
pub use small::{SmallRead, SmallRemove, SmallWrite};
pub use stream::{StreamRead, StreamWrite};
pub use transfer::{Layout, TransferTask};
pub use verify::VerifyTask;

use serde::{Deserialize, Serialize};

use crate::error::Result;

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
