//! Hours, and which of them have no usage record yet. Pure.

use std::collections::BTreeSet;

use isobar_arm::{ArmError, ResourceId, Timestamp};

use crate::limits::{USAGE_BACK_HOURS_MAX, USAGE_PROMPT};
use crate::refusal::Refusal;

/// Milliseconds of an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// When the hour began that a moment is in.
pub(crate) fn hour_of(ms: i64) -> i64 {
    ms - ms.rem_euclid(HOUR_MS)
}

/// The name of the record of the hour that begins then: `20261128T01Z`. Names sort as hours do.
pub(super) fn name_of(hour_ms: i64) -> String {
    let text = Timestamp::from_millis(hour_ms).to_string();
    let digits: String = text.chars().take("2026-11-28T01".len()).filter(|c| *c != '-').collect();
    format!("{digits}Z")
}

/// The record of an hour.
pub(crate) fn record_id(reservation: &ResourceId, hour_ms: i64) -> Result<ResourceId, Refusal> {
    Ok(reservation.child("usageRecords", &name_of(hour_ms)).map_err(ArmError::from)?)
}

/// The first hour that a record may still be written for.
pub(super) fn first_hour(now_ms: i64) -> i64 {
    hour_of(now_ms).saturating_sub(USAGE_BACK_HOURS_MAX.saturating_mul(HOUR_MS))
}

/// The hours that have ended, are not too long ago, and have no record: when each began. A reservation has
/// none from before it was made.
pub(super) fn missing(made_ms: i64, now_ms: i64, recorded: &BTreeSet<i64>) -> Vec<i64> {
    let mut hour_ms = first_hour(now_ms).max(hour_of(made_ms));
    let mut missing = Vec::new();
    while hour_ms + HOUR_MS <= now_ms {
        if !recorded.contains(&hour_ms) {
            missing.push(hour_ms);
        }
        hour_ms += HOUR_MS;
    }
    missing
}

/// Whether so much time has gone since an hour ended that nobody can have seen how it was then.
pub(super) fn is_late(hour_ms: i64, now_ms: i64) -> bool {
    let prompt_ms = i64::try_from(USAGE_PROMPT.as_millis()).unwrap_or(i64::MAX);
    now_ms > (hour_ms + HOUR_MS).saturating_add(prompt_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `date -u -d 2026-11-28T01:00:00 +%s`
    const ONE_O_CLOCK: i64 = 1_795_827_600_000;

    #[test]
    fn hours_have_names_that_sort() {
        assert_eq!(name_of(ONE_O_CLOCK), "20261128T01Z");
        assert_eq!(name_of(ONE_O_CLOCK + 23 * HOUR_MS), "20261129T00Z");
        assert!((0..100).all(|at| name_of(at * HOUR_MS) < name_of((at + 1) * HOUR_MS)));
        assert_eq!(hour_of(ONE_O_CLOCK + HOUR_MS - 1), ONE_O_CLOCK);
        assert_eq!(hour_of(-1), -HOUR_MS);
    }

    #[test]
    fn an_hour_is_missing_once_it_has_ended() {
        let none = BTreeSet::new();
        let made = ONE_O_CLOCK + 5;
        assert_eq!(missing(made, ONE_O_CLOCK + HOUR_MS - 1, &none), [0; 0]);
        assert_eq!(missing(made, ONE_O_CLOCK + HOUR_MS, &none), [ONE_O_CLOCK]);
        let two = [ONE_O_CLOCK, ONE_O_CLOCK + HOUR_MS];
        assert_eq!(missing(made, ONE_O_CLOCK + 2 * HOUR_MS, &none), two);
        assert_eq!(missing(made, ONE_O_CLOCK + 2 * HOUR_MS, &BTreeSet::from([two[0]])), [two[1]]);
    }

    #[test]
    fn what_is_too_long_ago_stays_without_a_record() {
        let late = ONE_O_CLOCK + 100 * HOUR_MS;
        let found = missing(ONE_O_CLOCK, late, &BTreeSet::new());
        assert_eq!((found.len(), found.first()), (24, Some(&(late - 24 * HOUR_MS))));
        assert_eq!(missing(i64::MIN / 2, late, &BTreeSet::new()).len(), 24);
    }

    #[test]
    fn only_an_hour_that_just_ended_is_measured() {
        let end = ONE_O_CLOCK + HOUR_MS;
        assert!(!is_late(ONE_O_CLOCK, end) && !is_late(ONE_O_CLOCK, end + 60_000));
        assert!(is_late(ONE_O_CLOCK, end + HOUR_MS));
    }
}
