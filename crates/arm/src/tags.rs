//! Tags: names and values that a user puts on a tracked resource.
//!
//! Names are compared without regard to case and keep the one that they were given; values mean what they
//! say. ARM's limits are kept: 50 tags, names of 512 characters without `<>%&\?/`, values of 256.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fields::Field;
use crate::limits::{TAG_NAME_CHARS_MAX, TAG_VALUE_CHARS_MAX, TAGS_MAX};
use crate::text::quoted;

/// What no name of a tag has.
const FORBIDDEN: &[char] = &['<', '>', '%', '&', '\\', '?', '/'];

/// The tags of a resource, by name.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Reads them from a body. `None` when there are none there or they are wrong.
    pub fn read(field: Field<'_, '_>) -> Option<Tags> {
        let fields = field.object()?;
        let mut tags = BTreeMap::new();
        let mut seen = BTreeMap::new();
        let mut all_right = true;
        for (name, field) in fields.entries() {
            if let Some(wrong) = wrong_name(name) {
                field.refuse_as("InvalidTagName", wrong);
                all_right = false;
            } else if let Some(other) = seen.insert(name.to_lowercase(), name) {
                field.refuse_as("InvalidTagName", &format!("differs from {} only in case", quoted(other)));
                all_right = false;
            }
            match field.string(0..=TAG_VALUE_CHARS_MAX) {
                Some(value) => drop(tags.insert(name.to_owned(), value.to_owned())),
                None => all_right = false,
            }
            // What is beyond the limit need not be looked at: it is refused as a whole.
            if seen.len() > TAGS_MAX {
                break;
            }
        }
        if seen.len() > TAGS_MAX {
            fields.refuse(&format!("A resource has at most {TAGS_MAX} tags."));
            all_right = false;
        }
        all_right.then_some(Tags(tags))
    }

    /// The value of a tag.
    pub fn get(&self, name: &str) -> Option<&str> {
        let name = name.to_lowercase();
        self.iter().find(|(other, _)| other.to_lowercase() == name).map(|(_, value)| value)
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn wrong_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("has no name");
    }
    if name.chars().nth(TAG_NAME_CHARS_MAX).is_some() {
        return Some("has a name of more than 512 characters");
    }
    let reserved = name.contains(FORBIDDEN) || name.chars().any(char::is_control);
    reserved.then_some(r"has a name with one of the reserved characters <>%&\?/ or a control character")
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::error::ArmError;
    use crate::fields::{Fields, Problems};

    fn read(tags: Value) -> Result<Option<Tags>, ArmError> {
        let problems = Problems::new();
        let tags = Tags::read(Fields::root(&json!({ "tags": tags }), &problems).get("tags"));
        problems.into_result().map(|()| tags)
    }

    fn refused(tags: Value) -> ArmError {
        let error = read(tags).expect_err("wrong tags");
        error.details()[0].clone()
    }

    #[test]
    fn tags_keep_their_case_and_are_found_without_it() {
        let tags = read(json!({"Env": "Prod", "owner": ""})).expect("right").expect("tags");
        assert_eq!((tags.get("ENV"), tags.get("owner"), tags.get("x")), (Some("Prod"), Some(""), None));
        assert_eq!(serde_json::to_value(&tags).expect("JSON"), json!({"Env": "Prod", "owner": ""}));
        assert_eq!((tags.len(), tags.is_empty()), (2, false));
        assert_eq!(read(Value::Null).expect("right"), None);
        assert_eq!(read(json!({})).expect("right"), Some(Tags::default()));
    }

    #[test]
    fn names_and_values_have_limits() {
        let full: Map<String, Value> = (0..TAGS_MAX).map(|at| (format!("t{at}"), json!("v"))).collect();
        assert!(read(Value::Object(full.clone())).is_ok());
        let mut over = full;
        over.insert("one more".into(), json!("v"));
        assert!(refused(Value::Object(over)).message().contains("at most 50 tags"));
        let name = "é".repeat(TAG_NAME_CHARS_MAX);
        assert!(read(json!({ (name.as_str()): "v" })).is_ok());
        assert!(refused(json!({ (name + "x"): "v" })).message().contains("more than 512 characters"));
        assert!(read(json!({ "n": "v".repeat(256) })).is_ok());
        assert!(
            refused(json!({ "n": "v".repeat(257) })).message().contains("at most 256 characters, not 257")
        );
    }

    #[test]
    fn reserved_characters_twins_and_other_kinds_are_refused() {
        for name in ["a<", "a>", "a%", "a&", "a\\", "a?", "a/", "a\n"] {
            let error = refused(json!({ (name): "v" }));
            assert_eq!(error.code(), "InvalidTagName", "{name}");
            assert!(error.message().contains("reserved characters"), "{error}");
        }
        assert!(refused(json!({"": "v"})).message().contains("has no name"));
        assert!(refused(json!({"a": "1", "A": "2"})).message().contains("only in case"));
        assert_eq!(refused(json!({"a": 1})).target(), Some("tags.a"));
        assert!(refused(json!({"a": null})).message().contains("must be a string, not null"));
        assert!(refused(json!(["a"])).message().contains("must be an object"));
    }
}
