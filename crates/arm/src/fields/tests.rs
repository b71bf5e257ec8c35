//! What readers of bodies get, and what clients are told.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::error::ArmError;
use crate::names;

/// The refusal of a body by a reader, as pairs of target and message.
fn told(body: &Value, read: impl FnOnce(&Fields<'_, '_>)) -> Vec<(String, String)> {
    let problems = Problems::new();
    read(&Fields::root(body, &problems));
    let Err(error) = problems.into_result() else { return Vec::new() };
    assert_eq!((error.status(), error.code()), (400, "InvalidRequestContent"));
    let pair = |detail: &ArmError| {
        assert!(!detail.message().contains('\n'));
        (detail.target().unwrap_or_default().to_owned(), detail.message().to_owned())
    };
    error.details().iter().map(pair).collect()
}

/// A reader that is only asked for what it records.
fn ignored<T>(_: T) {}

fn one(body: &Value, read: impl FnOnce(&Fields<'_, '_>)) -> String {
    let all = told(body, read);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].1.clone()
}

#[test]
fn right_values_are_read_and_nothing_is_told() {
    let body = json!({
        "s": "text", "n": 7, "b": true, "w": "AZURE", "d": "PT1M", "l": ["x", "y"], "o": {"i": 1},
        "none": null, "id": "/subscriptions/S",
    });
    let all = told(&body, |body| {
        assert_eq!(body.get("s").required().string(1..=4), Some("text"));
        assert_eq!(body.get("n").integer(7..=7), Some(7));
        assert_eq!(body.get("b").bool(), Some(true));
        assert_eq!(body.get("w").one_of(&[("local", 1), ("azure", 2)]), Some(2));
        let minutes = Duration::from_secs(1)..=Duration::from_secs(3600);
        assert_eq!(body.get("d").duration(minutes), Some(Duration::from_secs(60)));
        let list = body.get("l").list(1..=2).expect("a list");
        assert_eq!(list.into_iter().filter_map(|item| item.string(1..=1)).collect::<String>(), "xy");
        assert_eq!(body.get("o").object().and_then(|o| o.get("i").integer(0..=9)), Some(1));
        assert_eq!(body.get("id").id().map(|id| id.to_string()), Some("/subscriptions/S".into()));
        assert!(body.get("absent").string(1..=1).is_none() && body.get("none").bool().is_none());
        assert!(body.get("gone").object().is_none());
    });
    assert_eq!(all, []);
}

#[test]
fn every_problem_is_told_with_its_path() {
    let body = json!({
        "name": 3,
        "properties": {
            "nodes": "eight", "kind": "azur", "deep": {"rules": [{"path": "/"}, {"path": 7}, 8]},
            "colour": "red",
        },
    });
    let all = told(&body, |body| {
        body.get("name").string(1..=63);
        let properties = body.get("properties").object().expect("an object");
        properties.get("nodes").required().integer(4..=4096);
        properties.get("kind").one_of(&[("local", ()), ("azure", ())]);
        properties.get("size").required().string(1..=9);
        let rules = properties.get("deep").object().and_then(|deep| deep.get("rules").list(0..=9));
        for rule in rules.into_iter().flatten() {
            rule.object_or_empty().get("path").required().string(1..=99);
        }
    });
    let expected = [
        ("name", "'name' must be a string, not a number."),
        ("properties.nodes", "'properties.nodes' must be a whole number, 4 to 4096, not a string."),
        ("properties.kind", "'properties.kind' must be one of local, azure, not 'azur'."),
        ("properties.size", "'properties.size' is required."),
        ("properties.deep.rules[1].path", "'properties.deep.rules[1].path' must be a string, not a number."),
        ("properties.deep.rules[2]", "'properties.deep.rules[2]' must be an object, not a number."),
        ("properties.colour", "'properties.colour' is unknown. Known here: deep, kind, nodes, size."),
    ];
    assert_eq!(all, expected.map(|(target, message)| (target.to_owned(), message.to_owned())));
}

