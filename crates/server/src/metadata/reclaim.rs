//! Whether there is hope of room: writers that find none wait while some is being freed, or while nobody has
//! looked yet what could be.

use std::time::{Duration, Instant};

use isobar_wire::message::cluster::TargetLive;
use parking_lot::Mutex;

/// From this share of used room on, room is looked for without long pauses.
pub(crate) const CROWDED: f64 = 0.8;
/// What was so long ago says nothing of room to come.
const RECENT: Duration = Duration::from_secs(5);

/// What this leader has done for room.
#[derive(Debug, Default)]
pub(crate) struct Reclaim(Mutex<Done>);

#[derive(Debug, Default)]
struct Done {
    /// When some was freed last.
    freed: Option<Instant>,
    /// When the last search of everything ended, and how long it took.
    searched: Option<(Instant, Duration)>,
    /// Nobody searches here.
    never_searches: bool,
}

impl Reclaim {
    /// This node leads from now on.
    pub(crate) fn begin(&self) {
        *self.0.lock() = Done::default();
    }

    /// Some room was freed, or will be: live bytes of half-dead segments were copied elsewhere.
    pub(crate) fn freed(&self) {
        self.0.lock().freed = Some(Instant::now());
    }

    /// A search that began then has just ended: all that could be freed has been.
    pub(crate) fn searched(&self, begun: Instant) {
        self.0.lock().searched = Some((Instant::now(), begun.elapsed()));
    }

    /// Compaction is switched off.
    pub(crate) fn never_searches(&self) {
        self.0.lock().never_searches = true;
    }

    /// Whether more room may be expected than these targets have.
    pub(crate) fn is_expected(&self, live: &[TargetLive]) -> bool {
        let done = self.0.lock();
        let freed = done.freed.is_some_and(|at| at.elapsed() < RECENT);
        // A large cluster takes long to search, and is searched again and again.
        let known = |(at, took): (Instant, Duration)| at.elapsed() < RECENT.max(took * 2);
        let unknown = !done.never_searches && !done.searched.is_some_and(known);
        freed || unknown && fill_ratio(live) > CROWDED
    }
}

/// What share of the room of all targets that report is used.
pub(crate) fn fill_ratio(live: &[TargetLive]) -> f64 {
    let up = || live.iter().filter(|l| l.up && !l.failed);
    let used: u64 = up().map(|l| l.used_bytes).sum();
    let free: u64 = up().map(|l| l.free_bytes).sum();
    used as f64 / (used + free).max(1) as f64
}

#[cfg(test)]
mod tests {
    use isobar_base::TargetId;

    use super::*;

    #[test]
    fn there_is_hope_of_room_while_some_is_freed_and_until_all_was_searched() {
        let live = |used_bytes, free_bytes| {
            let id = TargetId(1);
            [TargetLive {
                id,
                up: true,
                failed: false,
                damaged_rows: 0,
                used_bytes,
                free_bytes,
                rebuild: None,
            }]
        };
        let (roomy, full) = (live(10, 90), live(95, 5));
        let reclaim = Reclaim::default();
        assert!(!reclaim.is_expected(&roomy), "there is no need for more");
        assert!(reclaim.is_expected(&full), "nobody has looked");
        // It took a minute: what it found holds until the next one may have ended.
        reclaim.searched(Instant::now().checked_sub(Duration::from_secs(60)).unwrap());
        assert!(!reclaim.is_expected(&full), "there is nothing to be had");
        reclaim.freed();
        assert!(reclaim.is_expected(&full) && reclaim.is_expected(&roomy));
        reclaim.begin();
        assert!(reclaim.is_expected(&full), "another leadership knows nothing");
        reclaim.never_searches();
        assert!(!reclaim.is_expected(&full), "nobody will look");
    }
}
