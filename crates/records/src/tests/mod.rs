//! What is promised, on both databases.

mod audit;
mod claims;
mod opening;
mod operations;
mod resources;
mod settings;
mod transactions;

use serde_json::json;

use crate::{NewOperation, Resource};

/// Any time.
const NOW_MS: i64 = 1_800_000_000_000;

/// A resource of kind `things` in subscription `s` and group `g`.
fn resource(key: &str, parent: &str) -> Resource {
    Resource {
        key: key.to_owned(),
        id: key.to_uppercase(),
        kind: "things".to_owned(),
        parent: parent.to_owned(),
        subscription: "s".to_owned(),
        group_name: "g".to_owned(),
        revision: 0,
        body: json!({"name": key, "n": 1}),
        created_ms: NOW_MS,
        changed_ms: NOW_MS,
    }
}

/// An operation of kind `make`.
fn new_operation(id: &str, target: &str) -> NewOperation {
    NewOperation {
        id: id.to_owned(),
        target: target.to_owned(),
        kind: "make".to_owned(),
        subscription: "s".to_owned(),
        location: "local".to_owned(),
        input: json!({"nodes": 4}),
        message: "Waiting".to_owned(),
        correlation: "c".to_owned(),
        principal: "p".to_owned(),
    }
}
