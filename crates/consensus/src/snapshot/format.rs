//! The bytes of a snapshot.
//!
//! ```text
//! file  := magic version length crc header, chunk*, end
//! chunk := length crc (key length, value length, key, value)*
//! end   := 0, crc of the number of pairs, number of pairs
//! ```
//! All integers are little-endian. A reader accepts a file only when every checksum and the number of pairs
//! match.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use isobar_base::crc32c;
use serde::{Deserialize, Serialize};

use crate::ConsensusError;
use crate::ids::LogId;
use crate::member::Membership;

const MAGIC: &[u8; 8] = b"ISOSNAP\0";
const VERSION: u32 = 1;
const CHUNK_BYTES: usize = 256 << 10;
/// A chunk is at most this long: one pair may exceed `CHUNK_BYTES`.
const CHUNK_BYTES_MAX: u32 = 64 << 20;

/// What a snapshot is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SnapshotHeader {
    pub group: u16,
    pub log_id: Option<LogId>,
    pub membership: Membership,
}

fn writing() -> impl FnOnce(io::Error) -> ConsensusError {
    ConsensusError::io("writing a snapshot")
}

fn reading() -> impl FnOnce(io::Error) -> ConsensusError {
    ConsensusError::io("reading a snapshot")
}

/// Writes a snapshot, pair after pair.
pub(crate) struct SnapshotWriter<W> {
    out: W,
    chunk: Vec<u8>,
    pairs: u64,
}

impl<W: Write> SnapshotWriter<W> {
    pub(crate) fn begin(mut out: W, header: &SnapshotHeader) -> Result<SnapshotWriter<W>, ConsensusError> {
        let record = postcard::to_allocvec(header).map_err(|e| ConsensusError::Malformed(e.to_string()))?;
        out.write_all(MAGIC).and_then(|()| out.write_all(&VERSION.to_le_bytes())).map_err(writing())?;
        put_chunk(&mut out, &record).map_err(writing())?;
        Ok(SnapshotWriter { out, chunk: Vec::with_capacity(CHUNK_BYTES + 4096), pairs: 0 })
    }

    /// Adds a pair. The pairs come in the order of their keys.
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), ConsensusError> {
        self.chunk.extend_from_slice(&(key.len() as u32).to_le_bytes());
        self.chunk.extend_from_slice(&(value.len() as u32).to_le_bytes());
        self.chunk.extend_from_slice(key);
        self.chunk.extend_from_slice(value);
        self.pairs += 1;
        if self.chunk.len() >= CHUNK_BYTES {
            put_chunk(&mut self.out, &self.chunk).map_err(writing())?;
            self.chunk.clear();
        }
        Ok(())
    }

    /// Ends the snapshot: without this a reader refuses it.
    pub(crate) fn finish(mut self) -> Result<(), ConsensusError> {
        if !self.chunk.is_empty() {
            put_chunk(&mut self.out, &self.chunk).map_err(writing())?;
        }
        let count = self.pairs.to_le_bytes();
        let end = [&0u32.to_le_bytes()[..], &crc32c(&count).to_le_bytes(), &count].concat();
        self.out.write_all(&end).and_then(|()| self.out.flush()).map_err(writing())
    }
}

fn put_chunk(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(&(bytes.len() as u32).to_le_bytes())?;
    out.write_all(&crc32c(bytes).to_le_bytes())?;
    out.write_all(bytes)
}

/// Keys and values.
pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Reads a snapshot back and checks every byte.
pub(crate) struct SnapshotReader {
    file: BufReader<File>,
    header: SnapshotHeader,
    pairs: u64,
}

impl SnapshotReader {
    pub(crate) fn open(mut file: File) -> Result<SnapshotReader, ConsensusError> {
        file.seek(SeekFrom::Start(0)).map_err(reading())?;
        let mut file = BufReader::with_capacity(CHUNK_BYTES, file);
        let mut head = [0; 12];
        file.read_exact(&mut head).map_err(reading())?;
        if &head[..8] != MAGIC || head[8..] != VERSION.to_le_bytes() {
            return Err(ConsensusError::Malformed("not a snapshot of this version".into()));
        }
        let damaged = || ConsensusError::Malformed("the snapshot's header is damaged".into());
        let record = get_chunk(&mut file)?.ok_or_else(damaged)?;
        let header = postcard::from_bytes(&record).map_err(|_| damaged())?;
        Ok(SnapshotReader { file, header, pairs: 0 })
    }

    pub(crate) fn header(&self) -> &SnapshotHeader {
        &self.header
    }

    /// The next pairs; `None` at the end, where their number was checked.
    pub(crate) fn next_chunk(&mut self) -> Result<Option<Pairs>, ConsensusError> {
        let Some(chunk) = get_chunk(&mut self.file)? else {
            let mut count = [0; 8];
            self.file.read_exact(&mut count).map_err(reading())?;
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
    let (mut length, mut crc) = ([0; 4], [0; 4]);
    file.read_exact(&mut length).and_then(|()| file.read_exact(&mut crc)).map_err(reading())?;
    let length = u32::from_le_bytes(length);
    if length == 0 {
        return Ok(None);
    }
    if length > CHUNK_BYTES_MAX {
        return Err(ConsensusError::Malformed(format!("a snapshot chunk of {length} bytes")));
    }
    let mut chunk = vec![0; length as usize];
    file.read_exact(&mut chunk).map_err(reading())?;
    if crc32c(&chunk) != u32::from_le_bytes(crc) {
        return Err(ConsensusError::Malformed("a snapshot chunk has the wrong checksum".into()));
    }
    Ok(Some(chunk))
}
