//! Rows kept for reading, and rows on their way: each is fetched once however many wait for it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use isobar_base::{Errno, SegmentId};
use isobar_wire::message::files::SegmentInfo;
use parking_lot::Mutex;
use tokio::sync::watch;

use isobar_segments::Segments;

type Outcome = Option<Result<Bytes, Errno>>;
type Key = (SegmentId, u8);

/// Whole data rows in memory, bounded in bytes, oldest out first. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    segments: Segments,
    cache: Arc<Mutex<Cache>>,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Cache {
    rows: HashMap<Key, watch::Receiver<Outcome>>,
    order: VecDeque<(Key, usize)>,
    bytes: usize,
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
        let outcome = cache.rows.get(&(segment, row))?.borrow();
        match &*outcome {
            Some(Ok(bytes)) => Some(bytes.clone()),
            _ => None,
        }
    }

    /// Whether the row is here or on its way.
    pub fn is_coming(&self, segment: SegmentId, row: u8) -> bool {
        self.cache.lock().rows.contains_key(&(segment, row))
    }

    /// The row, fetched if need be.
    pub async fn get(&self, segment: &Arc<SegmentInfo>, row: u8) -> Result<Bytes, Errno> {
        let mut coming = self.fetch(segment, row);
        let outcome = coming.wait_for(Option::is_some).await.map_err(|_| Errno::EIO)?;
        outcome.clone().unwrap_or(Err(Errno::EIO))
    }

    /// Starts fetching a row unless it is here or on its way.
    pub fn fetch(&self, segment: &Arc<SegmentInfo>, row: u8) -> watch::Receiver<Outcome> {
        let key = (segment.id, row);
        let sender = {
            let mut cache = self.cache.lock();
            if let Some(coming) = cache.rows.get(&key) {
                return coming.clone();
            }
            let (sender, receiver) = watch::channel(None);
            let bytes = segment.geometry.row_bytes() as usize;
            cache.rows.insert(key, receiver);
            cache.order.push_back((key, bytes));
            cache.bytes += bytes;
            while cache.bytes > self.bytes_max
                && let Some((old, bytes)) = cache.order.pop_front()
            {
                cache.bytes -= bytes;
                cache.rows.remove(&old);
            }
            sender
        };
        let receiver = sender.subscribe();
        let (this, segment) = (self.clone(), segment.clone());
        tokio::spawn(async move {
            let range = 0..segment.geometry.row_bytes() as u32;
            let outcome = this.segments.read_in_row(&segment, row, range).await;
            if outcome.is_err() {
                // The next reader tries again.
                this.cache.lock().rows.remove(&key);
            }
            sender.send_replace(Some(outcome));
        });
        receiver
    }
}
