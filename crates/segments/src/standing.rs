//! What can be expected of the target of a row: whether it is asked first, and for how long it is waited for.

use std::time::Duration;

use isobar_cluster::{ClusterSnapshot, RowRequest};
use isobar_wire::message::files::SegmentInfo;

use crate::Segments;
use crate::row::holder;

/// Others are asked too when a target takes this many times its usual time, ...
const HEDGE_FACTOR: u32 = 4;
/// ... and longer than this, ...
const HEDGE_MIN: Duration = Duration::from_millis(20);
/// ... or this long, whatever is usual.
const HEDGE_MAX: Duration = Duration::from_secs(1);
/// What is usual for a target that was not asked yet.
const USUAL: Duration = Duration::from_millis(25);
/// A target that does not answer may take this many times its usual time before it counts as failed, ...
const SLOW_FACTOR: u32 = 20;
/// ... at least this long, ...
const SLOW_MIN: Duration = Duration::from_secs(2);
/// ... and at most this long.
pub(crate) const SLOW_MAX: Duration = Duration::from_secs(10);

/// How the target of a row is, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Standing {
    /// It answers.
    Good,
    /// It takes far longer than those of the other rows.
    Slow,
    /// It does not report, or did not answer lately.
    Away,
}

impl Standing {
    pub(crate) const ALL: [Standing; 3] = [Standing::Good, Standing::Slow, Standing::Away];
}

impl Segments {
    pub(crate) fn standing(&self, known: &ClusterSnapshot, segment: &SegmentInfo, row: u8) -> Standing {
        let view = self.0.cluster.view();
        let Some(target) = holder(known, segment, row).filter(|&target| view.is_readable(known, target))
        else {
            return Standing::Away;
        };
        let holders = (0..segment.geometry.rows()).filter_map(|row| holder(known, segment, row));
        if view.is_outlier(target, RowRequest::Get, holders) { Standing::Slow } else { Standing::Good }
    }

    /// How long the target of a row is waited for before it counts as failed.
    pub(crate) fn get_budget(&self, known: &ClusterSnapshot, segment: &SegmentInfo, row: u8) -> Duration {
        (self.usual_get(known, segment, row) * SLOW_FACTOR).clamp(SLOW_MIN, SLOW_MAX)
    }

    /// How long the target of a row is waited for before others are asked, too.
    pub(crate) fn hedge_after(&self, known: &ClusterSnapshot, segment: &SegmentInfo, row: u8) -> Duration {
        (self.usual_get(known, segment, row) * HEDGE_FACTOR).clamp(HEDGE_MIN, HEDGE_MAX)
    }

    fn usual_get(&self, known: &ClusterSnapshot, segment: &SegmentInfo, row: u8) -> Duration {
        let usual = |target| self.0.cluster.view().usual(target, RowRequest::Get);
        holder(known, segment, row).and_then(usual).unwrap_or(USUAL)
    }
}
