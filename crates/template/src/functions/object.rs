//! Functions of objects, and of what lists and objects have in common.

use serde_json::{Map, Value, json};

use super::{ANY, Arguments, Function};
use crate::limits::VALUE_DEPTH_MAX;
use crate::value::{member, same_name};

pub(super) const TABLE: &[Function] = &[
    Function::of("createObject", (0, ANY), create),
    Function::of("union", (2, ANY), union),
    Function::of("intersection", (2, ANY), intersection),
    Function::of("items", (1, 1), |a| {
        // Members are in the order of their names, as documented.
        let item = |(name, value): (&String, &Value)| json!({"key": name, "value": value});
        Ok(Value::Array(a.object(0)?.iter().map(item).collect()))
    }),
    Function::of("objectKeys", (1, 1), |a| Ok(json!(a.object(0)?.keys().collect::<Vec<_>>()))),
];

fn create(arguments: &Arguments<'_>) -> Result<Value, String> {
    let mut object = Map::new();
    for at in (0..arguments.0.len()).step_by(2) {
        let name = arguments.text(at)?;
        let value = arguments.get(at + 1).ok_or("the arguments have to be names, each with a value.")?;
        object.insert(name.to_owned(), value.clone());
    }
    Ok(Value::Object(object))
}

/// All items once, or all members: of two of one name the last one counts, and objects are merged.
fn union(arguments: &Arguments<'_>) -> Result<Value, String> {
    match arguments.any(0) {
        Value::Array(_) => {
            let mut all: Vec<Value> = Vec::new();
            for at in 0..arguments.0.len() {
                for item in arguments.list(at)? {
                    if !all.contains(item) {
                        all.push(item.clone());
                    }
                }
            }
            Ok(Value::Array(all))
        }
        Value::Object(_) => {
            let mut all = Map::new();
            for at in 0..arguments.0.len() {
                merge(&mut all, arguments.object(at)?, VALUE_DEPTH_MAX);
            }
            Ok(Value::Object(all))
        }
        _ => Err(arguments.wrong(0, "array or object")),
    }
}

fn merge(all: &mut Map<String, Value>, more: &Map<String, Value>, depth_left: usize) {
    for (name, value) in more {
        let known = all.keys().find(|known| same_name(known, name)).cloned();
        let name = known.unwrap_or_else(|| name.clone());
        match (all.get_mut(&name), value) {
            (Some(Value::Object(inner)), Value::Object(more)) if depth_left > 0 => {
                merge(inner, more, depth_left - 1);
            }
            _ => drop(all.insert(name, value.clone())),
        }
    }
}

/// What is in all of them.
fn intersection(arguments: &Arguments<'_>) -> Result<Value, String> {
    match arguments.any(0) {
        Value::Array(first) => {
            let mut common: Vec<Value> = Vec::new();
            for item in first.iter() {
                if !common.contains(item) {
                    common.push(item.clone());
                }
            }
            for at in 1..arguments.0.len() {
                let other = arguments.list(at)?;
                common.retain(|item| other.contains(item));
            }
            Ok(Value::Array(common))
        }
        Value::Object(first) => {
            let mut common = first.clone();
            for at in 1..arguments.0.len() {
                let other = arguments.object(at)?;
                common.retain(|name, value| member(other, name) == Some(value));
            }
            Ok(Value::Object(common))
        }
        _ => Err(arguments.wrong(0, "array or object")),
    }
}
