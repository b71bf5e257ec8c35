//! Numbers of a file of targets, written with their units.

use std::str::FromStr;

use isobar_plan::{Bytes, BytesPerSecond, PlanError};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::quantity::Quantity;

/// A time in seconds, written as `50ms`, `15s` or `2min`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Serialize)]
pub struct Time(pub f64);

/// A rate in bytes per second, written as `3GB/s`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Serialize)]
pub struct Rate(pub f64);

/// A size in bytes, written as `1GiB`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Serialize)]
pub struct Size(pub f64);

impl FromStr for Rate {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        BytesPerSecond::from_str(text).map(|rate| Rate(rate.0))
    }
}

impl FromStr for Size {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        Bytes::from_str(text).map(|size| Size(size.0 as f64))
    }
}

/// A text that is not a time.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("'{0}' is not a time: write a number and ms, s or min, as 500ms")]
pub struct NotATime(String);

impl FromStr for Time {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let text = text.trim();
        let wrong = || NotATime(text.to_owned());
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let factor = match text[end..].trim() {
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "min" => 60.0,
            _ => return Err(wrong()),
        };
        match text[..end].parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Time(number * factor)),
            _ => Err(wrong()),
        }
    }
}

macro_rules! values {
    ($($type:ident => $unit:ident),*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }

        impl From<$type> for Quantity {
            fn from(value: $type) -> Quantity {
                Quantity::$unit(value.0)
            }
        }
    )*};
}
values!(Time => Seconds, Rate => Rate, Size => Bytes);
