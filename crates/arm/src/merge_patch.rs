//! PATCH: JSON merge patch (RFC 7386), and ARM's own rule for tags.
//!
//! A `null` in a patch takes a member away, an object is merged, anything else takes the place of what was
//! there. ARM replaces `tags` as a whole: what a patch does not name is gone.

use serde_json::{Map, Value};

use crate::error::ArmError;
use crate::limits::JSON_DEPTH_MAX;

/// Applies a patch.
///
/// # Errors
/// The patch is nested more deeply than any body can be. The target is of no use then.
pub fn merge_patch(target: &mut Value, patch: &Value) -> Result<(), ArmError> {
    merge(target, patch, JSON_DEPTH_MAX)
}

/// Applies a patch to the document of a resource, whose tags are replaced as a whole.
///
/// # Errors
/// As [`merge_patch`]; or the patch is no object, which would put something else in the resource's place.
pub fn patch_resource(resource: &mut Value, patch: &Value) -> Result<(), ArmError> {
    let Value::Object(members) = patch else {
        return Err(ArmError::invalid_request_content("a patch has to be an object"));
    };
    if let (Value::Object(resource), Some(_)) = (&mut *resource, members.get("tags")) {
        resource.remove("tags");
    }
    merge_patch(resource, patch)
}

fn merge(target: &mut Value, patch: &Value, depth_left: usize) -> Result<(), ArmError> {
    let Value::Object(members) = patch else {
        *target = patch.clone();
        return Ok(());
    };
    let Some(depth_left) = depth_left.checked_sub(1) else {
        let why = format!("it is nested more than {JSON_DEPTH_MAX} levels deep");
        return Err(ArmError::invalid_request_content(&why));
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(object) = target else { return Ok(()) };
    for (name, value) in members {
        match value {
            Value::Null => drop(object.remove(name)),
            value => merge(object.entry(name.as_str()).or_insert(Value::Null), value, depth_left)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_examples_of_the_standard_hold() {
        // RFC 7386, appendix A: original, patch, result.
        let examples = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];
        for (mut target, patch, expected) in examples {
            merge_patch(&mut target, &patch).expect("applies");
            assert_eq!(target, expected, "{patch}");
        }
    }

    #[test]
    fn tags_are_replaced_and_properties_are_merged() {
        let resource = json!({"tags": {"a": "1", "b": "2"}, "properties": {"nodes": 8, "name": "x"}});
        let patched = |patch: Value| {
            let mut resource = resource.clone();
            patch_resource(&mut resource, &patch).expect("applies");
            resource
        };
        let changed = patched(json!({"tags": {"c": "3", "d": null}, "properties": {"nodes": 9}}));
        assert_eq!(changed, json!({"tags": {"c": "3"}, "properties": {"nodes": 9, "name": "x"}}));
        assert_eq!(patched(json!({"tags": {}}))["tags"], json!({}));
        assert_eq!(patched(json!({"tags": null})).get("tags"), None);
        assert_eq!(patched(json!({}))["tags"], resource["tags"]);
    }

    #[test]
    fn a_patch_that_is_no_object_is_refused() {
        for patch in [json!(null), json!([]), json!("x"), json!(3)] {
            let mut resource = json!({"a": 1});
            assert_eq!(patch_resource(&mut resource, &patch).expect_err("refused").status(), 400);
            assert_eq!(resource, json!({"a": 1}));
        }
    }

    #[test]
    fn a_patch_that_is_nested_too_deeply_is_refused() {
        let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert!(merge_patch(&mut json!({}), &nested(JSON_DEPTH_MAX)).is_ok());
        assert!(merge_patch(&mut json!({}), &nested(JSON_DEPTH_MAX + 1)).is_err());
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(json!(null)), any::<i8>().prop_map(|n| json!(n)), "[a-c]".prop_map(Value::from)];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_patch_applied_twice_changes_nothing_more(mut target in documents(), patch in documents()) {
            merge_patch(&mut target, &patch).expect("applies");
            let once = target.clone();
            merge_patch(&mut target, &patch).expect("applies");
            prop_assert_eq!(target, once);
        }
    }
}
