//! How worker processes come to be: the binary starts itself with a hidden subcommand.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::error::{BenchError, Result};

/// How a worker process is started: a program whose arguments lead to [`crate::serve_worker`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launcher {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// A worker and both ends of the talk with it.
pub(crate) struct Started {
    pub child: Option<Child>,
    pub orders: Box<dyn Write + Send>,
    pub replies: Box<dyn Read + Send>,
}

impl Launcher {
    /// This very binary, with these arguments.
    ///
    /// # Errors
    /// When the system does not say where it is.
    pub fn this_binary<I: Into<OsString>>(arguments: impl IntoIterator<Item = I>) -> Result<Launcher> {
        let program = std::env::current_exe()
            .map_err(|e| BenchError::Failed(format!("cannot find the program to start as a worker: {e}")))?;
        Ok(Launcher { program, arguments: arguments.into_iter().map(Into::into).collect() })
    }

    pub(crate) fn start(&self) -> Result<Started> {
        #[cfg(test)]
        if self.program.as_os_str() == "thread" {
            return Ok(thread_worker());
        }
        let failed = |e: std::io::Error| {
            BenchError::Failed(format!("cannot start a worker process ({}): {e}", self.program.display()))
        };
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for the coordinator: it ends the workers and removes what they wrote.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let (Some(orders), Some(replies)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(BenchError::Failed("a worker process has no pipes".to_owned()));
        };
        Ok(Started { child: Some(child), orders: Box::new(orders), replies: Box::new(replies) })
    }
}

/// Tests of the coordinator need no binary: the same code in a thread, over pipes.
#[cfg(test)]
fn thread_worker() -> Started {
    let (orders_out, orders) = std::io::pipe().expect("a pipe");
    let (replies, replies_in) = std::io::pipe().expect("a pipe");
    std::thread::spawn(move || super::worker::serve(std::io::BufReader::new(orders_out), replies_in));
    Started { child: None, orders: Box::new(orders), replies: Box::new(replies) }
}
