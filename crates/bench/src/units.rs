//! Sizes as IOR reads and prints them: `k` is 1,024, and only whole numbers are read. What is printed for
//! people is [`isobar_base::quantity`]'s.

/// Bytes of a size as IOR and mdtest take it: a number with `k`, `m`, `g` or `t` (powers of 1,024), upper
/// or lower case; `KiB`, `MiB` and so on are understood, too.
///
/// # Errors
/// What a size looks like.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is not a size: write 4096, 4k, 1m, 2g or 1t");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(wrong()),
    };
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// A size the way IOR prints it: in the largest unit that divides it into a whole or decimal number of at
/// least one MiB, else in bytes.
pub fn ior_size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            return if bytes.is_multiple_of(unit) {
                format!("{} {name}", bytes / unit)
            } else {
                format!("{:.2} {name}", bytes as f64 / unit as f64)
            };
        }
    }
    format!("{bytes} bytes")
}

/// MiB (2^20 bytes).
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1u64 << 20) as f64
}

/// GiB (2^30 bytes).
pub fn gib(bytes: u64) -> f64 {
    bytes as f64 / (1u64 << 30) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_ior_reads_them() {
        assert_eq!(parse_bytes("47008"), Ok(47_008));
        assert_eq!(parse_bytes("4k"), Ok(4096));
        assert_eq!(parse_bytes("1M"), Ok(1 << 20));
        assert_eq!(parse_bytes("2GiB"), Ok(2 << 30));
        assert_eq!(parse_bytes("1t"), Ok(1 << 40));
        for wrong in ["", "k", "1x", "-1", "1.5m", "99999999999t"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_printed_as_ior_prints_them() {
        assert_eq!(ior_size(262_144), "262144 bytes");
        assert_eq!(ior_size(1 << 20), "1 MiB");
        assert_eq!(ior_size(3 << 29), "1.50 GiB");
        assert_eq!(ior_size(10 << 30), "10 GiB");
    }
}
