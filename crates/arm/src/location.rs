//! Locations: `UK South`, `uksouth` and `UKSouth` are one.
//!
//! Answers have the form without spaces in small letters, which is the one that ARM answers with.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::limits::LOCATION_CHARS_MAX;

/// The name of a location.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct Location(String);

impl Location {
    /// Reads a name however it is written; `None` when it has more than letters, digits, hyphens and spaces.
    pub fn parse(text: &str) -> Option<Location> {
        if text.len() > 2 * LOCATION_CHARS_MAX {
            return None;
        }
        let name: String = text.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_lowercase()).collect();
        let fits = (1..=LOCATION_CHARS_MAX).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        fits.then_some(Location(name))
    }

    /// The name without spaces, in small letters.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Location, D::Error> {
        let text = String::deserialize(deserializer)?;
        Location::parse(&text).ok_or_else(|| serde::de::Error::custom("no name of a location"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_spaces_do_not_matter() {
        let all = ["UK South", "uksouth", "UKSOUTH", " uk south "].map(Location::parse);
        assert!(all.iter().all(|location| location == &all[0] && location.is_some()), "{all:?}");
        let [Some(first), ..] = all else { panic!("a location") };
        assert_eq!((first.name(), first.to_string().as_str()), ("uksouth", "uksouth"));
        assert_ne!(Location::parse("ukwest"), Some(first));
    }

    #[test]
    fn a_location_is_letters_digits_and_hyphens() {
        for wrong in ["", "  ", "uk_south", "uk/south", "ükwest", &"x".repeat(65), &" ".repeat(1000)] {
            assert_eq!(Location::parse(wrong), None, "{wrong}");
        }
        assert!(Location::parse("local").is_some() && Location::parse("rack-7").is_some());
        let json = serde_json::from_str::<Location>("\"East US 2\"").expect("a location");
        assert_eq!(serde_json::to_string(&json).expect("JSON"), "\"eastus2\"");
        assert!(serde_json::from_str::<Location>("\"a b/c\"").is_err());
    }
}
