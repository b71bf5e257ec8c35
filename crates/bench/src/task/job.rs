//! A process at work on its task: the calls it makes, timed.

use std::io;
use std::path::Path;

use crate::backend::Backend;
use crate::error::{Result, failed};
use crate::record::{Call, Recorder};

/// A process at work.
pub struct Job<'a> {
    pub backend: &'a dyn Backend,
    pub recorder: Recorder,
}

impl Job<'_> {
    /// Makes a call on a path, times it, and says what could not be done.
    pub fn call<T>(
        &mut self,
        call: Call,
        path: &Path,
        make: impl FnOnce(&dyn Backend) -> io::Result<T>,
    ) -> Result<T> {
        let backend = self.backend;
        self.recorder.timed(call, || make(backend)).map_err(|e| failed(verb(call), path, e))
    }

    /// Whether a time in seconds since the phase began has come.
    pub fn is_over(&self, seconds: Option<f64>) -> bool {
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
