//! `utcNow`: the time in the formats of .NET.

use isobar_arm::Timestamp;

/// What is not told otherwise.
const FORMAT: &str = "yyyyMMddTHHmmssZ";

/// The parts of a moment.
struct Parts {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    millis: u32,
}

/// A moment in a format.
///
/// # Errors
/// The format has something that is not known here.
pub(crate) fn utc_now(now: Timestamp, format: Option<&str>) -> Result<String, String> {
    let parts = parts(&now.to_string()).ok_or("the time cannot be written.")?;
    let format = match format.unwrap_or(FORMAT) {
        "d" => "M/d/yyyy",
        "s" => "yyyy-MM-ddTHH:mm:ss",
        "u" => "yyyy-MM-dd HH:mm:ssZ",
        "o" | "O" => "yyyy-MM-ddTHH:mm:ss.fff0000Z",
        other => other,
    };
    let mut text = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let count = rest.chars().take_while(|c| *c == first).count();
        let (written, taken) = match first {
            '\'' => {
                let end = rest[1..].find('\'').ok_or("a quote in a format does not end.")?;
                (rest[1..=end].to_owned(), end + 2)
            }
            letter if letter.is_ascii_alphabetic() && letter != 'T' && letter != 'Z' => {
                (field(&parts, letter, count)?, count)
            }
            other => (other.to_string(), other.len_utf8()),
        };
        text.push_str(&written);
        rest = &rest[taken..];
    }
    Ok(text)
}

/// `2026-11-27T20:53:00.123Z`, taken apart.
fn parts(text: &str) -> Option<Parts> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse().ok();
    Some(Parts {
        year: number(0, 4)?,
        month: number(5, 7)?,
        day: number(8, 10)?,
        hour: number(11, 13)?,
        minute: number(14, 16)?,
        second: number(17, 19)?,
        millis: number(20, 23)?,
    })
}

fn field(parts: &Parts, letter: char, count: usize) -> Result<String, String> {
    let hour = if parts.hour.is_multiple_of(12) { 12 } else { parts.hour % 12 };
    let padded = |number: u32| Ok(format!("{number:0>count$}"));
    match (letter, count) {
        ('y', 4) => padded(parts.year),
        ('y', 2) => padded(parts.year % 100),
        ('M', 1 | 2) => padded(parts.month),
        ('d', 1 | 2) => padded(parts.day),
        ('H', 1 | 2) => padded(parts.hour),
        ('h', 1 | 2) => padded(hour),
        ('m', 1 | 2) => padded(parts.minute),
        ('s', 1 | 2) => padded(parts.second),
        ('f', 1..=7) => Ok(format!("{:0>3}0000", parts.millis)[..count].to_owned()),
        ('t', 2) => Ok(if parts.hour < 12 { "AM" } else { "PM" }.to_owned()),
        _ => Err(format!(
            "the format has {}; known are yyyy, yy, MM, M, dd, d, HH, H, hh, h, mm, m, ss, s, f and tt.",
            letter.to_string().repeat(count.min(8))
        )),
    }
}
