//! Of which rows the search for orphans need not ask again and again: a target has very many rows, and nearly
//! all of them are of segments in use.
//!
//! A segment in use stays so until the leader has its rows deleted, which this target hears of. So after a
//! search only segments have to be asked about that were not in use then, and new ones. Counters of a session
//! rise, and rows come in about that order: for each session it is enough to know below which counter all
//! rows were of segments in use. A row may come late, with a lower counter than others that were in use
//! already; therefore what one search finds holds only from the search after the next one on: nobody tries to
//! store a row for that long.
//!
//! Whoever may have missed deletions, or wants to be certain, asks about all rows again.

use std::collections::{HashMap, HashSet};

use isobar_base::{FragmentKey, SegmentId, SessionId};
use isobar_wire::message::queries::SegmentState;

/// What searches have found so far.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Rows of segments of a session below this counter are not asked about.
    settled: HashMap<SessionId, u64>,
    /// What the last search found.
    found: HashMap<SessionId, u64>,
}

/// A search under way.
#[derive(Debug)]
pub(super) struct Search {
    settled: HashMap<SessionId, u64>,
    found: HashMap<SessionId, u64>,
    /// Sessions with a segment that was not in use.
    unsettled: HashSet<SessionId>,
}

impl Settled {
    /// Begins a search, of all rows if need be.
    pub(super) fn begin(&self, all: bool) -> Search {
        let (settled, found) =
            if all { Default::default() } else { (self.settled.clone(), self.found.clone()) };
        Search { settled, found, unsettled: HashSet::new() }
    }

    /// A search has reached the end.
    pub(super) fn end(&mut self, search: Search) {
        let found = std::mem::replace(&mut self.found, search.found);
        let both =
            |(session, counter): (SessionId, u64)| Some((session, counter.min(*self.found.get(&session)?)));
        self.settled = found.into_iter().filter_map(both).collect();
    }
}

impl Search {
    /// The rows after `after` whose segments are to be asked about, in order and at most `limit` of them;
    /// none at the end. `list` gives rows after one, so many at most.
    pub(super) fn next(
        &self,
        mut after: Option<FragmentKey>,
        limit: usize,
        list: impl Fn(Option<FragmentKey>, usize) -> Vec<FragmentKey>,
    ) -> Vec<FragmentKey> {
        while let Some(first) = list(after, 1).first() {
            let session = first.segment.session;
            let Some(below) = self.settled.get(&session).filter(|_| self.is_settled(first)) else {
                let mut rows = list(after, limit);
                rows.truncate(rows.iter().take_while(|row| !self.is_settled(row)).count());
                return rows;
            };
            // On from the last row that may be settled.
            after = Some(FragmentKey { segment: SegmentId { session, counter: below - 1 }, row: u8::MAX });
        }
        Vec::new()
    }

    fn is_settled(&self, row: &FragmentKey) -> bool {
        self.settled.get(&row.segment.session).is_some_and(|&below| row.segment.counter < below)
    }

    /// A segment of which there are rows is in this state. To be told in the order of the segments.
    pub(super) fn note(&mut self, id: SegmentId, state: SegmentState) {
        let below = self.found.entry(id.session).or_default();
        match state {
            SegmentState::Referenced if self.unsettled.contains(&id.session) => {}
            SegmentState::Referenced => *below = (*below).max(id.counter + 1),
            // Its rows are being deleted.
            SegmentState::Garbage => {}
            SegmentState::Pending => {
                *below = (*below).min(id.counter);
                self.unsettled.insert(id.session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ops::Bound;

    use super::*;

    fn id(session: u64, counter: u64) -> SegmentId {
        SegmentId { session: SessionId(session), counter }
    }

    /// A target, the segments that may still be committed, and what was found so far.
    #[derive(Default)]
    struct Target {
        rows: BTreeSet<FragmentKey>,
        pending: HashSet<SegmentId>,
        settled: Settled,
    }

    impl Target {
        fn put(&mut self, session: u64, counters: impl Iterator<Item = u64>) {
            let rows = counters.flat_map(|counter| [0, 3].map(|row| (counter, row)));
            self.rows.extend(rows.map(|(counter, row)| FragmentKey { segment: id(session, counter), row }));
        }

        /// Gives the segments that a search asks about.
        fn search(&mut self, all: bool) -> Vec<SegmentId> {
            let (mut search, mut after, mut asked) = (self.settled.begin(all), None, Vec::new());
            loop {
                let rows = search.next(after, 100, |after, limit| {
                    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
                    self.rows.range((start, Bound::Unbounded)).take(limit).copied().collect()
                });
                let Some(last) = rows.last() else { break };
                after = Some(*last);
                for row in rows {
                    if asked.last() != Some(&row.segment) {
                        asked.push(row.segment);
                        let pending = self.pending.contains(&row.segment);
                        let state = if pending { SegmentState::Pending } else { SegmentState::Referenced };
                        search.note(row.segment, state);
                    }
                }
            }
            self.settled.end(search);
            asked
        }
    }

    #[test]
    fn what_is_in_use_is_not_asked_about_for_ever() {
        let mut target = Target::default();
        (1..=3).for_each(|session| target.put(session, 1..=1000));
        assert_eq!(target.search(true).len(), 3000);
        assert_eq!(target.search(false).len(), 3000, "some may have come late");
        assert_eq!(target.search(false), []);
        target.put(2, 1001..=1010);
        target.put(9, 1..=5);
        assert_eq!(target.search(false).len(), 15);
        assert_eq!(target.search(false).len(), 15);
        assert_eq!(target.search(false), []);
        assert_eq!(target.search(true).len(), 3015);
    }

    #[test]
    fn what_may_still_be_committed_is_asked_about_until_it_is_decided() {
        let mut target = Target::default();
        target.put(1, 1..=100);
        target.pending.insert(id(1, 40));
        (0..5).for_each(|_| drop(target.search(false)));
        assert_eq!(target.search(false), (40..=100).map(|counter| id(1, counter)).collect::<Vec<_>>());
        target.pending.clear();
        (0..2).for_each(|_| drop(target.search(false)));
        assert_eq!(target.search(false), []);
    }

    #[test]
    fn a_row_that_comes_late_is_asked_about() {
        let mut target = Target::default();
        target.put(1, (1..=100).filter(|&counter| counter != 50));
        target.search(true);
        target.put(1, 50..=50);
        target.pending.insert(id(1, 50));
        assert!(target.search(false).contains(&id(1, 50)));
        for _ in 0..3 {
            assert_eq!(target.search(false)[0], id(1, 50), "and nothing before it");
        }
    }
}