#[test]
fn numbers_and_lengths_say_what_is_allowed() {
    let integer = |value: Value| one(&json!({ "n": value }), |body| ignored(body.get("n").integer(0..=9)));
    assert_eq!(integer(json!(10)), "'n' must be a whole number, at most 9, not 10.");
    assert_eq!(integer(json!(3.5)), "'n' must be a whole number, at most 9, not 3.5.");
    assert_eq!(integer(json!(-1)), "'n' must be a whole number, at most 9, not -1.");
    assert_eq!(integer(json!([])), "'n' must be a whole number, at most 9, not a list.");
    let string = |value: &str| one(&json!({ "s": value }), |body| ignored(body.get("s").string(3..=3)));
    assert_eq!(string("très"), "'s' must have exactly 3 characters, not 4.");
    let list = one(&json!({"l": [1, 2]}), |body| ignored(body.get("l").list(3..=5)));
    assert_eq!(list, "'l' must have 3 to 5 items, not 2.");
    let list = one(&json!({"l": {}}), |body| ignored(body.get("l").list(3..=5)));
    assert_eq!(list, "'l' must be a list, not an object.");
    let flag = one(&json!({"b": "yes"}), |body| ignored(body.get("b").bool()));
    assert_eq!(flag, "'b' must be true or false, not a string.");
    let duration = one(&json!({"d": "1h"}), |body| {
        body.get("d").duration(Duration::ZERO..=Duration::from_secs(60));
    });
    assert_eq!(duration, "'d' must be a duration from 0 to 60 seconds, written as PT1H30M.");
    let id = one(&json!({"i": "x"}), |body| ignored(body.get("i").id()));
    assert_eq!(id, "'i' is no id: a resource id begins with '/': 'x' does not.");
}

#[test]
fn a_name_is_refused_with_its_rule_and_pattern() {
    let said = one(&json!({"name": "no spaces"}), |body| ignored(body.get("name").name(&names::RESOURCE)));
    assert!(said.starts_with("'name' cannot be 'no spaces'. It has 3 to 63 letters"), "{said}");
    assert!(said.ends_with("(pattern ^[a-zA-Z][a-zA-Z0-9-]{1,61}[a-zA-Z0-9]$)."), "{said}");
}

#[test]
fn the_text_of_a_free_string_is_never_repeated() {
    let body = json!({"password": "hunter2", "other": "hunter2", "list": ["hunter2"]});
    let all = told(&body, |body| {
        body.get("password").string(12..=99);
        body.get("other").integer(0..=9);
        body.get("list").list(3..=3);
    });
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|(_, message)| !message.contains("hunter2")), "{all:?}");
}

#[test]
fn what_is_unknown_is_refused_and_null_is_not() {
    assert_eq!(one(&json!({"a": 1}), |_| {}), "'a' is unknown: nothing is expected here.");
    assert_eq!(told(&json!({"a": null}), |_| {}), []);
    assert_eq!(told(&json!({"a": 1, "b": 2}), |body| body.ignore(&["a", "b"])), []);
    let names = |body: &Fields<'_, '_>| {
        assert_eq!(body.entries().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b"]);
    };
    assert_eq!(told(&json!({"a": 1, "b": 2}), names), []);
}

#[test]
fn a_missing_object_tells_what_it_would_need_and_a_wrong_one_does_not() {
    let read = |body: &Fields<'_, '_>| {
        let properties = body.get("properties").object_or_empty();
        assert!(properties.get("nodes").required().integer(1..=9).is_none());
        assert!(!properties.is_present());
    };
    let all = told(&json!({}), read);
    assert_eq!(all, [("properties.nodes".to_owned(), "'properties.nodes' is required.".to_owned())]);
    assert_eq!(one(&json!({"properties": 3}), read), "'properties' must be an object, not a number.");
    assert_eq!(
        one(&json!([1]), |body| ignored(body.get("a").required())),
        "The body must be an object, not a list."
    );
    let all = told(&json!({"a": null}), |body| ignored(body.get("a").required()));
    assert_eq!(all, [("a".to_owned(), "'a' is required.".to_owned())]);
}

#[test]
fn readers_refuse_with_their_own_words() {
    let all = told(&json!({"a": 1, "b": {}}), |body| {
        let a = body.get("a");
        assert!(a.is_present() && a.value() == Some(&json!(1)) && a.path() == "a");
        a.refuse("must be a prime number");
        a.refuse_as("TooOdd", "is odd");
        body.get("b").object_or_empty().refuse("It needs one of c and d.");
        assert!(body.get("x").required_as("LocationRequired", "Where?").value().is_none());
    });
    let messages: Vec<&str> = all.iter().map(|(_, message)| message.as_str()).collect();
    assert_eq!(
        messages,
        ["'a' must be a prime number.", "'a' is odd.", "It needs one of c and d.", "Where?"]
    );
}

#[test]
fn problems_beyond_the_limit_are_counted() {
    let many: serde_json::Map<String, Value> = (0..250).map(|at| (format!("f{at}"), json!(1))).collect();
    let problems = Problems::new();
    drop(Fields::root(&Value::Object(many), &problems));
    assert!(!problems.is_empty());
    let error = problems.into_result().expect_err("wrong");
    assert_eq!(error.details().len(), crate::limits::PROBLEMS_MAX);
    assert!(error.message().ends_with("(and 249 more: see the details)"), "{error}");
    assert_eq!(Problems::new().into_result(), Ok(()));
}
