//! What came of mdtest's workload.

use serde::{Deserialize, Serialize};

use super::options::MdtestOptions;
use super::step::MdtestStep;
use crate::location::Location;
use crate::phase::Phase;
use crate::stats::Stats;

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MdtestReport {
    /// What was measured, where and when.
    pub place: Location,
    /// With which options.
    pub options: MdtestOptions,
    /// Items of each process.
    pub items: u64,
    /// Every iteration's phases, in the order they ran.
    pub iterations: Vec<Vec<(MdtestStep, Phase)>>,
    /// Items per second over iterations, for the phases that ran.
    pub rates: Vec<(MdtestStep, Stats)>,
    /// Seconds over iterations.
    pub times: Vec<(MdtestStep, Stats)>,
    /// Reads that gave wrong bytes; anything but 0 is a failure of the file system.
    pub wrong: u64,
}

impl MdtestReport {
    /// Of all iterations.
    pub(super) fn of(
        place: Location,
        options: &MdtestOptions,
        iterations: Vec<Vec<(MdtestStep, Phase)>>,
    ) -> MdtestReport {
        let stats = |value: fn(&Phase) -> f64| {
            MdtestStep::ALL
                .into_iter()
                .filter_map(|step| {
                    let of_step = |all: &Vec<(MdtestStep, Phase)>| {
                        all.iter().find(|(s, _)| *s == step).map(|(_, phase)| value(phase))
                    };
                    let values: Vec<f64> = iterations.iter().filter_map(of_step).collect();
                    (!values.is_empty()).then(|| (step, Stats::of(&values)))
                })
                .collect()
        };
        MdtestReport {
            place,
            options: options.clone(),
            items: options.items(),
            rates: stats(Phase::operations_per_second),
            times: stats(|phase| phase.seconds),
            wrong: iterations.iter().flatten().map(|(_, phase)| phase.verified.wrong).sum(),
            iterations,
        }
    }

    /// Whether every byte that was checked was right.
    pub fn is_right(&self) -> bool {
        self.wrong == 0
    }

    /// All phases.
    pub fn phases(&self) -> impl Iterator<Item = &Phase> {
        self.iterations.iter().flatten().map(|(_, phase)| phase)
    }

    /// Mean items per second of a step, when it ran.
    pub fn rate(&self, step: MdtestStep) -> Option<f64> {
        self.rates.iter().find(|(s, _)| *s == step).map(|(_, stats)| stats.mean)
    }
}
