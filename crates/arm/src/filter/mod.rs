//! `$filter`: the part of OData that `az` and the SDKs send, as a list of conditions that all have to hold.
//!
//! ```text
//! filter    = [ condition { "and" condition } ]
//! condition = field operator value
//!           | "substringof" "(" value "," field ")" | "startswith" "(" field "," value ")"
//!           | function "(" [ value ] ")"
//! operator  = "eq" | "ne" | "ge" | "le"
//! value     = "'" text "'", with '' for a quote | a word without quotes (times are sent so)
//! ```
//! Words are read without regard to case, because clients send `tagname` and documents say `tagName`. Which
//! fields and functions there are depends on what is listed: see the constants. Whatever else is sent (`or`,
//! parentheses, other fields) is refused in one line that says what is understood.

mod parse;
#[cfg(test)]
mod tests;

use crate::error::ArmError;
use crate::time::Timestamp;

/// A condition on one field, or a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    /// The field's or the function's name, as the vocabulary has it.
    pub subject: &'static str,
    /// What has to hold.
    pub test: Test,
}

/// What has to hold of a field. Texts are compared without regard to case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Test {
    /// `eq`.
    Is(String),
    /// `ne`.
    IsNot(String),
    /// `substringof`.
    Contains(String),
    /// `startswith`.
    StartsWith(String),
    /// `ge`.
    NotBefore(Timestamp),
    /// `le`.
    NotAfter(Timestamp),
    /// The subject is a function, and this its argument.
    Function(Option<String>),
}

/// Conditions that all have to hold; without any everything does.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter(Vec<Condition>);

/// What may be asked of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// `eq` and `ne`.
    Text,
    /// These, `substringof` and `startswith`.
    Name,
    /// `ge` and `le`.
    Time,
}

/// Which fields and functions a list understands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vocabulary {
    fields: &'static [(&'static str, Kind)],
    functions: &'static [&'static str],
}

/// Lists of resources.
pub const RESOURCES: Vocabulary = Vocabulary {
    fields: &[
        ("resourceGroup", Kind::Name),
        ("resourceType", Kind::Text),
        ("name", Kind::Name),
        ("location", Kind::Text),
        ("tagName", Kind::Name),
        ("tagValue", Kind::Text),
    ],
    functions: &[],
};

/// Lists of resource groups.
pub const RESOURCE_GROUPS: Vocabulary = Vocabulary {
    fields: &[
        ("name", Kind::Name),
        ("location", Kind::Text),
        ("tagName", Kind::Name),
        ("tagValue", Kind::Text),
    ],
    functions: &[],
};

/// The activity log.
pub const ACTIVITY_LOG: Vocabulary = Vocabulary {
    fields: &[
        ("eventTimestamp", Kind::Time),
        ("resourceGroupName", Kind::Text),
        ("resourceId", Kind::Text),
        ("resourceUri", Kind::Text),
        ("resourceProvider", Kind::Text),
        ("correlationId", Kind::Text),
        ("caller", Kind::Text),
        ("status", Kind::Text),
        ("eventChannels", Kind::Text),
    ],
    functions: &[],
};

/// Deployments.
pub const DEPLOYMENTS: Vocabulary =
    Vocabulary { fields: &[("provisioningState", Kind::Text)], functions: &[] };

/// Role assignments.
pub const ROLE_ASSIGNMENTS: Vocabulary =
    Vocabulary { fields: &[("principalId", Kind::Text)], functions: &["atScope", "assignedTo"] };

/// Role definitions.
pub const ROLE_DEFINITIONS: Vocabulary = Vocabulary {
    fields: &[("roleName", Kind::Text), ("type", Kind::Text)],
    functions: &["atScope", "atScopeAndBelow"],
};

impl Filter {
    /// Reads a filter; an empty one asks for everything.
    ///
    /// # Errors
    /// Anything that the vocabulary does not have.
    pub fn parse(text: &str, vocabulary: &Vocabulary) -> Result<Filter, ArmError> {
        match parse::conditions(text, vocabulary) {
            Ok(conditions) => Ok(Filter(conditions)),
            Err(hint) => Err(ArmError::invalid_filter(text, &hint)),
        }
    }

    /// All conditions.
    pub fn conditions(&self) -> &[Condition] {
        &self.0
    }

    /// Whether everything is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a field has to be, if the filter says so: to look for that alone.
    pub fn value_of(&self, field: &str) -> Option<&str> {
        self.0.iter().find_map(|condition| match &condition.test {
            Test::Is(value) if condition.subject == field => Some(value.as_str()),
            _ => None,
        })
    }

    /// Whether a function is called.
    pub fn calls(&self, function: &str) -> bool {
        self.0.iter().any(|of| of.subject == function && matches!(of.test, Test::Function(_)))
    }

    /// Whether all conditions on these fields hold for something that has these values; conditions on other
    /// fields, and functions, are the caller's. A field may have several values, of which one has to do.
    pub fn holds<'v>(&self, field: &str, values: impl IntoIterator<Item = &'v str> + Clone) -> bool {
        let mut tests = self.0.iter().filter(|of| of.subject == field).map(|of| &of.test);
        tests.all(|test| match test {
            // Of several values none may be it.
            Test::IsNot(_) => values.clone().into_iter().all(|value| test.holds(value)),
            _ => values.clone().into_iter().any(|value| test.holds(value)),
        })
    }

    /// Whether what was said of tags holds for these. Without `tagName` a `tagValue` may be any tag's.
    pub fn holds_for_tags<'t>(&self, tags: impl Iterator<Item = (&'t str, &'t str)>) -> bool {
        let mut tags = tags;
        let is_of_tags = |of: &&Condition| of.subject == "tagName" || of.subject == "tagValue";
        let conditions: Vec<&Condition> = self.0.iter().filter(is_of_tags).collect();
        let fits = |(name, value): (&str, &str)| {
            conditions.iter().all(|of| match of.subject {
                "tagName" => of.test.holds(name),
                // Values of tags mean what they say, also in their case.
                _ => of.test.holds_exactly(value),
            })
        };
        conditions.is_empty() || tags.any(fits)
    }
}

impl Test {
    /// Whether it holds for a value, without regard to case. Functions hold for nothing.
    pub fn holds(&self, value: &str) -> bool {
        let lower = value.to_lowercase();
        match self {
            Test::Is(wanted) => lower == wanted.to_lowercase(),
            Test::IsNot(unwanted) => lower != unwanted.to_lowercase(),
            Test::Contains(part) => lower.contains(&part.to_lowercase()),
            Test::StartsWith(begin) => lower.starts_with(&begin.to_lowercase()),
            Test::NotBefore(first) => Timestamp::parse(value).is_ok_and(|time| time >= *first),
            Test::NotAfter(last) => Timestamp::parse(value).is_ok_and(|time| time <= *last),
            Test::Function(_) => false,
        }
    }

    fn holds_exactly(&self, value: &str) -> bool {
        match self {
            Test::Is(wanted) => value == wanted,
            Test::IsNot(unwanted) => value != unwanted,
            other => other.holds(value),
        }
    }
}
