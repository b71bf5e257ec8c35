//! Sizes of small files, and how often each occurs.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::units::parse_bytes;

/// Sizes and how often each occurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mix {
    /// Bytes and weight.
    pub sizes: Vec<(u64, u32)>,
}

impl Default for Mix {
    /// 4 KiB to 1 MiB, 105 KiB on average.
    fn default() -> Self {
        Mix { sizes: vec![(4 << 10, 40), (16 << 10, 20), (64 << 10, 20), (256 << 10, 15), (1 << 20, 5)] }
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Mix, String> {
        let sizes = text
            .split(',')
            .map(|part| {
                let (bytes, weight) = part.split_once(':').unwrap_or((part, "1"));
                let weight: u32 = weight.parse().map_err(|_| format!("'{weight}' is not a weight"))?;
                let bytes = parse_bytes(bytes)?;
                if bytes == 0 || bytes > 64 << 20 {
                    return Err(format!("{bytes} bytes: small files have 1 byte to 64m"));
                }
                Ok((bytes, weight))
            })
            .collect::<std::result::Result<Vec<_>, String>>()?;
        if sizes.iter().all(|(_, weight)| *weight == 0) {
            return Err("some weight must be more than 0".to_owned());
        }
        Ok(Mix { sizes })
    }
}

impl Mix {
    fn weight(&self) -> u64 {
        self.sizes.iter().map(|(_, weight)| u64::from(*weight)).sum()
    }

    /// A size by a random number.
    pub fn pick(&self, random: u64) -> u64 {
        let mut at = random % self.weight().max(1);
        for (bytes, weight) in &self.sizes {
            match at.checked_sub(u64::from(*weight)) {
                Some(rest) => at = rest,
                None => return *bytes,
            }
        }
        self.largest()
    }

    /// The largest size.
    pub fn largest(&self) -> u64 {
        self.sizes.iter().map(|(bytes, _)| *bytes).max().unwrap_or(0)
    }

    /// The mean size.
    pub fn mean(&self) -> u64 {
        let all: u64 = self.sizes.iter().map(|(bytes, weight)| bytes * u64::from(*weight)).sum();
        all / self.weight().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_read_and_kept_to() {
        let mix: Mix = "4k:40,16k:20,64k:20,256k:15,1m:5".parse().expect("a mix");
        assert_eq!(mix, Mix::default());
        let picked: Vec<u64> = (0..100).map(|n| mix.pick(n)).collect();
        assert_eq!(picked.iter().filter(|b| **b == 4096).count(), 40);
        assert_eq!(picked.iter().filter(|b| **b == 1 << 20).count(), 5);
        assert_eq!(mix.mean(), picked.iter().sum::<u64>() / 100);
        for wrong in ["", "4k:x", "0:1", "4k:0", "1g:1"] {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong}");
        }
    }
}
