//! Quantities with their units, read and written as people write them.
//!
//! Decimal and binary prefixes are both read (`1TB` is 10^12 bytes, `1TiB` is 2^40), and what could mean two
//! things is refused. Written is decimal, because documented rates of networks and disks are; only sizes of
//! files that are whole KiB or MiB are written so.

use std::fmt;
use std::str::FromStr;

use isobar_base::quantity::{DECIMAL_PREFIXES, decimal, grouped, significant};
use serde::{Serialize, Serializer};

use crate::error::PlanError;

/// A number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize)]
pub struct Bytes(pub u64);

/// A rate in bytes per second. JSON has it rounded to whole ones.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Default)]
pub struct BytesPerSecond(pub f64);

/// Operations, or files, per second. JSON has it rounded to whole ones.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Default)]
pub struct PerSecond(pub f64);

/// A duration in seconds. JSON has it rounded to whole ones.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Default)]
pub struct Seconds(pub f64);

impl BytesPerSecond {
    /// From megabits per second (10^6), the unit of network documentation.
    pub fn from_mbit(mbit: f64) -> Self {
        BytesPerSecond(mbit * 1e6 / 8.0)
    }

    /// From megabytes per second (10^6), the unit of disk documentation.
    pub fn from_mb(mb: f64) -> Self {
        BytesPerSecond(mb * 1e6)
    }
}

/// Splits `12.5 GB` into 12.5 and `GB`.
fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    let number: f64 = text[..end].replace('_', "").parse().ok()?;
    number.is_finite().then_some((number, text[end..].trim()))
}

/// The factor of a unit of bytes, or of bits where `bits` may be used.
fn factor(unit: &str, bits: bool) -> Option<f64> {
    let (prefix, divisor) = match unit {
        _ if bits && unit.ends_with("bit") => (unit.strip_suffix("bit")?, 8.0),
        _ if bits && unit.ends_with('b') => (unit.strip_suffix('b')?, 8.0),
        _ => (unit.strip_suffix('B')?, 1.0),
    };
    let (letter, base) = match prefix.strip_suffix('i') {
        Some(letter) => (letter, 1024f64),
        None => (prefix, 1000f64),
    };
    let power = match letter {
        "" if base == 1000.0 => 0,
        "K" => 1,
        letter => DECIMAL_PREFIXES.iter().position(|p| *p == letter)? as i32 + 1,
    };
    Some(base.powi(power) / divisor)
}

impl FromStr for Bytes {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let wrong =
            |hint: &str| PlanError::Value { text: text.to_owned(), what: "a size", hint: hint.to_owned() };
        let (number, unit) =
            split(text).ok_or_else(|| wrong("write a number and a unit, as 500TB or 1PiB"))?;
        let factor = factor(unit, false).ok_or_else(|| {
            wrong(
                "the unit is one of B, kB, MB, GB, TB, PB, EB (decimal) or KiB, MiB, GiB, TiB, PiB (binary)",
            )
        })?;
        let bytes = number * factor;
        // Up to 2^60: whole bytes survive the arithmetic below.
        if !(1.0..=1.16e18).contains(&bytes) {
            return Err(wrong("it has to be at least 1B and at most 1EB"));
        }
        Ok(Bytes(bytes.round() as u64))
    }
}

impl FromStr for BytesPerSecond {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let wrong = |hint: String| PlanError::Value { text: text.to_owned(), what: "a bandwidth", hint };
        let (number, unit) = split(text)
            .ok_or_else(|| wrong("write a number and a unit, as 25GB/s or 200Gbit/s".to_owned()))?;
        let per_second = unit.strip_suffix("/s").or_else(|| unit.strip_suffix("ps"));
        let Some(unit) = per_second else {
            return Err(match factor(unit, true) {
                Some(_) => wrong(format!("a bandwidth is per second, as {}/s", text.trim())),
                None => wrong("write the unit as MB/s, GB/s, TB/s, GiB/s or Gbit/s".to_owned()),
            });
        };
        // All in small letters nobody can tell bits from bytes.
        if unit.ends_with('b') && unit.len() > 1 && unit.chars().all(char::is_lowercase) {
            let upper = unit.to_uppercase();
            let bits = upper.strip_suffix('B').unwrap_or(&upper);
            return Err(wrong(format!("bits or bytes? write {upper}/s or {bits}bit/s")));
        }
        let factor = factor(unit, true)
            .ok_or_else(|| wrong("write the unit as MB/s, GB/s, TB/s, GiB/s or Gbit/s".to_owned()))?;
        let rate = number * factor;
        if !(1.0..=1e18).contains(&rate) {
            return Err(wrong("it has to be at least 1B/s and at most 1EB/s".to_owned()));
        }
        Ok(BytesPerSecond(rate))
    }
}

