//! Durations in ISO 8601, as `PT30M` or `P1DT12H`: the only form that ARM's documents have.
//!
//! Months and years are refused: nobody knows how long they are.

use std::time::Duration;

use crate::limits::TIME_CHARS_MAX;

/// Reads a duration of whole seconds. `None` when it is none.
pub fn parse_duration(text: &str) -> Option<Duration> {
    if text.len() > TIME_CHARS_MAX {
        return None;
    }
    let text = text.strip_prefix('P')?;
    let (days, time) = match text.split_once('T') {
        Some((days, time)) => (days, Some(time)),
        None => (text, None),
    };
    if time.is_some_and(str::is_empty) || time.is_none() && days.is_empty() {
        return None;
    }
    let days = seconds(days, &[('W', 7 * 86_400), ('D', 86_400)])?;
    let time = seconds(time.unwrap_or_default(), &[('H', 3600), ('M', 60), ('S', 1)])?;
    Some(Duration::from_secs(days.checked_add(time)?))
}

/// The seconds of `1H30M`: each unit at most once, in this order.
fn seconds(mut text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut seconds = 0u64;
    for (unit, factor) in units {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        if let Some(rest) = text[digits..].strip_prefix(*unit) {
            let count: u64 = text[..digits].parse().ok()?;
            seconds = seconds.checked_add(count.checked_mul(*factor)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_their_units() {
        let read = |text| parse_duration(text).map(|duration| duration.as_secs());
        assert_eq!(read("PT1M"), Some(60));
        assert_eq!(read("PT1H30M5S"), Some(5405));
        assert_eq!(read("P1DT12H"), Some(129_600));
        assert_eq!(read("P2W"), Some(1_209_600));
        assert_eq!(read("PT0S"), Some(0));
        assert_eq!(read("PT90M"), Some(5400));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        let wrong = [
            "",
            "P",
            "PT",
            "P1",
            "1M",
            "PT1",
            "PTM",
            "P1M",
            "P1Y",
            "PT1M1H",
            "PT1M1M",
            "PT1.5S",
            "P1DT",
            "pt1m",
            "PT-1M",
            "PT1M ",
            "PT99999999999999999999S",
            "P99999999999999999W",
            "PTé",
        ];
        for wrong in wrong {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
        assert_eq!(parse_duration(&format!("PT{}1S", "0".repeat(1000))), None);
    }
}
