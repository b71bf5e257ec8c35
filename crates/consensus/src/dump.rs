//! Snapshots: a dump of all keys as a file, and the handle openraft moves it with.
//!
//! ```text
//! file  := magic version length crc meta, chunk*, end
//! chunk := length crc (key length, value length, key, value)*
//! end   := 0, crc of the number of pairs, number of pairs
//! ```
//! The dump a leader sends is written when it is first read, beside everything else, from a view of the tree
//! taken when openraft asked for it. Dumps are unnamed files: nothing is left behind.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use isobar_base::crc32c;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;

use crate::ConsensusError;
use crate::lsm::TreeView;
use crate::types::{LogId, Membership};

const MAGIC: &[u8; 8] = b"ISOSNAP\0";
const VERSION: u32 = 1;
const CHUNK_BYTES: usize = 256 << 10;
/// A chunk is at most this long: one pair may exceed `CHUNK_BYTES`.
const CHUNK_BYTES_MAX: u32 = 64 << 20;

/// What a dump is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DumpMeta {
    pub group: u16,
    pub log_id: Option<LogId>,
    pub membership: Membership,
}

/// Writes `view` to `out`.
fn write(view: &TreeView, meta: &DumpMeta, out: &mut impl Write) -> Result<(), ConsensusError> {
    let io = || ConsensusError::io("writing a snapshot");
    let record = postcard::to_allocvec(meta).map_err(|e| ConsensusError::Malformed(e.to_string()))?;
    out.write_all(MAGIC).and_then(|()| out.write_all(&VERSION.to_le_bytes())).map_err(io())?;
    put_chunk(out, &record).map_err(io())?;
    let mut chunk = Vec::with_capacity(CHUNK_BYTES + 4096);
    let mut pairs = 0u64;
    view.for_each(|key, value| {
        chunk.extend_from_slice(&(key.len() as u32).to_le_bytes());
        chunk.extend_from_slice(&(value.len() as u32).to_le_bytes());
        chunk.extend_from_slice(key);
        chunk.extend_from_slice(value);
        pairs += 1;
        if chunk.len() >= CHUNK_BYTES {
            put_chunk(out, &chunk).map_err(io())?;
            chunk.clear();
        }
        Ok::<_, ConsensusError>(())
    })?;
    if !chunk.is_empty() {
        put_chunk(out, &chunk).map_err(io())?;
    }
    let count = pairs.to_le_bytes();
    let end = [&0u32.to_le_bytes()[..], &crc32c(&count).to_le_bytes(), &count].concat();
    out.write_all(&end).and_then(|()| out.flush()).map_err(io())
}

fn put_chunk(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(&(bytes.len() as u32).to_le_bytes())?;
    out.write_all(&crc32c(bytes).to_le_bytes())?;
    out.write_all(bytes)
}

/// Keys and values.
pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Reads a dump back, checking every byte.
pub(crate) struct Reader {
    file: BufReader<File>,
    meta: DumpMeta,
    pairs: u64,
}

impl Reader {
    pub(crate) fn open(mut file: File) -> Result<Reader, ConsensusError> {
        file.seek(SeekFrom::Start(0)).map_err(ConsensusError::io("reading a snapshot"))?;
        let mut file = BufReader::with_capacity(CHUNK_BYTES, file);
        let mut head = [0; 12];
        file.read_exact(&mut head).map_err(ConsensusError::io("reading a snapshot"))?;
        if &head[..8] != MAGIC || head[8..] != VERSION.to_le_bytes() {
            return Err(ConsensusError::Malformed("not a snapshot of this version".into()));
        }
        let damaged = || ConsensusError::Malformed("the snapshot's header is damaged".into());
        let record = get_chunk(&mut file)?.ok_or_else(damaged)?;
        let meta = postcard::from_bytes(&record).map_err(|_| damaged())?;
        Ok(Reader { file, meta, pairs: 0 })
    }

    pub(crate) fn meta(&self) -> &DumpMeta {
        &self.meta
    }

