//! Dates of the Gregorian calendar, in UTC.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

const DAY_NAMES: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTH_NAMES: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A second of the calendar, in UTC. Displayed as `2026-11-22 14:03:07 UTC`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CivilTime {
    /// Days since 1970-01-01, from which the day of the week follows.
    days: u64,
    year: u64,
    /// From 1.
    month: u64,
    /// From 1.
    day: u64,
    /// Since midnight.
    second: u64,
}

impl CivilTime {
    /// What the wall clock says.
    pub fn now() -> CivilTime {
        CivilTime::of(SystemTime::now())
    }

    /// The second that holds a moment; the first of 1970 for what was before.
    pub fn of(time: SystemTime) -> CivilTime {
        CivilTime::of_unix(time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()))
    }

    /// Days to a date as in `civil_from_days` (H. Hinnant, "chrono-compatible low-level date algorithms").
    fn of_unix(unix_seconds: u64) -> CivilTime {
        let (days, second) = (unix_seconds / 86_400, unix_seconds % 86_400);
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // Years of the algorithm begin in March.
        let from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        CivilTime { days, year, month, day, second }
    }

    /// As `ctime` prints it: `Sat Mar 27 15:44:43 2021`.
    pub fn ctime(&self) -> String {
        let (day_name, month_name) =
            (DAY_NAMES[(self.days % 7) as usize], MONTH_NAMES[(self.month - 1) as usize]);
        format!("{day_name} {month_name} {:>2} {} {}", self.day, self.clock(), self.year)
    }

    fn clock(&self) -> String {
        format!("{:02}:{:02}:{:02}", self.second / 3600, self.second / 60 % 60, self.second % 60)
    }
}

impl fmt::Display for CivilTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:02}-{:02} {} UTC", self.year, self.month, self.day, self.clock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |seconds| CivilTime::of(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0).ctime(), "Thu Jan  1 00:00:00 1970");
        assert_eq!(at(1_616_859_883).ctime(), "Sat Mar 27 15:44:43 2021");
        assert_eq!(at(951_826_259).ctime(), "Tue Feb 29 12:10:59 2000");
        assert_eq!(at(0).to_string(), "1970-01-01 00:00:00 UTC");
        assert_eq!(at(951_782_400).to_string(), "2000-02-29 00:00:00 UTC");
        assert_eq!(at(1_795_392_123).to_string(), "2026-11-23 00:02:03 UTC");
    }
}
