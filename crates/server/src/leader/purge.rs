//! Purging: extents that nobody can reach, of removed inodes and of holes, and what ended sessions left
//! behind go step by step, so that no entry of the log is long.

use std::sync::Arc;

use isobar_base::Ino;
use isobar_wire::message::ops::{FileOp, Op, SessionOp};
use isobar_wire::message::queries::{Answer, ClusterQuery, Query, SessionQuery};

use crate::limits::{COLLECT_EVERY, PURGE_INODES_MAX, PURGE_SESSIONS_MAX};
use crate::metadata::Metadata;

/// A place in the purge queue: since which log index, and which inode.
type Place = (u64, Ino);

/// Purges, as long as this node leads.
pub(crate) async fn run(meta: Arc<Metadata>) {
    let mut queue = Queue::default();
    loop {
        // Each kind has entries of its own: an entry has room for a bounded amount of either.
        let more = clean_up(&meta).await | queue.step(&meta).await;
        if !more {
            tokio::time::sleep(COLLECT_EVERY).await;
        }
    }
}

/// Takes one step at some of the sessions that have ended. True when there may be more to do.
async fn clean_up(meta: &Metadata) -> bool {
    let Some(Answer::SessionIds(ended)) = ask(meta, SessionQuery::Ended { limit: PURGE_SESSIONS_MAX }) else {
        return false;
    };
    let ops: Vec<Op> = ended.into_iter().map(|session| SessionOp::CleanUp { session }.into()).collect();
    !ops.is_empty() && meta.execute(ops).await.is_ok()
}

/// Where this leader is in the queue: what was purged before it is not stepped over again.
#[derive(Default)]
struct Queue {
    /// Everything up to here has left the queue.
    after: Option<Place>,
    /// What the last step worked at.
    head: Vec<Place>,
}

impl Queue {
    /// Takes one step at the head of the queue. True when there may be more to do.
    async fn step(&mut self, meta: &Metadata) -> bool {
        let query = ClusterQuery::PurgeQueue { after: self.after, limit: PURGE_INODES_MAX };
        let Some(Answer::Queued(queued)) = ask(meta, query) else { return false };
        self.advance(queued);
        let ops: Vec<Op> = self.head.iter().map(|&(_, ino)| FileOp::Purge { ino }.into()).collect();
        !ops.is_empty() && meta.execute(ops).await.is_ok()
    }

    /// Takes note of what is at the head now. Places are given in the order of the log, so nothing comes in
    /// before them any more.
    fn advance(&mut self, queued: Vec<Place>) {
        let first = queued.first().copied();
        let gone = self.head.iter().take_while(|&&place| first.is_none_or(|first| place < first));
        self.after = gone.last().copied().or(self.after);
        self.head = queued;
    }
}

fn ask(meta: &Metadata, query: impl Into<Query>) -> Option<Answer> {
    let query = query.into();
    meta.group.read(|kv| isobar_meta::query(kv, &query)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_in_the_queue_follows_what_has_left_it() {
        let place = |index| (index, Ino(index));
        let mut queue = Queue::default();
        queue.advance(vec![place(3), place(4), place(6)]);
        assert_eq!(queue.after, None);
        queue.advance(vec![place(4), place(6), place(9)]);
        assert_eq!(queue.after, Some(place(3)));
        // One in the middle has left before the first: the first holds the place.
        queue.advance(vec![place(4), place(9)]);
        assert_eq!(queue.after, Some(place(3)));
        queue.advance(vec![]);
        assert_eq!(queue.after, Some(place(9)));
        queue.advance(vec![]);
        assert_eq!(queue.after, Some(place(9)));
    }
}
