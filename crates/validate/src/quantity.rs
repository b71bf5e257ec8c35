//! Numbers with units, in words for people and bare for programs.
//!
//! Rates and sizes are written as `isobar-plan` writes them, so that a measurement can be compared with what
//! the model says. Times are not: a plan speaks of minutes and days, a measurement of microseconds and
//! seconds. Nor are shares: a measured one is good for whole percents.

use isobar_plan::{Bytes, BytesPerSecond, PerSecond};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// A number with its unit. JSON has an object of `value`, `unit` and `text`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Quantity {
    /// Bytes per second.
    Rate(f64),
    /// Operations per second.
    Operations(f64),
    /// Seconds.
    Seconds(f64),
    /// Bytes.
    Bytes(f64),
    /// A share of 1.
    Share(f64),
    /// A count of things.
    Count(f64),
}

impl Quantity {
    /// From MiB (2^20 bytes) per second, the unit of `isobar-bench`.
    pub fn mib_per_second(mib: f64) -> Quantity {
        Quantity::Rate(mib * f64::from(1 << 20))
    }

    /// The bare number, in the unit's base: bytes, seconds, of 1.
    pub fn value(self) -> f64 {
        use Quantity::*;
        match self {
            Rate(v) | Operations(v) | Seconds(v) | Bytes(v) | Share(v) | Count(v) => v,
        }
    }

    /// The unit as JSON names it.
    pub fn unit(self) -> &'static str {
        match self {
            Quantity::Rate(_) => "bytes/s",
            Quantity::Operations(_) => "1/s",
            Quantity::Seconds(_) => "s",
            Quantity::Bytes(_) => "bytes",
            Quantity::Share(_) => "of 1",
            Quantity::Count(_) => "",
        }
    }

    /// The same unit with another number.
    pub fn with(self, value: f64) -> Quantity {
        match self {
            Quantity::Rate(_) => Quantity::Rate(value),
            Quantity::Operations(_) => Quantity::Operations(value),
            Quantity::Seconds(_) => Quantity::Seconds(value),
            Quantity::Bytes(_) => Quantity::Bytes(value),
            Quantity::Share(_) => Quantity::Share(value),
            Quantity::Count(_) => Quantity::Count(value),
        }
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Quantity::Rate(v) => BytesPerSecond(v).fmt(f),
            Quantity::Operations(v) => PerSecond(v).fmt(f),
            Quantity::Bytes(v) => Bytes(v.max(0.0) as u64).fmt(f),
            Quantity::Share(v) => write!(f, "{:.0} %", v * 100.0),
            Quantity::Count(v) => write!(f, "{}", v.max(0.0) as u64),
            Quantity::Seconds(v) => f.write_str(&seconds(v)),
        }
    }
}

/// A time in the unit people would use.
pub fn seconds(seconds: f64) -> String {
    match seconds.abs() {
        // What would be rounded to nothing.
        s if s < 5e-7 => "0 s".to_owned(),
        s if s < 1e-3 => format!("{:.0} µs", seconds * 1e6),
        s if s < 0.01 => format!("{:.1} ms", seconds * 1e3),
        s if s < 1.0 => format!("{:.0} ms", seconds * 1e3),
        s if s < 10.0 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Quantity", 3)?;
        object.serialize_field("value", &self.value())?;
        object.serialize_field("unit", self.unit())?;
        object.serialize_field("text", &self.to_string())?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_the_unit_people_would_use() {
        for (value, words) in [
            (0.0, "0 s"),
            (-2e-7, "0 s"),
            (-3e-6, "-3 µs"),
            (0.000_12, "120 µs"),
            (0.004_2, "4.2 ms"),
            (0.25, "250 ms"),
            (3.0, "3.0 s"),
            (75.0, "75 s"),
        ] {
            assert_eq!(seconds(value), words);
        }
        assert_eq!(Quantity::Share(0.754).to_string(), "75 %");
    }
}
