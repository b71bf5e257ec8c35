//! Whether what was read is what was written.

use crate::check::{Check, Want};
use crate::drill::Drill;
use crate::measure::Measured;
use crate::quantity::Quantity;
use crate::verdict::Group;

const METHOD: &str =
    "every byte (or the stamp of every 4 KiB) that isobar bench reads is compared with what was written";

/// The one there is.
pub(super) fn checks(measured: Option<&Measured>, drill: Option<&Drill>) -> Vec<Check> {
    let wrong = measured.map_or(0, |m| m.wrong) + drill.map_or(0, |d| d.wrong);
    let bytes = measured.map_or(0, |m| m.verified_bytes) + drill.map_or(0, |d| d.verified_bytes);
    let outcome = match bytes {
        0 => Err("nothing was read".into()),
        _ => Ok(Quantity::Count(wrong as f64)),
    };
    vec![
        Check::new("contents.wrong", Group::Contents, "Reads that gave wrong bytes", METHOD)
            .measured(outcome, Want::at_most(Some(Quantity::Count(0.0))))
            .note(format!("{} compared", Quantity::Bytes(bytes as f64))),
    ]
}
