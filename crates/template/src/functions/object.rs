//! Functions of objects, and of what lists and objects have in common.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::{ANY, Arguments, Function};
use crate::limits::VALUE_DEPTH_MAX;

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
            let (mut all, mut seen) = (Vec::new(), HashSet::new());
            for at in 0..arguments.0.len() {
                all.extend(arguments.list(at)?.iter().filter(|item| seen.insert(*item)).cloned());
            }
            Ok(Value::Array(all))
        }
        Value::Object(_) => {
            let all = (0..arguments.0.len()).map(|at| arguments.object(at)).collect::<Result<Vec<_>, _>>()?;
            Ok(Value::Object(merged(&all, VALUE_DEPTH_MAX)))
        }
        _ => Err(arguments.wrong(0, "array or object")),
    }
}

/// The members of all of them, each by the name that came first.
fn merged(objects: &[&Map<String, Value>], depth_left: usize) -> Map<String, Value> {
    let mut members: HashMap<String, (&String, Vec<&Value>)> = HashMap::new();
    for (name, value) in objects.iter().copied().flatten() {
        members.entry(name.to_lowercase()).or_insert_with(|| (name, Vec::new())).1.push(value);
    }
    let one = |(name, values): (&String, Vec<&Value>)| {
        // Something else than an object takes the place of what was before it.
        let begin = values.iter().rposition(|value| !value.is_object()).map_or(0, |at| at + 1);
        let objects: Vec<_> = values[begin..].iter().filter_map(|value| value.as_object()).collect();
        let value = match objects.len() {
            2.. if depth_left > 0 => Value::Object(merged(&objects, depth_left - 1)),
            _ => values.last().copied().cloned().unwrap_or_default(),
        };
        (name.clone(), value)
    };
    members.into_values().map(one).collect()
}

/// What is in all of them.
fn intersection(arguments: &Arguments<'_>) -> Result<Value, String> {
    match arguments.any(0) {
        Value::Array(first) => {
            let mut seen = HashSet::new();
            let mut common: Vec<&Value> = first.iter().filter(|item| seen.insert(*item)).collect();
            for at in 1..arguments.0.len() {
                let other: HashSet<&Value> = arguments.list(at)?.iter().collect();
                common.retain(|item| other.contains(item));
            }
            Ok(json!(common))
        }
        Value::Object(first) => {
            let mut common = first.clone();
            for at in 1..arguments.0.len() {
                let other = arguments.object(at)?;
                let mut lower: HashMap<String, &Value> = HashMap::new();
                for (name, value) in other {
                    lower.entry(name.to_lowercase()).or_insert(value);
                }
                common.retain(|name, value| {
                    let other = other.get(name).or_else(|| lower.get(&name.to_lowercase()).copied());
                    other == Some(value)
                });
            }
            Ok(Value::Object(common))
        }
        _ => Err(arguments.wrong(0, "array or object")),
    }
}
