//! What would change in a document, in the form of ARM's what-if.

use serde_json::{Map, Value, json};

use crate::limits::CHANGES_MAX;

/// The changes from one document to another: `{path, propertyChangeType, before, after, children}`. Members
/// of objects are one path (`properties.level`), items of lists are children of it. What is the same is left
/// out, and so is what comes after [`CHANGES_MAX`].
pub fn difference(before: &Value, after: &Value) -> Vec<Value> {
    let mut changes = Vec::new();
    compare("", before, after, &mut changes);
    changes
}

fn compare(path: &str, before: &Value, after: &Value, changes: &mut Vec<Value>) {
    if before == after || changes.len() == CHANGES_MAX {
        return;
    }
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => objects(path, before, after, changes),
        (Value::Array(before), Value::Array(after)) => {
            changes.push(change(path, "Array", None, None, lists(before, after)));
        }
        _ => changes.push(change(path, "Modify", Some(before), Some(after), Vec::new())),
    }
}

fn objects(path: &str, before: &Map<String, Value>, after: &Map<String, Value>, changes: &mut Vec<Value>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for (name, value) in after {
        match before.get(name) {
            Some(was) => compare(&below(name), was, value, changes),
            None => changes.push(change(&below(name), "Create", None, Some(value), Vec::new())),
        }
    }
    for (name, value) in before.iter().filter(|(name, _)| !after.contains_key(*name)) {
        changes.push(change(&below(name), "Delete", Some(value), None, Vec::new()));
    }
}

fn lists(before: &[Value], after: &[Value]) -> Vec<Value> {
    let mut children = Vec::new();
    for at in 0..before.len().max(after.len()).min(CHANGES_MAX) {
        let path = at.to_string();
        match (before.get(at), after.get(at)) {
            (Some(before), Some(after)) if before == after => {}
            (Some(before @ Value::Object(_)), Some(after @ Value::Object(_))) => {
                let inner = difference(before, after);
                children.push(change(&path, "Modify", Some(before), Some(after), inner));
            }
            (Some(before), Some(after)) => compare(&path, before, after, &mut children),
            (before, Some(after)) => children.push(change(&path, "Create", before, Some(after), Vec::new())),
            (before, None) => children.push(change(&path, "Delete", before, None, Vec::new())),
        }
    }
    children
}

fn change(
    path: &str,
    kind: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    children: Vec<Value>,
) -> Value {
    let children = if children.is_empty() { Value::Null } else { json!(children) };
    json!({"path": path, "propertyChangeType": kind, "before": before, "after": after, "children": children})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_is_no_change() {
        let document = json!({"a": {"b": [1, {"c": 2}]}});
        assert!(difference(&document, &document).is_empty());
    }

    #[test]
    fn members_are_created_modified_and_deleted_by_their_paths() {
        let before = json!({"tags": {"a": "1", "b": "2"}, "properties": {"level": "ReadOnly", "same": 1}});
        let after = json!({"tags": {"a": "1", "c": "3"}, "properties": {"level": "CanNotDelete", "same": 1}});
        let told: Vec<_> = difference(&before, &after)
            .iter()
            .map(|of| {
                format!("{} {}", of["path"].as_str().unwrap(), of["propertyChangeType"].as_str().unwrap())
            })
            .collect();
        assert_eq!(told, ["properties.level Modify", "tags.c Create", "tags.b Delete"]);
        let level = &difference(&before, &after)[0];
        assert_eq!((&level["before"], &level["after"]), (&json!("ReadOnly"), &json!("CanNotDelete")));
    }

    #[test]
    fn items_of_lists_are_children() {
        let before = json!({"list": [{"a": 1}, 2, 3]});
        let after = json!({"list": [{"a": 2}, 2]});
        let changes = difference(&before, &after);
        let children = changes[0]["children"].as_array().expect("children");
        assert_eq!((changes[0]["path"].as_str(), children.len()), (Some("list"), 2));
        assert_eq!(children[0]["children"][0]["path"], "a");
        assert_eq!(
            (&children[1]["path"], &children[1]["propertyChangeType"]),
            (&json!("2"), &json!("Delete"))
        );
    }
}
