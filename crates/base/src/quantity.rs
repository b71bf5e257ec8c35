//! Numbers for people: how sizes, rates and counts are written, everywhere the same.
//!
//! | function | writes | for |
//! |---|---|---|
//! | [`binary_bytes`] | `3.9 KiB` | sizes of files and memory, in powers of 1,024 |
//! | [`decimal`] | `1.11 TB/s` | rates and capacities of hardware, in powers of 1,000 as its makers document them |
//! | [`significant`] | `8.75` | any number, with as many digits as an estimate is good for |
//! | [`grouped`] | `1,234,567` | whole numbers |
//! | [`percent`] | `8.75 %` | shares |
//!
//! Formats that another program fixed (IOR's sizes) stay with the code that imitates it.

/// Decimal prefixes, each 1,000 times the one before.
pub const DECIMAL_PREFIXES: [&str; 6] = ["k", "M", "G", "T", "P", "E"];

const BINARY_UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// A number of bytes in the largest binary unit of which there is at least one: `3.9 KiB`.
pub fn binary_bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < BINARY_UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", BINARY_UNITS[unit]) }
}

/// Three significant digits, a decimal prefix and the unit: `1.11 TB/s`.
pub fn decimal(value: f64, unit: &str) -> String {
    let mut value = value;
    let mut prefix = "";
    for next in DECIMAL_PREFIXES {
        // What would be rounded to 1000 is 1 of the next.
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        prefix = next;
    }
    format!("{} {prefix}{unit}", significant(value))
}

/// Three significant digits, without zeros at the end of a fraction.
pub fn significant(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        v if v >= 0.9995 => 2,
        v if v >= 0.09995 => 3,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A whole number with commas between thousands.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A fraction as percents, with three significant digits: `0.0875` is `8.75 %`.
pub fn percent(fraction: f64) -> String {
    format!("{} %", significant(fraction * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_in_the_largest_binary_unit_that_fits() {
        let written = [0, 1023, 1024, 4000, 1 << 20, (1 << 30) - 1, 3 << 39, 1 << 52].map(binary_bytes);
        assert_eq!(
            written,
            ["0 B", "1023 B", "1.0 KiB", "3.9 KiB", "1.0 MiB", "1024.0 MiB", "1.5 TiB", "4096.0 TiB"]
        );
    }

    #[test]
    fn numbers_are_written_with_three_digits_and_never_as_a_thousand() {
        assert_eq!(decimal(999_999_999.0, "B"), "1 GB");
        assert_eq!(decimal(32.8e9, "B/s"), "32.8 GB/s");
        assert_eq!(decimal(12.0, "B"), "12 B");
        assert_eq!(percent(0.0875), "8.75 %");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
