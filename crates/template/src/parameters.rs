//! The values of parameters: those that were given, and defaults.
//!
//! A default may use other parameters, in any order as long as there is no circle.

use isobar_arm::ArmError;
use serde_json::{Map, Value, json};

use crate::document::Parameter;
use crate::error::{Stop, invalid, quoted, refusal};
use crate::evaluate::{Evaluator, Frame, Given, Place};
use crate::expression::{self, Expression, Text};
use crate::value::{check_depth, kind_of, same_name};

/// Reads `{"name": {"value": …}}`.
///
/// # Errors
/// It is something else.
pub fn given_values(parameters: Option<&Value>) -> Result<Map<String, Value>, ArmError> {
    let mut given = Map::new();
    let members = match parameters {
        None | Some(Value::Null) => return Ok(given),
        Some(Value::Object(members)) => members,
        Some(other) => {
            let why = format!("parameters have to be an object, not {}.", kind_of(other));
            return Err(invalid("parameters", &why));
        }
    };
    for (name, value) in members {
        let place = format!("parameters.{name}");
        let Value::Object(of) = value else {
            return Err(invalid(&place, "the value of a parameter is written as {\"value\": …}."));
        };
        if of.contains_key("reference") {
            return Err(invalid(
                &place,
                "references to key vaults are not supported: give the value itself.",
            ));
        }
        // Answers have the type beside the value, and clients send them back.
        if let Some(other) = of.keys().find(|name| !["value", "type", "metadata"].contains(&name.as_str())) {
            return Err(invalid(&place, &format!("{} is unknown. Known here: value.", quoted(other))));
        }
        let value = of.get("value");
        let value = value.ok_or_else(|| invalid(&place, "a value is missing: write {\"value\": …}."))?;
        given.insert(name.clone(), value.clone());
    }
    Ok(given)
}

/// Gives all parameters their values, and gives them back in the order of the template.
///
/// # Errors
/// One is missing, not defined, or not as its definition wants it.
pub(crate) fn resolve(
    evaluator: &Evaluator,
    definitions: &[Parameter],
    given: &Map<String, Value>,
) -> Result<Vec<Value>, ArmError> {
    let defined = |name: &str| definitions.iter().any(|definition| same_name(&definition.name, name));
    let strangers: Vec<&str> = given.keys().map(String::as_str).filter(|name| !defined(name)).collect();
    if !strangers.is_empty() {
        let names: Vec<&str> = definitions.iter().map(|definition| definition.name.as_str()).collect();
        let why = format!(
            "the template has no parameters {}. It has: {}.",
            quoted(&strangers.join(", ")),
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        );
        return Err(invalid("parameters", &why));
    }
    let mut values: Vec<Option<Value>> = vec![None; definitions.len()];
    let mut missing = Vec::new();
    for (at, definition) in definitions.iter().enumerate() {
        let value = given.iter().find(|(name, _)| same_name(name, &definition.name)).map(|(_, value)| value);
        match value {
            Some(value) => values[at] = Some(accept(evaluator, definition, value.clone())?),
            None if definition.default.is_none() => missing.push(definition.name.as_str()),
            None => {}
        }
    }
    if !missing.is_empty() {
        let why = format!("a value for each of these parameters is needed: {}.", missing.join(", "));
        return Err(invalid("parameters", &why));
    }
    defaults(evaluator, definitions, &mut values)?;
    Ok(values.into_iter().map(Option::unwrap_or_default).collect())
}

