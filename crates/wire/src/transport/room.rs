//! How much of a node's memory one connection may take: the requests in the handler's hands, and the replies
//! that are not written yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use isobar_base::limits;
use tokio::sync::Notify;

/// Bytes of requests and of unwritten replies at which no further request is read. A connection can take more
/// by what the requests that were read before have as replies.
const CONNECTION_BYTES_MAX: usize = 64 << 20;
/// A request takes at least so much.
const REQUEST_BYTES_MIN: usize = CONNECTION_BYTES_MAX / limits::REQUESTS_IN_FLIGHT_MAX;

/// The room of one connection.
#[derive(Debug, Default)]
pub(crate) struct Room {
    used: AtomicUsize,
    freed: Notify,
}

/// Room that is taken; given back when dropped.
#[derive(Debug)]
pub struct Charge {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    /// Takes room for a request of `bytes`.
    pub(crate) fn request(self: &Arc<Room>, bytes: usize) -> Charge {
        let mut charge = Charge { room: self.clone(), bytes: 0 };
        charge.add(bytes.max(REQUEST_BYTES_MIN));
        charge
    }

    /// Whether another request may be read.
    pub(crate) fn is_free(&self) -> bool {
        self.used.load(Ordering::Acquire) < CONNECTION_BYTES_MAX
    }

    /// Waits until another request may be read.
    pub(crate) async fn free(&self) {
        loop {
            let freed = self.freed.notified();
            if self.is_free() {
                return;
            }
            freed.await;
        }
    }
}

impl Charge {
    /// Takes more, for the reply.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.room.used.fetch_add(bytes, Ordering::AcqRel);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.room.used.fetch_sub(self.bytes, Ordering::AcqRel);
        // The one task that reads the connection waits, if any: a notification is kept for it.
        self.room.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reply_keeps_its_room_until_it_is_dropped() {
        let room = Arc::new(Room::default());
        let mut charge = room.request(10);
        assert!(room.is_free());
        charge.add(CONNECTION_BYTES_MAX);
        assert!(!room.is_free());
        let waiting = tokio::spawn({
            let room = room.clone();
            async move { room.free().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(charge);
        waiting.await.unwrap();
        assert_eq!(room.used.load(Ordering::Acquire), 0);
    }

    #[test]
    fn as_many_small_requests_fit_as_may_be_in_flight() {
        let room = Arc::new(Room::default());
        let taken: Vec<Charge> = (0..limits::REQUESTS_IN_FLIGHT_MAX).map(|_| room.request(0)).collect();
        assert!(!room.is_free());
        drop(taken);
        assert!(room.is_free());
    }
}
