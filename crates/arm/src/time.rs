//! Moments in RFC 3339, from milliseconds since the epoch and back, without a crate of dates.
//!
//! Written is always `2026-11-26T12:53:00.123Z`, so that moments sort as text. Read is what clients send: a
//! date alone, any number of digits of a second, `Z` or an offset or neither. Python's `isoformat()` of a
//! time in UTC has neither, and `az` sends it; so without an offset it is UTC. The arithmetic of days is
//! Howard Hinnant's (`days_from_civil`, `civil_from_days`): years begin in March, so that leap days come
//! last.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::TIME_CHARS_MAX;
use crate::text::{on_one_line, quoted};

const DAY_MS: i64 = 86_400_000;

/// A text that is no moment.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{} is no time: write it as 2026-11-26T12:53:00Z", quoted(.0))]
pub struct TimeError(String);

/// A moment of the years 1 to 9999, in milliseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first moment that has four digits of a year.
    pub const MIN: Timestamp = Timestamp(-62_135_596_800_000);
    /// The last one.
    pub const MAX: Timestamp = Timestamp(253_402_300_799_999);

    /// From milliseconds since the epoch. What is outside of the years 1 to 9999 becomes the nearest in them.
    pub fn from_millis(ms: i64) -> Timestamp {
        Timestamp(ms.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Milliseconds since the epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Reads what clients send.
    ///
    /// # Errors
    /// It is no time, or its year has not four digits.
    pub fn parse(text: &str) -> Result<Timestamp, TimeError> {
        let ms = (text.len() <= TIME_CHARS_MAX).then(|| millis_of(text.trim())).flatten();
        let inside = ms.filter(|ms| (Self::MIN.0..=Self::MAX.0).contains(ms)).map(Timestamp);
        inside.ok_or_else(|| TimeError(on_one_line(text, TIME_CHARS_MAX)))
    }
}

/// Days of a month of the Gregorian calendar; 0 when there is no such month.
pub(crate) const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Days from 1970-01-01 to a date.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a day that is so many after 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Takes exactly so many digits.
fn digits(text: &mut &str, count: usize) -> Option<i64> {
    let (number, rest) = text.split_at_checked(count)?;
    *text = rest;
    number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok()).flatten()
}

/// Takes one of these characters.
fn one_of(text: &mut &str, chars: &[char]) -> Option<char> {
    let first = text.chars().next().filter(|c| chars.contains(c))?;
    *text = &text[first.len_utf8()..];
    Some(first)
}

fn millis_of(text: &str) -> Option<i64> {
    let text = &mut { text };
    let year = digits(text, 4)?;
    one_of(text, &['-'])?;
    let month = digits(text, 2)?;
    one_of(text, &['-'])?;
    let day = digits(text, 2)?;
    if !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    let midnight = days_from_civil(year, month, day) * DAY_MS;
    if text.is_empty() {
        return Some(midnight);
    }
    one_of(text, &['T', 't', ' '])?;
    let time = time_of_day(text)?;
    let offset = offset_minutes(text)?;
    text.is_empty().then(|| midnight + time - offset * 60_000)
}

/// Takes `12:53`, `12:53:00` or `12:53:00.123456`: milliseconds since midnight.
fn time_of_day(text: &mut &str) -> Option<i64> {
    let hour = digits(text, 2)?;
    one_of(text, &[':'])?;
    let minute = digits(text, 2)?;
    let mut ms = 0;
    let mut second = 0;
    if one_of(text, &[':']).is_some() {
        second = digits(text, 2)?;
        if one_of(text, &['.', ',']).is_some() {
            let fraction = text.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, rest) = text.split_at(fraction);
            *text = rest;
            ms = format!("{digits:0<3}").get(..3).filter(|_| fraction > 0)?.parse().ok()?;
        }
    }
    // A leap second is the first of the next minute: there is no room for it in the epoch.
    let fits = hour <= 23 && minute <= 59 && second <= 60;
    fits.then_some(((hour * 60 + minute) * 60 + second) * 1000 + ms)
}

