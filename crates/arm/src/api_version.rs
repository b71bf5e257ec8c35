//! Versions of the API: `2026-12-01`, or `2026-12-01-preview`.
//!
//! They are ordered by date; a preview comes before the stable version of its day. Our own namespace serves
//! the versions that it lists and no other. For Microsoft's namespaces any that is well-formed will do: `az`,
//! the SDKs and Terraform's provider each send the ones they were made with, and all mean the same here.

use std::fmt;
use std::str::FromStr;

use crate::error::ArmError;
use crate::time::days_in_month;

/// The version that the lifecycle of subscriptions has (`PUT /subscriptions/S?api-version=2.0`): the only one
/// that is no date.
pub const SUBSCRIPTION_LIFECYCLE_VERSION: &str = "2.0";

/// What follows the date of a preview.
const PREVIEW: &str = "-preview";

/// A version of the API.
// Fields in this order give the order of versions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ApiVersion {
    year: u16,
    month: u8,
    day: u8,
    stable: bool,
}

/// Which versions a namespace takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Accepts<'a> {
    /// These.
    Only(&'a [ApiVersion]),
    /// Any that is well-formed.
    AnyWellFormed,
}

impl ApiVersion {
    /// The stable version of a day, for constants: a day that is none does not compile there.
    ///
    /// # Panics
    /// There is no such day.
    pub const fn stable(year: u16, month: u8, day: u8) -> ApiVersion {
        assert!(year >= 1000 && year <= 9999, "a year has four digits");
        assert!(day >= 1 && day as i64 <= days_in_month(year as i64, month as i64), "there is no such day");
        ApiVersion { year, month, day, stable: true }
    }

    /// The preview of this day.
    #[must_use]
    pub const fn preview(self) -> ApiVersion {
        ApiVersion { stable: false, ..self }
    }

    /// Whether this is no preview.
    pub fn is_stable(self) -> bool {
        self.stable
    }

    /// Reads a version; `None` when it is not well-formed.
    pub fn parse(text: &str) -> Option<ApiVersion> {
        let (date, suffix) = text.split_at_checked(10)?;
        let stable = suffix.is_empty();
        if !stable && !suffix.eq_ignore_ascii_case(PREVIEW) {
            return None;
        }
        let mut parts = date.split('-');
        let mut number = |digits: usize| -> Option<u16> {
            let part = parts.next()?;
            let fits = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
            fits.then(|| part.parse().ok()).flatten()
        };
        let (year, month, day) = (number(4)?, number(2)?, number(2)?);
        let exists = year >= 1000 && (1..=days_in_month(year.into(), month.into())).contains(&day.into());
        let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
        exists.then_some(ApiVersion { year, month, day, stable })
    }
}

/// The version that clients take that are not told which: the newest that is no preview.
pub fn newest_stable(versions: &[ApiVersion]) -> Option<ApiVersion> {
    versions.iter().copied().filter(|version| version.stable).max()
}

impl<'a> Accepts<'a> {
    /// What a namespace takes, if `ours` are the versions of all that are not Microsoft's.
    pub fn of_namespace(namespace: &str, ours: &'a [ApiVersion]) -> Accepts<'a> {
        let prefix = namespace.get(.."Microsoft.".len());
        match prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case("Microsoft.")) {
            true => Accepts::AnyWellFormed,
            false => Accepts::Only(ours),
        }
    }

    /// The version of a request, from its `api-version` parameter. `kind` is the type without its namespace,
    /// `location` the one of the request (`global` without one), `locations` are all that the type has.
    ///
    /// # Errors
    /// It is missing, is none, or is none of these: the refusal names those that are.
    pub fn version_of(
        self,
        given: Option<&str>,
        kind: &str,
        location: &str,
        locations: &[&str],
    ) -> Result<ApiVersion, ArmError> {
        let given = given.map(str::trim).filter(|given| !given.is_empty());
        let given = given.ok_or_else(ArmError::missing_api_version)?;
        let supported = match self {
            Accepts::Only(supported) => supported,
            Accepts::AnyWellFormed => &[],
        };
        let version =
            ApiVersion::parse(given).ok_or_else(|| ArmError::invalid_api_version(given, supported))?;
        if self == Accepts::AnyWellFormed || supported.contains(&version) {
            return Ok(version);
        }
        Err(ArmError::no_registered_provider((location, given, kind), supported, locations))
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.stable { "" } else { PREVIEW };
        write!(f, "{:04}-{:02}-{:02}{suffix}", self.year, self.month, self.day)
    }
}

