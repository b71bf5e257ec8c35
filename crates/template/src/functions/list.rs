//! Functions of lists, and of what texts and lists have in common.

use serde_json::{Value, json};

use super::{ANY, Arguments, Function};
use crate::limits::RANGE_ITEMS_MAX;
use crate::value::member;

pub(super) const TABLE: &[Function] = &[
    Function::of("array", (1, 1), |a| match a.any(0) {
        Value::Array(items) => Ok(json!(items)),
        other => Ok(json!([other])),
    }),
    Function::of("createArray", (0, ANY), |a| Ok(Value::Array(a.0.to_vec()))),
    Function::of("contains", (2, 2), contains),
    Function::of("empty", (1, 1), |a| match a.any(0) {
        Value::Null => Ok(json!(true)),
        _ => Ok(json!(length(a)? == 0)),
    }),
    Function::of("length", (1, 1), |a| Ok(json!(length(a)?))),
    Function::of("first", (1, 1), |a| end(a, |items| items.first(), |text| text.chars().next())),
    Function::of("last", (1, 1), |a| end(a, |items| items.last(), |text| text.chars().next_back())),
    Function::of("take", (2, 2), |a| {
        part(
            a,
            |items, count| &items[..count.min(items.len())],
            |text, count| text.chars().take(count).collect(),
        )
    }),
    Function::of("skip", (2, 2), |a| {
        part(
            a,
            |items, count| &items[count.min(items.len())..],
            |text, count| text.chars().skip(count).collect(),
        )
    }),
    Function::of("range", (2, 2), range),
    Function::of("flatten", (1, 1), |a| {
        let each = |item: &Value| match item {
            Value::Array(items) => items.clone(),
            other => vec![other.clone()],
        };
        Ok(Value::Array(a.list(0)?.iter().flat_map(each).collect()))
    }),
];

fn contains(arguments: &Arguments<'_>) -> Result<Value, String> {
    Ok(json!(match arguments.any(0) {
        Value::Array(items) => items.contains(arguments.any(1)),
        Value::Object(members) => member(members, arguments.text(1)?).is_some(),
        Value::String(text) => text.contains(arguments.text(1)?),
        _ => return Err(arguments.wrong(0, "string, array or object")),
    }))
}

fn length(arguments: &Arguments<'_>) -> Result<usize, String> {
    match arguments.any(0) {
        Value::Array(items) => Ok(items.len()),
        Value::Object(members) => Ok(members.len()),
        Value::String(text) => Ok(text.chars().count()),
        _ => Err(arguments.wrong(0, "string, array or object")),
    }
}

/// The first or last item or character. An empty list has null, an empty text an empty one.
fn end(
    arguments: &Arguments<'_>,
    of_list: fn(&[Value]) -> Option<&Value>,
    of_text: fn(&str) -> Option<char>,
) -> Result<Value, String> {
    match arguments.any(0) {
        Value::Array(items) => Ok(of_list(items).cloned().unwrap_or_default()),
        Value::String(text) => Ok(json!(of_text(text).map(String::from).unwrap_or_default())),
        _ => Err(arguments.wrong(0, "string or array")),
    }
}

/// The first so many, or all but these.
fn part(
    arguments: &Arguments<'_>,
    of_list: fn(&[Value], usize) -> &[Value],
    of_text: fn(&str, usize) -> String,
) -> Result<Value, String> {
    let count = usize::try_from(arguments.int(1)?.max(0)).unwrap_or(usize::MAX);
    match arguments.any(0) {
        Value::Array(items) => Ok(json!(of_list(items, count))),
        Value::String(text) => Ok(json!(of_text(text, count))),
        _ => Err(arguments.wrong(0, "string or array")),
    }
}

fn range(arguments: &Arguments<'_>) -> Result<Value, String> {
    let (start, count) = (arguments.int(0)?, arguments.int(1)?);
    let end = start.checked_add(count).filter(|_| (0..=RANGE_ITEMS_MAX).contains(&count));
    let end =
        end.ok_or_else(|| format!("argument 2 has to be 0 to {RANGE_ITEMS_MAX}, and no number too large."))?;
    Ok(json!((start..end).collect::<Vec<i64>>()))
}