/// Takes `Z`, `+01:00`, `+0100` or nothing.
fn offset_minutes(text: &mut &str) -> Option<i64> {
    let sign = match one_of(text, &['Z', 'z', '+', '-']) {
        None | Some('Z' | 'z') => return Some(0),
        Some('-') => -1,
        Some(_) => 1,
    };
    let hours = digits(text, 2)?;
    one_of(text, &[':']);
    let minutes = digits(text, 2)?;
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY_MS));
        let ms = self.0.rem_euclid(DAY_MS);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Timestamp, TimeError> {
        Timestamp::parse(text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> i64 {
        Timestamp::parse(text).unwrap_or_else(|error| panic!("{error}")).millis()
    }

    fn written(ms: i64) -> String {
        Timestamp::from_millis(ms).to_string()
    }

    #[test]
    fn known_moments_are_written() {
        assert_eq!(written(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(-1), "1969-12-31T23:59:59.999Z");
        // `date -u -d 2026-11-26T12:53:00 +%s`
        assert_eq!(written(1_795_697_580_123), "2026-11-26T12:53:00.123Z");
        assert_eq!(written(i64::MIN), "0001-01-01T00:00:00.000Z");
        assert_eq!(written(i64::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn leap_years_have_a_day_more() {
        assert_eq!(written(read("2024-02-28") + DAY_MS), "2024-02-29T00:00:00.000Z");
        assert_eq!(written(read("2024-02-29") + DAY_MS), "2024-03-01T00:00:00.000Z");
        assert_eq!(written(read("2023-02-28") + DAY_MS), "2023-03-01T00:00:00.000Z");
        assert_eq!(written(read("2000-02-28") + DAY_MS), "2000-02-29T00:00:00.000Z");
        assert_eq!(written(read("2100-02-28") + DAY_MS), "2100-03-01T00:00:00.000Z");
        assert_eq!(written(read("1999-12-31") + DAY_MS), "2000-01-01T00:00:00.000Z");
        for wrong in ["2023-02-29", "2100-02-29", "1900-02-29", "2026-04-31"] {
            assert!(Timestamp::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1900, 1, 1);
        let first = days_from_civil(year, month, day);
        for days in first..first + 146_097 {
            assert_eq!(civil_from_days(days), (year, month, day));
            assert_eq!(days_from_civil(year, month, day), days);
            day += 1;
            if day > days_in_month(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!((year, month, day), (2300, 1, 1));
    }

    #[test]
    fn what_clients_send_is_read() {
        let moment = read("2026-11-26T12:53:00Z");
        assert_eq!(read("2026-11-26T12:53:00.000000"), moment);
        assert_eq!(read("2026-11-26T13:53:00+01:00"), moment);
        assert_eq!(read("2026-11-26T07:53:00-0500"), moment);
        assert_eq!(read("2026-11-26 12:53"), moment);
        assert_eq!(read(" 2026-11-26t12:53:00z "), moment);
        assert_eq!(read("2026-11-26T12:52:60Z"), moment);
        assert_eq!(read("2026-11-26T12:53:00.1239999Z"), moment + 123);
        assert_eq!(read("2026-11-26T12:53:00.1Z"), moment + 100);
        assert_eq!(read("2026-11-26"), moment - (12 * 60 + 53) * 60_000);
    }

    #[test]
    fn what_is_no_time_is_refused_in_one_line() {
        // Between spaces, so that one is empty.
        let wrong = " now 2026 2026-13-01 2026-00-01 2026-01-00 26-01-01 2026-1-1 2026-11-26T \
            2026-11-26T24:00:00Z 2026-11-26T12:60Z 2026-11-26T12:53:00.Z \
            2026-11-26T12:53:00+1 2026-11-26T12:53:00Zx 2026-11-26Z +026-11-26 0000-01-01 \
            2026-11-26T12:53:00\u{661} 0001-01-01T00:00:00+01:00 9999-12-31T23:59:59-01:00 \
            2026-11-é6";
        for wrong in wrong.split(' ') {
            let error = Timestamp::parse(wrong).expect_err(wrong).to_string();
            assert!(error.contains(wrong) && error.contains("2026-11-26T12:53:00Z"), "{error}");
        }
        assert!(Timestamp::parse(&" ".repeat(1000)).is_err());
    }

    proptest! {
        #[test]
        fn moments_are_written_and_read_back(ms in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let text = written(ms);
            prop_assert_eq!(text.len(), 24);
            prop_assert_eq!(read(&text), ms);
        }

        #[test]
        fn moments_sort_as_text(a in any::<i64>(), b in any::<i64>()) {
            let (a, b) = (Timestamp::from_millis(a / 40_000), Timestamp::from_millis(b / 40_000));
            prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
        }

        #[test]
        fn no_text_makes_it_panic(
            text in "\\PC{0,30}",
            near in "[0-9]{3,5}-[0-9]{2}-[0-9é]{1,2}[T ]?[0-9:.,Z+-]{0,12}",
        ) {
            let _ = (Timestamp::parse(&text), Timestamp::parse(&near));
        }
    }
}
