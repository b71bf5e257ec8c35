//! Rules for names, in one place: subscriptions, resource groups, and what a [`NameRule`] is given for.
//!
//! Names are compared without regard to case everywhere; which letters one may have is its kind's own
//! business.

use crate::error::ArmError;
use crate::pattern::Pattern;

/// Characters of a resource group's name.
const GROUP_CHARS_MAX: usize = 90;

/// The rule for names of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NameRule {
    /// What they look like.
    pub pattern: Pattern,
    /// The same in a sentence.
    pub sentence: &'static str,
}

/// Resources of our own: what may become a part of a host's name.
pub const RESOURCE: NameRule = NameRule {
    pattern: Pattern::new("^[a-zA-Z][a-zA-Z0-9-]{1,61}[a-zA-Z0-9]$"),
    sentence: "It has 3 to 63 letters, digits and hyphens, begins with a letter and ends with no hyphen.",
};

/// Deployments.
pub const DEPLOYMENT: NameRule = NameRule {
    pattern: Pattern::new(r"^[-a-zA-Z0-9_.()]{1,64}$"),
    sentence: "It has 1 to 64 letters, digits, hyphens, underscores, periods and parentheses.",
};

/// Management locks.
pub const LOCK: NameRule = NameRule {
    pattern: Pattern::new(r"^[-a-zA-Z0-9_.()]{1,90}$"),
    sentence: "It has 1 to 90 letters, digits, hyphens, underscores, periods and parentheses.",
};

/// What must have a GUID for a name: subscriptions, role assignments and definitions.
pub const GUID: NameRule = NameRule {
    pattern: Pattern::new("^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"),
    sentence: "It is a GUID, as 00000000-0000-0000-0000-000000000000.",
};

impl NameRule {
    /// Refuses a name that breaks the rule. `kind` is what it would be a name of: `cluster`.
    ///
    /// # Errors
    /// `InvalidResourceName`, with the rule.
    pub fn check(&self, kind: &str, name: &str) -> Result<(), ArmError> {
        match self.pattern.fits(name) {
            true => Ok(()),
            false => Err(ArmError::invalid_resource_name(kind, name, self.sentence)),
        }
    }
}

/// Whether this is a GUID.
pub fn is_guid(text: &str) -> bool {
    GUID.pattern.fits(text)
}

/// Refuses a subscription's id that is no GUID.
///
/// # Errors
/// `InvalidSubscriptionId`.
pub fn check_subscription(id: &str) -> Result<(), ArmError> {
    match is_guid(id) {
        true => Ok(()),
        false => Err(ArmError::invalid_subscription_id(id)),
    }
}

/// Refuses a name that no resource group can have. Letters and digits are those of any script, as ARM's are.
///
/// # Errors
/// `InvalidResourceGroup`, with the rule.
pub fn check_resource_group(name: &str) -> Result<(), ArmError> {
    let fits = |c: char| c.is_alphanumeric() || "-_.()".contains(c);
    let count = name.chars().take(GROUP_CHARS_MAX + 1).count();
    if (1..=GROUP_CHARS_MAX).contains(&count) && name.chars().all(fits) && !name.ends_with('.') {
        return Ok(());
    }
    let rule =
        "The name can only have 1 to 90 letters, digits, '-', '.', '(', ')' or '_', and no '.' at its end.";
    Err(ArmError::invalid_resource_group(name, rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_are_guids() {
        assert_eq!(check_subscription("47000f32-1714-4b72-B022-AA1B21CFA03F"), Ok(()));
        let wrong = [
            "",
            "S",
            "47000f32-1714-4b72-b022-aa1b21cfa03",
            "47000f32-1714-4b72-b022-aa1b21cfa03fa",
            "47000f3217144b72b022aa1b21cfa03f",
            "{47000f32-1714-4b72-b022-aa1b21cfa03f}",
            "47000g32-1714-4b72-b022-aa1b21cfa03f",
        ];
        for wrong in wrong {
            let error = check_subscription(wrong).expect_err(wrong);
            assert_eq!((error.status(), error.code()), (400, "InvalidSubscriptionId"));
        }
    }

    #[test]
    fn resource_groups_have_letters_of_any_script_and_no_period_at_the_end() {
        for good in ["rg1", "RG_1-(a).b", "グループ", "é", &"x".repeat(90), ".a"] {
            assert_eq!(check_resource_group(good), Ok(()), "{good}");
        }
        for wrong in ["", "a.", "a b", "a/b", "a%b", &"x".repeat(91), "a\n"] {
            let error = check_resource_group(wrong).expect_err(wrong);
            assert_eq!(error.code(), "InvalidResourceGroup");
            assert!(error.message().contains("no '.' at its end"), "{error}");
        }
    }

    #[test]
    fn a_rule_refuses_with_its_sentence() {
        for good in ["c-1", "abc", "Prod-UK-1", &"x".repeat(63)] {
            assert_eq!(RESOURCE.check("cluster", good), Ok(()), "{good}");
        }
        for wrong in ["c1", "1bc", "abc-", "a_c", &"x".repeat(64)] {
            let error = RESOURCE.check("cluster", wrong).expect_err(wrong);
            assert_eq!(error.code(), "InvalidResourceName");
            assert!(error.message().ends_with(RESOURCE.sentence), "{error}");
        }
        assert_eq!(LOCK.check("lock", "keep_(this).1"), Ok(()));
        assert!(LOCK.check("lock", "keep this").is_err());
        assert!(DEPLOYMENT.check("deployment", &"d".repeat(65)).is_err());
        assert_eq!(DEPLOYMENT.check("deployment", "t-1.(x)_y"), Ok(()));
    }
}
