//! Rows kept for reading, and rows on their way: each is fetched once however many wait for it.
//!
//! A data row that its target does not give is computed from n others. Those come from here, too
//! ([`RowSource`]): they are rows that the reader of a stream wants anyway, and some parity rows. So a
//! segment costs n requests whatever is missing of it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use isobar_base::{Errno, SegmentId};
use isobar_wire::message::files::SegmentInfo;
use parking_lot::Mutex;
use tokio::sync::watch;

use isobar_segments::{Coming, Row, RowError, RowSource, Segments};

/// Of something on its way, once it is there.
type Shared<T> = watch::Receiver<Option<T>>;
type Outcome = Result<Bytes, Errno>;
type Stored = Result<Arc<Row>, RowError>;
type Key = (SegmentId, u8);

/// Whole rows in memory, bounded in bytes, oldest out first. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    segments: Segments,
    cache: Arc<Mutex<Cache>>,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Cache {
    rows: HashMap<Key, Entry>,
    order: VecDeque<(Key, usize)>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Entry {
    /// The row, read or computed.
    wanted: Option<Shared<Outcome>>,
    /// The row as it comes from its target.
    stored: Option<Shared<Stored>>,
}

impl Cache {
    /// What is known of a row. One that is new here takes the room of older ones.
    fn entry(&mut self, segment: &SegmentInfo, row: u8, bytes_max: usize) -> &mut Entry {
        let key = (segment.id, row);
        if !self.rows.contains_key(&key) {
            let bytes = segment.geometry.row_bytes() as usize;
            self.order.push_back((key, bytes));
            self.bytes += bytes;
            while self.bytes > bytes_max
                && self.order.len() > 1
                && let Some((old, bytes)) = self.order.pop_front()
            {
                self.bytes -= bytes;
                self.rows.remove(&old);
            }
        }
        self.rows.entry(key).or_default()
    }
}

impl Rows {
    pub fn new(segments: Segments, bytes_max: usize) -> Rows {
        Rows { segments, cache: Arc::default(), bytes_max }
    }

    /// Bytes kept at most.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// The row, if it is here.
    pub fn try_get(&self, segment: SegmentId, row: u8) -> Option<Bytes> {
        let cache = self.cache.lock();
        let entry = cache.rows.get(&(segment, row))?;
        if let Some(Some(Ok(bytes))) = entry.wanted.as_ref().map(|wanted| wanted.borrow().clone()) {
            return Some(bytes);
        }
        let stored = entry.stored.as_ref()?.borrow();
        Some(stored.as_ref()?.as_ref().ok()?.bytes.clone())
    }

    /// Whether the row is here or on its way.
    pub fn is_coming(&self, segment: SegmentId, row: u8) -> bool {
        let cache = self.cache.lock();
        let usable = |entry: &Entry| {
            entry.wanted.as_ref().is_some_and(is_usable) || entry.stored.as_ref().is_some_and(is_usable)
        };
        cache.rows.get(&(segment, row)).is_some_and(usable)
    }

    /// The row, fetched if need be.
    pub async fn get(&self, segment: &Arc<SegmentInfo>, row: u8) -> Result<Bytes, Errno> {
        let mut coming = self.fetch(segment, row);
        let outcome = coming.wait_for(Option::is_some).await.map_err(|_| Errno::EIO)?;
        outcome.clone().unwrap_or(Err(Errno::EIO))
    }

    /// Starts fetching a row unless it is here or on its way.
    pub fn fetch(&self, segment: &Arc<SegmentInfo>, row: u8) -> Shared<Outcome> {
        let (sender, receiver) = {
            let mut cache = self.cache.lock();
            let wanted = &mut cache.entry(segment, row, self.bytes_max).wanted;
            if let Some(coming) = wanted.as_ref().filter(|coming| is_usable(coming)) {
                return coming.clone();
            }
            let (sender, receiver) = watch::channel(None);
            *wanted = Some(receiver.clone());
            (sender, receiver)
        };
        let (this, segment) = (self.clone(), segment.clone());
        tokio::spawn(async move {
            let outcome = this.segments.read_row(&this, &segment, row).await;
            sender.send_replace(Some(outcome));
        });
        receiver
    }
}

impl RowSource for Rows {
    fn is_coming(&self, segment: &SegmentInfo, row: u8) -> bool {
        let cache = self.cache.lock();
        let stored = cache.rows.get(&(segment.id, row)).and_then(|entry| entry.stored.as_ref());
        stored.is_some_and(is_usable)
    }

    /// Runs by itself: others may have joined when whoever asked first does not wait any more.
    fn get(&self, segment: &SegmentInfo, row: u8, units: (u32, u32)) -> Coming {
        let mut coming = {
            let mut cache = self.cache.lock();
            let stored = &mut cache.entry(segment, row, self.bytes_max).stored;
            match stored.as_ref().filter(|coming| is_usable(coming)) {
                Some(coming) => coming.clone(),
                None => {
                    let (sender, receiver) = watch::channel(None);
                    let reading = self.segments.get(segment, row, units);
                    tokio::spawn(async move { sender.send_replace(Some(reading.await)) });
                    stored.insert(receiver).clone()
                }
            }
        };
        Box::pin(async move {
            let there = coming.wait_for(Option::is_some).await.map_err(|_| RowError::Unreachable)?;
            there.clone().unwrap_or(Err(RowError::Unreachable))
        })
    }
}

/// Whether it is there or will be. What failed is tried again by the next who wants it.
fn is_usable<T, E>(coming: &Shared<Result<T, E>>) -> bool {
    match &*coming.borrow() {
        Some(outcome) => outcome.is_ok(),
        None => coming.has_changed().is_ok(),
    }
}
