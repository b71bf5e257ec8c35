//! Values: what kinds there are, how they are compared and written, how much they take.
//!
//! Names of members are compared without regard to case, as everywhere in templates; texts are not.

use serde_json::{Map, Value};

use crate::limits::VALUE_DEPTH_MAX;

/// What kind of value it is, in templates' own words.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "a number that is not whole",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A member, whatever the case of its name; an exact one comes first.
pub(crate) fn member<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let other = || object.iter().find(|(other, _)| same_name(other, name)).map(|(_, value)| value);
    object.get(name).or_else(other)
}

/// Whether two names are one.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

/// A value as a part of a text. Truth values are written with a capital, as templates do.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Bytes of a value that is nothing but itself.
pub(crate) const VALUE_BYTES: u64 = 16;

/// About how many bytes it takes.
///
/// # Errors
/// It is nested more deeply than what is kept is read back; a sentence.
pub(crate) fn bytes_of(value: &Value) -> Result<u64, String> {
    let too_deep = || format!("a value is nested more than {VALUE_DEPTH_MAX} levels deep.");
    measure(value, VALUE_DEPTH_MAX).ok_or_else(too_deep)
}

/// Refuses what is nested too deeply, wherever its levels come from.
///
/// # Errors
/// As [`bytes_of`].
pub(crate) fn check_depth(value: &Value) -> Result<(), String> {
    bytes_of(value).map(drop)
}

fn measure(value: &Value, depth_left: usize) -> Option<u64> {
    let inside = match value {
        Value::String(text) => Some(text.len() as u64),
        Value::Array(items) => {
            let left = depth_left.checked_sub(1)?;
            items.iter().try_fold(0, |sum: u64, item| Some(sum.saturating_add(measure(item, left)?)))
        }
        Value::Object(members) => {
            let left = depth_left.checked_sub(1)?;
            members.iter().try_fold(0, |sum: u64, (name, item)| {
                Some(sum.saturating_add(name.len() as u64).saturating_add(measure(item, left)?))
            })
        }
        _ => Some(0),
    };
    inside.map(|bytes| bytes.saturating_add(VALUE_BYTES))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_found_whatever_their_case() {
        let value = json!({"Name": 1, "name": 2});
        let object = value.as_object().expect("an object");
        assert_eq!(member(object, "name"), Some(&json!(2)));
        assert_eq!(member(object, "NAME"), Some(&json!(1)));
        assert_eq!(member(object, "other"), None);
    }

    #[test]
    fn what_is_nested_too_deeply_has_no_measure() {
        let deep = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
        assert!(bytes_of(&deep(VALUE_DEPTH_MAX)).is_ok());
        assert!(bytes_of(&deep(VALUE_DEPTH_MAX + 1)).is_err());
        assert!(bytes_of(&json!({"a": "x".repeat(1000)})).is_ok_and(|bytes| bytes > 1000));
    }
}
