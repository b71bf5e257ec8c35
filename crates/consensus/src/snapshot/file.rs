//! The file of a snapshot, as openraft reads it on the leader and writes it on a follower.
//!
//! The leader's file is written when it is first read, on a blocking thread: a snapshot that is offered and
//! never sent costs nothing. Files are unnamed, so none is left behind.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;

use crate::ConsensusError;

/// Bytes collected before each write to the file.
const BUFFER_BYTES: usize = 256 << 10;
/// How the name of a file begins between its creation and its removal.
const PREFIX: &str = "snapshot-";

/// A snapshot under way.
pub(crate) struct SnapshotFile {
    source: Source,
    seek: Option<SeekFrom>,
}

type WriteFile = Box<dyn FnOnce() -> io::Result<File> + Send + Sync>;

enum Source {
    /// It is there: written, or being received into.
    File(File),
    /// To be written when it is first read.
    Unwritten(WriteFile),
    Writing(JoinHandle<io::Result<File>>),
    Failed,
}

impl SnapshotFile {
    /// A file in `dir` that `write` fills when it is first read.
    pub(crate) fn written_later(
        dir: &Path,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<(), ConsensusError> + Send + Sync + 'static,
    ) -> SnapshotFile {
        let dir = dir.to_owned();
        let write_file = move || {
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, unnamed_file(&dir)?);
            write(&mut out).map_err(io::Error::other)?;
            let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        };
        SnapshotFile { source: Source::Unwritten(Box::new(write_file)), seek: None }
    }

    /// An empty file in `dir` to receive into.
    pub(crate) fn receive(dir: &Path) -> io::Result<SnapshotFile> {
        Ok(SnapshotFile { source: Source::File(unnamed_file(dir)?), seek: None })
    }

    /// The received file.
    pub(crate) fn into_file(self) -> io::Result<File> {
        match self.source {
            Source::File(file) => Ok(file),
            Source::Unwritten(write) => write(),
            Source::Writing(_) | Source::Failed => {
                Err(io::Error::other("the snapshot is still being written"))
            }
        }
    }

    fn poll_file(&mut self, context: &mut Context<'_>) -> Poll<io::Result<&mut File>> {
        self.source = match std::mem::replace(&mut self.source, Source::Failed) {
            Source::Unwritten(write) => Source::Writing(tokio::task::spawn_blocking(write)),
            source @ (Source::File(_) | Source::Writing(_) | Source::Failed) => source,
        };
        if let Source::Writing(task) = &mut self.source {
            let written = ready!(Pin::new(task).poll(context)).map_err(io::Error::other).flatten();
            self.source = Source::Failed;
            self.source = Source::File(written?);
        }
        match &mut self.source {
            Source::File(file) => Poll::Ready(Ok(file)),
            Source::Unwritten(_) | Source::Writing(_) | Source::Failed => {
                Poll::Ready(Err(io::Error::other("the snapshot could not be written")))
            }
        }
    }
}

impl std::fmt::Debug for SnapshotFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SnapshotFile")
    }
}

// Reads and writes go to the page cache in chunks of about 1 MiB: not worth a trip to another thread each.
impl AsyncRead for SnapshotFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let file = ready!(self.poll_file(context))?;
        let count = file.read(buf.initialize_unfilled())?;
        buf.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SnapshotFile {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let file = ready!(self.poll_file(context))?;
        Poll::Ready(file.write(buf))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for SnapshotFile {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        self.seek = Some(position);
        Ok(())
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let seek = self.seek;
        let file = ready!(self.poll_file(context))?;
        let position = match seek {
            Some(position) => file.seek(position)?,
            None => file.stream_position()?,
        };
        self.seek = None;
        Poll::Ready(Ok(position))
    }
}

/// An unnamed file in `dir`.
fn unnamed_file(dir: &Path) -> io::Result<File> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let path =
        dir.join(format!("{PREFIX}{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    let file = std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// Removes files that still have a name: of a process that was killed while it made them.
pub(crate) fn remove_unfinished(dir: &Path) -> Result<(), ConsensusError> {
    let remove = || {
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    remove().map_err(ConsensusError::io(format!("cleaning {}", dir.display())))
}