/// Works out the defaults of those that have no value, one after the other as they can be.
fn defaults(
    evaluator: &Evaluator,
    definitions: &[Parameter],
    values: &mut [Option<Value>],
) -> Result<(), ArmError> {
    let frame = Frame { place: Place::Default, loops: &[], documents: None, shows: false };
    loop {
        let open: Vec<usize> = (0..values.len()).filter(|at| values[*at].is_none()).collect();
        if open.is_empty() {
            return Ok(());
        }
        let needs_open = |at: usize| {
            let needed = definitions[at].default.as_ref().map(parameters_in).unwrap_or_default();
            open.iter().any(|other| needed.iter().any(|name| same_name(name, &definitions[*other].name)))
        };
        let Some(next) = open.iter().copied().find(|at| !needs_open(*at)) else {
            let names: Vec<&str> = open.iter().map(|at| definitions[*at].name.as_str()).collect();
            let why =
                format!("the defaults of these parameters use each other in a circle: {}.", names.join(", "));
            return Err(invalid("parameters", &why));
        };
        let definition = &definitions[next];
        let default = definition.default.clone().unwrap_or_default();
        let within =
            |stop: Stop| stop.within("defaultValue").within(definition.name.as_str()).within("parameters");
        let worked_out = evaluator.run(|| evaluator.value(&frame, &default).map_err(within));
        let (value, marks) = worked_out.map_err(refusal)?;
        if marks.secret && !definition.kind.is_secure() {
            let why = "it uses a secure parameter, so its type has to be secure as well.";
            return Err(invalid(&format!("parameters.{}", definition.name), why));
        }
        values[next] = Some(accept(evaluator, definition, value)?);
    }
}

/// The names of parameters that a value uses.
fn parameters_in(value: &Value) -> Vec<String> {
    let mut names = Vec::new();
    match value {
        Value::String(text) => {
            if let Ok(Text::Expression(expression)) = expression::read(text) {
                expression.each_call("parameters", &mut |arguments| {
                    if let [Expression::Text(name)] = arguments {
                        names.push(name.clone());
                    }
                });
            }
        }
        Value::Array(items) => names.extend(items.iter().flat_map(parameters_in)),
        Value::Object(members) => names.extend(members.values().flat_map(parameters_in)),
        _ => {}
    }
    names
}

/// Checks a value and gives it to the evaluator.
fn accept(evaluator: &Evaluator, definition: &Parameter, value: Value) -> Result<Value, ArmError> {
    if let Err(why) = check(definition, &value).and_then(|()| check_depth(&value)) {
        return Err(invalid(&format!("parameters.{}", definition.name), &why));
    }
    evaluator.give(&definition.name, Given { value: value.clone(), secret: definition.kind.is_secure() });
    Ok(value)
}

/// Whether a value is as its definition wants it. Nothing of a secret is repeated.
fn check(definition: &Parameter, value: &Value) -> Result<(), String> {
    let kind = definition.kind;
    if !kind.has(value) {
        return Err(format!("the value has to be of type {}, not {}.", kind.name(), kind_of(value)));
    }
    if let Some(allowed) = definition.allowed.as_ref().filter(|allowed| !is_allowed(allowed, value)) {
        if kind.is_secure() {
            return Err("the value is not one of those that are allowed.".to_owned());
        }
        let allowed: Vec<String> = allowed.iter().take(20).map(|value| json!(value).to_string()).collect();
        return Err(format!("the value is not one of those that are allowed: {}.", allowed.join(", ")));
    }
    if let Some(number) = value.as_i64() {
        let (least, most) = definition.values;
        if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
            return Err(format!("the value has to be {}.", range(least, most)));
        }
    }
    let length = match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        _ => None,
    };
    if let Some(length) = length.and_then(|length| u64::try_from(length).ok()) {
        let (least, most) = definition.lengths;
        if least.is_some_and(|least| length < least) || most.is_some_and(|most| length > most) {
            return Err(format!("the length of the value is {length} and has to be {}.", range(least, most)));
        }
    }
    Ok(())
}

/// An array is allowed if each of its items is.
fn is_allowed(allowed: &[Value], value: &Value) -> bool {
    let items = value.as_array().is_some_and(|items| items.iter().all(|item| allowed.contains(item)));
    items || allowed.contains(value)
}

fn range<T: std::fmt::Display>(least: Option<T>, most: Option<T>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => "anything".to_owned(),
    }
}
