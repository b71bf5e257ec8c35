//! Refuses targets that make no sense or contradict each other.

use super::error::TargetsError;
use super::sections::{RecoveryTargets, Streams, Targets};

impl Targets {
    /// Refuses what makes no sense or contradicts itself; `origin` names the file.
    pub(super) fn check(&self, origin: &str) -> Result<(), TargetsError> {
        self.check_numbers(origin)?;
        let problem = of_streams(&self.streams).or_else(|| of_recovery(&self.recovery));
        let origin = origin.to_owned();
        problem.map_or(Ok(()), |problem| Err(TargetsError::Contradiction { origin, problem }))
    }

    fn check_numbers(&self, origin: &str) -> Result<(), TargetsError> {
        let shares = [
            ("of_model_min", self.of_model_min, 10.0),
            ("efficiency.network_min", self.efficiency.network_min, 1.0),
            ("efficiency.device_min", self.efficiency.device_min, 1.0),
            ("network.pair_of_median_min", self.network.pair_of_median_min, 1.0),
            ("recovery.recovered_share", self.recovery.recovered_share, 1.0),
            ("recovery.drop_max", self.recovery.drop_max, 1.0),
        ];
        for (name, value, most) in shares {
            if let Some(value) = value
                && !(0.0..=most).contains(&value)
            {
                return Err(TargetsError::NotAShare { origin: origin.to_owned(), name, value, most });
            }
        }
        let counts = [
            ("small_files.files_each_way_per_second_min", self.small_files.files_each_way_per_second_min),
            ("metadata.creates_per_second_min", self.metadata.creates_per_second_min),
            ("metadata.stats_per_second_min", self.metadata.stats_per_second_min),
            ("metadata.removes_per_second_min", self.metadata.removes_per_second_min),
        ];
        for (name, value) in counts {
            if let Some(value) = value
                && !(value >= 0.0 && value.is_finite())
            {
                return Err(TargetsError::NotACount { origin: origin.to_owned(), name, value });
            }
        }
        Ok(())
    }
}

fn of_streams(streams: &Streams) -> Option<String> {
    let both = streams.each_way_min?;
    if streams.each_way_per_node_min.is_some_and(|each| each > both) {
        return Some(
            "streams.each_way_per_node_min is more than each_way_min, which is of all nodes together: lower the one or raise the other"
                .to_owned(),
        );
    }
    [("read_min", streams.read_min), ("write_min", streams.write_min)]
        .into_iter()
        .find(|(_, alone)| alone.is_some_and(|alone| alone < both))
        .map(|(name, _)| {
            format!(
                "streams.{name} is less than each_way_min, which asks for that much of each direction at once: raise {name} or leave it out"
            )
        })
}

fn of_recovery(recovery: &RecoveryTargets) -> Option<String> {
    if let (Some(recover), Some(whole)) = (recovery.recover_max, recovery.whole_again_max)
        && whole.0 <= 0.0
        && recover.0 > 0.0
    {
        return Some("recovery.whole_again_max is 0: no node comes back in no time".to_owned());
    }
    let (drop, share) = (recovery.drop_max?, recovery.recovered_share?);
    let at_once = recovery.recover_max.is_some_and(|t| t.0 == 0.0);
    (at_once && drop < 1.0 && drop > 1.0 - share).then(|| {
        format!(
            "recovery.drop_max = {drop} allows seconds below recovered_share = {share}, and recover_max = 0 allows none: lower drop_max to {:.2}",
            1.0 - share
        )
    })
}