impl FromStr for ApiVersion {
    type Err = ArmError;

    fn from_str(text: &str) -> Result<ApiVersion, ArmError> {
        let none: [ApiVersion; 0] = [];
        ApiVersion::parse(text).ok_or_else(|| ArmError::invalid_api_version(text, &none))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: [ApiVersion; 3] = [
        ApiVersion::stable(2026, 12, 1),
        ApiVersion::stable(2027, 3, 1).preview(),
        ApiVersion::stable(2025, 2, 28),
    ];

    fn version(text: &str) -> ApiVersion {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn versions_are_read_and_written() {
        for text in ["2026-12-01", "2027-03-01-preview", "2024-02-29"] {
            assert_eq!(version(text).to_string(), text);
        }
        assert_eq!(version("2027-03-01-PREVIEW"), OURS[1]);
        let wrong = [
            "",
            "2026",
            "2026-12-1",
            "2026-13-01",
            "2026-02-29",
            "2026-12-01-",
            "2026-12-01-beta",
            "2.0",
            "0000-01-01",
            "2026-12-01preview",
            "2026/12/01",
            "+026-12-01",
            "2026-12-é",
            "2026-1é-01",
        ];
        for text in wrong {
            assert_eq!(ApiVersion::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_preview_comes_before_the_stable_version_of_its_day() {
        let mut versions =
            ["2027-03-01", "2026-12-01", "2027-03-01-preview", "2026-12-02-preview"].map(version);
        versions.sort();
        let sorted = versions.map(|version| version.to_string());
        assert_eq!(sorted, ["2026-12-01", "2026-12-02-preview", "2027-03-01-preview", "2027-03-01"]);
        assert_eq!(newest_stable(&OURS), Some(OURS[0]));
        assert_eq!(newest_stable(&OURS[1..2]), None);
        assert!(OURS[0].is_stable() && !OURS[1].is_stable());
    }

    #[test]
    fn our_namespace_takes_what_it_lists_and_nothing_else() {
        let ours = Accepts::of_namespace("Isobar.Storage", &OURS);
        let of = |given| ours.version_of(given, "clusters", "uksouth", &["uksouth", "local"]);
        assert_eq!(of(Some("2026-12-01")), Ok(OURS[0]));
        let unknown = of(Some("2020-01-01")).expect_err("unknown");
        assert_eq!(unknown.code(), "NoRegisteredProviderFound");
        assert!(unknown.message().contains("'2026-12-01, 2027-03-01-preview, 2025-02-28'"), "{unknown}");
        assert!(unknown.message().contains("for type 'clusters'"), "{unknown}");
        let malformed = of(Some("latest")).expect_err("malformed");
        assert_eq!((malformed.status(), malformed.code()), (400, "InvalidApiVersionParameter"));
        assert!(malformed.message().contains("2026-12-01,2027-03-01-preview"), "{malformed}");
        for missing in [None, Some(""), Some(" ")] {
            assert_eq!(of(missing).expect_err("missing").code(), "MissingApiVersionParameter");
        }
    }

    #[test]
    fn the_namespaces_of_microsoft_take_any_that_is_well_formed() {
        let theirs = Accepts::of_namespace("microsoft.Resources", &OURS);
        let of = |given| theirs.version_of(Some(given), "deployments", "global", &[]);
        assert_eq!(
            of("2014-04-01-preview").map(|version| version.to_string()),
            Ok("2014-04-01-preview".into())
        );
        assert_eq!(of("x").expect_err("malformed").code(), "InvalidApiVersionParameter");
        assert_eq!(Accepts::of_namespace("Micro", &OURS), Accepts::Only(&OURS));
        assert_eq!(Accepts::of_namespace("MicrosoftX.Y", &OURS), Accepts::Only(&OURS));
    }
}
