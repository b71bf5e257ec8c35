//! Byte buffers aligned for O_DIRECT, and a pool that keeps large ones mapped.
//!
//! A fresh 8 MiB allocation costs a page fault for every 4 KiB touched, more than copying the bytes;
//! the data path therefore recycles its buffers.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use parking_lot::Mutex;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

/// One 4 KiB aligned page.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(4096))]
struct Page([u8; 4096]);

const PAGE: usize = 4096;

/// A byte buffer whose start is 4 KiB aligned and whose capacity is a multiple of 4 KiB.
///
/// Dropped buffers return to the pool they came from.
pub struct AlignedBuf {
    pages: Vec<Page>,
    len: usize,
    home: Option<Arc<Shelf>>,
}

impl AlignedBuf {
    /// A zeroed buffer of `len` bytes.
    pub fn zeroed(len: usize) -> AlignedBuf {
        AlignedBuf { pages: new_pages(len), len, home: None }
    }

    /// A buffer that holds a copy of `data`.
    pub fn from_slice(data: &[u8]) -> AlignedBuf {
        let mut buf = AlignedBuf::zeroed(data.len());
        buf.copy_from_slice(data);
        buf
    }

    /// Bytes the buffer can hold without a new allocation.
    pub fn capacity(&self) -> usize {
        self.pages.len() * PAGE
    }

    /// Makes the buffer `len` bytes long. Bytes within the old capacity keep whatever they held.
    pub fn set_len(&mut self, len: usize) {
        if len > self.capacity() {
            let mut pages = new_pages(len.max(self.capacity() * 2));
            let old = self.len;
            pages.as_mut_bytes()[..old].copy_from_slice(&self.pages.as_bytes()[..old]);
            self.pages = pages;
        }
        self.len = len;
    }

    /// The buffer with its capacity beyond `len` rounded up to whole pages, for direct I/O.
    pub fn padded(&self) -> &[u8] {
        &self.pages.as_bytes()[..self.len.next_multiple_of(PAGE)]
    }

    /// Like [`AlignedBuf::padded`], to be written to.
    pub fn padded_mut(&mut self) -> &mut [u8] {
        let len = self.len.next_multiple_of(PAGE);
        &mut self.pages.as_mut_bytes()[..len]
    }
}

fn new_pages(len: usize) -> Vec<Page> {
    let count = len.div_ceil(PAGE);
    Page::new_vec_zeroed(count).unwrap_or_else(|_| panic!("out of memory allocating {len} bytes"))
}

impl Deref for AlignedBuf {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.pages.as_bytes()[..self.len]
    }
}

impl DerefMut for AlignedBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.pages.as_mut_bytes()[..self.len]
    }
}

impl AsRef<[u8]> for AlignedBuf {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Default for AlignedBuf {
    fn default() -> Self {
        AlignedBuf::zeroed(0)
    }
}

impl std::fmt::Debug for AlignedBuf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AlignedBuf({} bytes)", self.len)
    }
}

impl Drop for AlignedBuf {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.put(std::mem::take(&mut self.pages));
        }
    }
}

/// Idle page runs, bounded in bytes.
#[derive(Debug)]
struct Shelf {
    idle: Mutex<Idle>,
    idle_bytes_max: usize,
}

#[derive(Debug, Default)]
struct Idle {
    runs: std::collections::BTreeMap<usize, Vec<Vec<Page>>>,
    bytes: usize,
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Page")
    }
}

impl Shelf {
    fn put(&self, run: Vec<Page>) {
        let bytes = run.len() * PAGE;
        let mut idle = self.idle.lock();
        if bytes > 0 && idle.bytes + bytes <= self.idle_bytes_max {
            idle.bytes += bytes;
            idle.runs.entry(run.len()).or_default().push(run);
        }
    }

    /// A run of at least `pages` pages and less than twice as many.
    fn take(&self, pages: usize) -> Option<Vec<Page>> {
        let mut idle = self.idle.lock();
        let (&size, runs) =
            idle.runs.range_mut(pages..pages.saturating_mul(2)).find(|(_, runs)| !runs.is_empty())?;
        let run = runs.pop();
        if run.is_some() {
            idle.bytes -= size * PAGE;
        }
        run
    }
}

/// A pool of [`AlignedBuf`]s that keeps a bounded number of idle bytes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BufPool {
    shelf: Arc<Shelf>,
}

impl BufPool {
    /// A pool that keeps at most `idle_bytes_max` bytes of unused buffers.
    pub fn new(idle_bytes_max: usize) -> BufPool {
        BufPool { shelf: Arc::new(Shelf { idle: Mutex::default(), idle_bytes_max }) }
    }

    /// A buffer of `len` bytes **whose contents are arbitrary**: the caller overwrites all of it.
    pub fn get(&self, len: usize) -> AlignedBuf {
        let pages = len.div_ceil(PAGE);
        let pages = self.shelf.take(pages).unwrap_or_else(|| new_pages(len));
        AlignedBuf { pages, len, home: Some(self.shelf.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_page_aligned_and_padded_to_whole_pages() {
        let buf = AlignedBuf::from_slice(b"hello");
        assert_eq!(buf.as_ptr() as usize % PAGE, 0);
        assert_eq!(&buf[..], b"hello");
        assert_eq!(buf.padded().len(), PAGE);
    }

    #[test]
    fn growing_keeps_the_contents() {
        let mut buf = AlignedBuf::from_slice(b"hello");
        buf.set_len(100_000);
        assert_eq!(&buf[..5], b"hello");
        assert_eq!(buf.len(), 100_000);
    }

    #[test]
    fn a_dropped_buffer_is_handed_out_again_within_the_bound() {
        let pool = BufPool::new(1 << 20);
        let first = pool.get(500_000);
        let address = first.as_ptr();
        drop(first);
        assert_eq!(pool.get(400_000).as_ptr(), address);
        drop(pool.get(4 << 20));
        assert!(pool.shelf.idle.lock().bytes <= 1 << 20);
    }
}
