//! Sums of usage records: what was reserved, used, and used beyond that. Pure; whole numbers alone.

use serde_json::{Value, json};

/// A usage record as sums need it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    /// When its hour began, in milliseconds since 1970.
    pub hour_ms: i64,
    /// What was reserved in that hour.
    pub reserved_bytes: u64,
    /// What was used.
    pub used_bytes: u64,
    /// Whether nobody saw it.
    pub estimated: bool,
}

/// Sums over hours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sums {
    /// Bytes times hours that were reserved.
    pub reserved: u128,
    /// The same of what was used.
    pub used: u128,
    /// The same of what was used beyond what was reserved, hour by hour.
    pub overage: u128,
    /// Hours that are counted.
    pub hours: u64,
    /// Those of them that nobody saw.
    pub estimated_hours: u64,
}

impl Sums {
    fn add(&mut self, span: &Span) {
        // A year of hours times 2^64 bytes is far from the end of 128 bits.
        self.reserved += u128::from(span.reserved_bytes);
        self.used += u128::from(span.used_bytes);
        self.overage += u128::from(span.used_bytes.saturating_sub(span.reserved_bytes));
        self.hours += 1;
        self.estimated_hours += u64::from(span.estimated);
    }

    /// As they are answered. Bytes times hours are texts of digits: readers of JSON lose some of them.
    pub(crate) fn members(&self) -> [(&'static str, Value); 5] {
        [
            ("reservedByteHours", json!(self.reserved.to_string())),
            ("usedByteHours", json!(self.used.to_string())),
            ("overageByteHours", json!(self.overage.to_string())),
            ("hours", json!(self.hours)),
            ("estimatedHours", json!(self.estimated_hours)),
        ]
    }
}

/// The sums of all, and of each part of this length that has any: when it begins, and its sums.
pub(crate) fn sums_by(part_ms: i64, spans: &[Span]) -> (Sums, Vec<(i64, Sums)>) {
    let mut all = Sums::default();
    let mut parts: Vec<(i64, Sums)> = Vec::new();
    for span in spans {
        all.add(span);
        let begins = span.hour_ms - span.hour_ms.rem_euclid(part_ms.max(1));
        match parts.last_mut().filter(|(last, _)| *last == begins) {
            Some((_, sums)) => sums.add(span),
            None => {
                let mut sums = Sums::default();
                sums.add(span);
                parts.push((begins, sums));
            }
        }
    }
    (all, parts)
}

#[cfg(test)]
mod tests {
    use super::super::hours::{DAY_MS, HOUR_MS};
    use super::*;

    fn span(hour: i64, reserved_bytes: u64, used_bytes: u64) -> Span {
        Span { hour_ms: hour * HOUR_MS, reserved_bytes, used_bytes, estimated: hour % 2 == 1 }
    }

    #[test]
    fn overage_of_one_hour_is_not_made_up_by_another() {
        let (all, days) = sums_by(DAY_MS, &[span(0, 10, 4), span(1, 10, 16), span(24, 0, 5)]);
        let expected = Sums { reserved: 20, used: 25, overage: 11, hours: 3, estimated_hours: 1 };
        assert_eq!(all, expected);
        let first = Sums { reserved: 20, used: 20, overage: 6, hours: 2, estimated_hours: 1 };
        let second = Sums { reserved: 0, used: 5, overage: 5, hours: 1, estimated_hours: 0 };
        assert_eq!(days, [(0, first), (DAY_MS, second)]);
    }

    #[test]
    fn parts_add_up_to_all_whatever_their_length() {
        let spans: Vec<Span> = (0..500).map(|hour| span(hour, 7, (hour as u64 * 13) % 29)).collect();
        for part_ms in [HOUR_MS, DAY_MS] {
            let (all, parts) = sums_by(part_ms, &spans);
            assert_eq!(parts.iter().map(|(_, sums)| sums.overage).sum::<u128>(), all.overage);
            assert_eq!(parts.iter().map(|(_, sums)| sums.hours).sum::<u64>(), 500);
        }
        assert_eq!(sums_by(HOUR_MS, &spans).1.len(), 500);
    }

    #[test]
    fn the_largest_numbers_are_added_exactly() {
        let (all, _) = sums_by(DAY_MS, &vec![span(2, u64::MAX, u64::MAX); 9000]);
        assert_eq!(all.reserved, u128::from(u64::MAX) * 9000);
        assert_eq!(all.members()[0].1, json!((u128::from(u64::MAX) * 9000).to_string()));
    }
}
