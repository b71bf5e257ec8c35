//! What all providers share.

use serde_json::{Map, Value, json};

/// `definitions` and `parameters`, by name.
const SHARED: &str = include_str!("../../data/common-types.json");
/// Marks it in the document.
const IS_SHARED: &str = "x-isobar-common";

/// What is shared, by kind and name, marked.
pub(super) fn shared(kind: &str) -> Map<String, Value> {
    let all: Value = serde_json::from_str(SHARED).unwrap_or_default();
    let mut shared = all[kind].as_object().cloned().unwrap_or_default();
    for one in shared.values_mut() {
        one[IS_SHARED] = json!(true);
    }
    shared
}