    /// The next pairs; `None` at the end, where their number was checked.
    pub(crate) fn next_chunk(&mut self) -> Result<Option<Pairs>, ConsensusError> {
        let Some(chunk) = get_chunk(&mut self.file)? else {
            let mut count = [0; 8];
            self.file.read_exact(&mut count).map_err(ConsensusError::io("reading a snapshot"))?;
            if u64::from_le_bytes(count) != self.pairs {
                return Err(ConsensusError::Malformed("the snapshot is incomplete".into()));
            }
            return Ok(None);
        };
        let damaged = || ConsensusError::Malformed("a snapshot chunk is malformed".into());
        let (mut rest, mut out) = (chunk.as_slice(), Vec::new());
        while !rest.is_empty() {
            let (head, tail) = rest.split_at_checked(8).ok_or_else(damaged)?;
            let length =
                |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize;
            let (key, tail) = tail.split_at_checked(length(0)).ok_or_else(damaged)?;
            let (value, tail) = tail.split_at_checked(length(4)).ok_or_else(damaged)?;
            out.push((key.to_vec(), value.to_vec()));
            rest = tail;
        }
        self.pairs += out.len() as u64;
        Ok(Some(out))
    }
}

fn get_chunk(file: &mut impl Read) -> Result<Option<Vec<u8>>, ConsensusError> {
    let io = || ConsensusError::io("reading a snapshot");
    let (mut length, mut crc) = ([0; 4], [0; 4]);
    file.read_exact(&mut length).and_then(|()| file.read_exact(&mut crc)).map_err(io())?;
    let length = u32::from_le_bytes(length);
    if length == 0 {
        return Ok(None);
    }
    if length > CHUNK_BYTES_MAX {
        return Err(ConsensusError::Malformed(format!("a snapshot chunk of {length} bytes")));
    }
    let mut chunk = vec![0; length as usize];
    file.read_exact(&mut chunk).map_err(io())?;
    if crc32c(&chunk) != u32::from_le_bytes(crc) {
        return Err(ConsensusError::Malformed("a snapshot chunk has the wrong checksum".into()));
    }
    Ok(Some(chunk))
}

/// An unnamed file in `dir`.
fn unnamed_file(dir: &Path) -> io::Result<File> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let path =
        dir.join(format!("snapshot-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    let file = std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// A snapshot under way: received into a file, or written to one when first read.
pub(crate) struct Dump {
    source: Source,
    seek: Option<SeekFrom>,
}

enum Source {
    File(File),
    Later(Option<Box<dyn FnOnce() -> io::Result<File> + Send + Sync>>),
    Writing(JoinHandle<io::Result<File>>),
}

impl Dump {
    /// A dump of `view`, written to `dir` when it is first read.
    pub(crate) fn of(view: TreeView, meta: DumpMeta, dir: &Path) -> Dump {
        let dir = dir.to_owned();
        let make = move || {
            let mut out = BufWriter::with_capacity(CHUNK_BYTES, unnamed_file(&dir)?);
            write(&view, &meta, &mut out).map_err(io::Error::other)?;
            let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        };
        Dump { source: Source::Later(Some(Box::new(make))), seek: None }
    }

    /// An empty file in `dir` to receive into.
    pub(crate) fn receive(dir: &Path) -> io::Result<Dump> {
        Ok(Dump { source: Source::File(unnamed_file(dir)?), seek: None })
    }

    /// The received file.
    pub(crate) fn into_file(self) -> io::Result<File> {
        match self.source {
            Source::File(file) => Ok(file),
            Source::Later(Some(make)) => make(),
            Source::Later(None) | Source::Writing(_) => {
                Err(io::Error::other("the snapshot is still being written"))
            }
        }
    }

    fn poll_file(&mut self, context: &mut Context<'_>) -> Poll<io::Result<&mut File>> {
        if let Source::Later(make) = &mut self.source {
            let make = make.take().ok_or_else(|| io::Error::other("the snapshot could not be written"))?;
            self.source = Source::Writing(tokio::task::spawn_blocking(make));
        }
        if let Source::Writing(task) = &mut self.source {
            let written = ready!(Pin::new(task).poll(context)).map_err(io::Error::other).flatten();
            self.source = Source::Later(None);
            self.source = Source::File(written?);
        }
        match &mut self.source {
            Source::File(file) => Poll::Ready(Ok(file)),
            _ => Poll::Ready(Err(io::Error::other("the snapshot could not be written"))),
        }
    }
}

impl std::fmt::Debug for Dump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dump")
    }
}

// Reads and writes go to the page cache in chunks of about 1 MiB: not worth a trip to another thread each.
impl AsyncRead for Dump {
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

impl AsyncWrite for Dump {
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

impl AsyncSeek for Dump {
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
