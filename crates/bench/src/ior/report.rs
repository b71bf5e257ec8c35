//! What came of IOR's workload.

use serde::{Deserialize, Serialize};

use super::options::IorOptions;
use crate::location::Location;
use crate::phase::Phase;
use crate::stats::Stats;

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IorReport {
    /// What was measured, where and when.
    pub place: Location,
    /// With which options.
    pub options: IorOptions,
    /// Every iteration.
    pub iterations: Vec<IorIteration>,
    /// All writes, when there were any.
    pub write: Option<IorSummary>,
    /// All reads, when there were any.
    pub read: Option<IorSummary>,
    /// Reads that gave wrong bytes; anything but 0 is a failure of the file system.
    pub wrong: u64,
}

/// One iteration.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct IorIteration {
    /// Writing.
    pub write: Option<Phase>,
    /// Reading back what was just written, every byte compared (`-W`); not part of any rate.
    pub check_write: Option<Phase>,
    /// Reading.
    pub read: Option<Phase>,
    /// How long removing took, in seconds; none with `-k`.
    pub remove_seconds: Option<f64>,
}

/// Rates over iterations.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct IorSummary {
    /// MiB (2^20 bytes) per second.
    pub mib_per_second: Stats,
    /// Transfers per second.
    pub operations_per_second: Stats,
    /// Mean duration of an access, in seconds.
    pub mean_seconds: f64,
    /// Bytes of the first iteration.
    pub bytes: u64,
}

impl IorReport {
    /// Of all iterations.
    pub(super) fn of(place: Location, options: &IorOptions, iterations: Vec<IorIteration>) -> IorReport {
        let all = iterations.iter().flat_map(|i| [&i.write, &i.check_write, &i.read]).flatten();
        IorReport {
            place,
            options: options.clone(),
            write: IorSummary::of(&iterations, |i| i.write.as_ref()),
            read: IorSummary::of(&iterations, |i| i.read.as_ref()),
            wrong: all.map(|phase| phase.verified.wrong).sum(),
            iterations,
        }
    }

    /// Whether every byte that was checked was right.
    pub fn is_right(&self) -> bool {
        self.wrong == 0
    }

    /// The first phase of each kind, for what IOR's tables do not show.
    pub fn phases(&self) -> impl Iterator<Item = &Phase> {
        self.iterations.iter().flat_map(|i| [&i.write, &i.check_write, &i.read]).flatten()
    }
}

impl IorSummary {
    /// Of one phase of each iteration; none when there was none.
    fn of(iterations: &[IorIteration], phase: fn(&IorIteration) -> Option<&Phase>) -> Option<IorSummary> {
        let phases: Vec<&Phase> = iterations.iter().filter_map(phase).collect();
        let each = |value: fn(&Phase) -> f64| phases.iter().map(|p| value(p)).collect::<Vec<f64>>();
        Some(IorSummary {
            bytes: phases.first()?.bytes(),
            mib_per_second: Stats::of(&each(Phase::mib_per_second)),
            operations_per_second: Stats::of(&each(Phase::operations_per_second)),
            mean_seconds: Stats::of(&each(|p| p.seconds)).mean,
        })
    }
}