impl FromStr for PerSecond {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let wrong = || PlanError::Value {
            text: text.to_owned(),
            what: "a number of operations per second",
            hint: "write it as 5000, 100k or 1.5M".to_owned(),
        };
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let factor = match unit.strip_suffix("/s").unwrap_or(unit) {
            "" => 1.0,
            "k" | "K" => 1e3,
            "M" => 1e6,
            _ => return Err(wrong()),
        };
        let rate = number * factor;
        (1.0..=1e12).contains(&rate).then_some(PerSecond(rate)).ok_or_else(wrong)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Sizes of files are mostly powers of two.
        match self.0 {
            kib if (1024..1 << 20).contains(&kib) && kib.is_multiple_of(1024) => {
                write!(f, "{} KiB", kib >> 10)
            }
            mib if (1 << 20..1 << 30).contains(&mib) && mib.is_multiple_of(1 << 20) => {
                write!(f, "{} MiB", mib >> 20)
            }
            bytes => f.write_str(&decimal(bytes as f64, "B")),
        }
    }
}

impl fmt::Display for BytesPerSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal(self.0, "B/s"))
    }
}

impl fmt::Display for PerSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = self.0.round() as u64;
        // Three digits are all that a prediction is good for.
        let unit = 10u64.pow((rounded.max(1).ilog10()).saturating_sub(2));
        write!(f, "{}/s", grouped(rounded / unit * unit))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0 / 60.0;
        match minutes {
            m if m < 1.0 => write!(f, "{} s", significant(self.0)),
            m if m < 120.0 => write!(f, "{m:.0} min"),
            m if m < 48.0 * 60.0 => write!(f, "{:.1} h", m / 60.0),
            m => write!(f, "{:.1} days", m / 60.0 / 24.0),
        }
    }
}

macro_rules! serialize_rounded {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u64(self.0.round().max(0.0) as u64)
            }
        }
    )*};
}
serialize_rounded!(BytesPerSecond, PerSecond, Seconds);

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T: FromStr<Err = PlanError> + fmt::Debug>(text: &str, with: &str) {
        let said = text.parse::<T>().expect_err(text).to_string();
        assert!(said.contains(with) && said.contains(text) && !said.contains('\n'), "{said}");
    }

    #[test]
    fn decimal_and_binary_units_are_read_as_what_they_say() {
        assert_eq!("1PB".parse(), Ok(Bytes(1_000_000_000_000_000)));
        assert_eq!("1.5 TiB".parse(), Ok(Bytes(3 << 39)));
        assert_eq!("4096B".parse(), Ok(Bytes(4096)));
        assert_eq!("64KB".parse(), Ok(Bytes(64_000)));
        assert_eq!("1TB/s".parse(), Ok(BytesPerSecond(1e12)));
        assert_eq!("10GiB/s".parse(), Ok(BytesPerSecond(10.0 * (1u64 << 30) as f64)));
        assert_eq!("200Gbit/s".parse(), Ok(BytesPerSecond(25e9)));
        assert_eq!("200Gb/s".parse(), Ok(BytesPerSecond(25e9)));
        assert_eq!("200 Gbps".parse(), Ok(BytesPerSecond(25e9)));
        assert_eq!("100k".parse(), Ok(PerSecond(100_000.0)));
        assert_eq!("1.5M/s".parse(), Ok(PerSecond(1_500_000.0)));
    }

    #[test]
    fn what_could_mean_two_things_is_refused_with_both_spellings() {
        refused::<BytesPerSecond>("1tb/s", "TB/s or Tbit/s");
        refused::<BytesPerSecond>("1TB", "1TB/s");
        refused::<BytesPerSecond>("1000", "GB/s");
        refused::<BytesPerSecond>("fast", "number and a unit");
        refused::<Bytes>("1P", "PB");
        refused::<Bytes>("1Pb", "PB");
        refused::<Bytes>("-1PB", "number");
        refused::<Bytes>("0PB", "at least");
        refused::<Bytes>("1.2.3PB", "number");
        refused::<PerSecond>("many", "100k");
    }

    #[test]
    fn numbers_are_written_with_three_digits_and_never_as_a_thousand() {
        assert_eq!(Bytes(1_000_000_000_000_000).to_string(), "1 PB");
        assert_eq!(Bytes(999_999_999).to_string(), "1 GB");
        assert_eq!(Bytes(184 << 10).to_string(), "184 KiB");
        assert_eq!(Bytes(8 << 20).to_string(), "8 MiB");
        assert_eq!(BytesPerSecond(32.8e9).to_string(), "32.8 GB/s");
        assert_eq!(BytesPerSecond(1.1119e12).to_string(), "1.11 TB/s");
        assert_eq!(PerSecond(23_841.9).to_string(), "23,800/s");
        assert_eq!(Seconds(5400.0).to_string(), "90 min");
    }
}
