//! From what was typed to the values of a request.

use std::io::Read as _;

use clap::ArgMatches;
use isobar_remote::description::{Field, Kind, Operation, Parameter, Place, SCOPE};
use isobar_remote::{Profile, RemoteError, Values};
use serde_json::{Map, Value};

use super::{names, options};

/// Bytes of a body that is read from a file; servers take less.
const BODY_BYTES_MAX: u64 = 16 << 20;

/// Which of the operations that share their words is meant, and the values for it.
pub fn values<'o>(
    variants: &[&'o Operation],
    matches: &ArgMatches,
    profile: &Profile,
) -> Result<(&'o Operation, Values), RemoteError> {
    let mut missing = RemoteError::Value("there is no such command".to_owned());
    // Those that take more come first.
    for operation in variants {
        match of_path(operation, matches, profile) {
            Ok(values) => return Ok((operation, rest(operation, matches, profile, values)?)),
            Err(error) => missing = error,
        }
    }
    Err(missing)
}

fn of_path(operation: &Operation, matches: &ArgMatches, profile: &Profile) -> Result<Values, RemoteError> {
    let mut values = Values::default();
    for parameter in operation.in_path() {
        let value = of_parameter(operation, parameter, matches, profile)?;
        values.path.insert(parameter.name.clone(), value);
    }
    Ok(values)
}

fn of_parameter(
    operation: &Operation,
    parameter: &Parameter,
    matches: &ArgMatches,
    profile: &Profile,
) -> Result<String, RemoteError> {
    let (name, _) = names::of_parameter(operation, parameter);
    if let Some(given) = options::text(matches, &name) {
        return Ok(given.to_owned());
    }
    let missing = || RemoteError::Value(format!("--{name} is not given, and the profile has none"));
    match parameter.name.as_str() {
        SCOPE => scope(matches, profile),
        _ if !options::has_default(operation, parameter) => {
            Err(RemoteError::Value(format!("--{name} is not given")))
        }
        "subscriptionId" => profile.subscription.clone().ok_or_else(missing),
        "location" => profile.location.clone().ok_or_else(missing),
        _ => isobar_remote::fresh_id(),
    }
}

/// A group, or a subscription.
fn scope(matches: &ArgMatches, profile: &Profile) -> Result<String, RemoteError> {
    let subscription = options::text(matches, options::SUBSCRIPTION).map(str::to_owned);
    let subscription = subscription.or_else(|| profile.subscription.clone());
    let subscription = subscription.ok_or_else(|| {
        RemoteError::Value("--scope is not given, and the profile has no subscription".to_owned())
    })?;
    let group = options::text(matches, options::GROUP);
    let group = group.map(|group| format!("/resourceGroups/{group}")).unwrap_or_default();
    Ok(format!("/subscriptions/{subscription}{group}"))
}

/// Adds what is not in the path.
fn rest(
    operation: &Operation,
    matches: &ArgMatches,
    profile: &Profile,
    mut values: Values,
) -> Result<Values, RemoteError> {
    for parameter in options::given(operation) {
        let (name, _) = names::of_parameter(operation, parameter);
        let Some(given) = options::text(matches, &name) else { continue };
        let pair = (parameter.name.clone(), given.to_owned());
        match parameter.place {
            Place::Path => {}
            Place::Query => values.query.push(pair),
            Place::Header => values.headers.push(pair),
        }
    }
    if operation.takes_body {
        values.body = Some(body(operation, matches, profile)?);
    }
    Ok(values)
}

fn body(operation: &Operation, matches: &ArgMatches, profile: &Profile) -> Result<Value, RemoteError> {
    let mut body = match options::text(matches, options::BODY) {
        Some(place) => read_body(place)?,
        None => Value::Object(Map::new()),
    };
    for (name, field) in options::fields(operation) {
        if let Some(value) = of_field(&name, field, matches)? {
            isobar_remote::insert(&mut body, &field.path, value)?;
        }
        let is_location = options::is_location(field) && field.required && body.get("location").is_none();
        if let Some(location) = profile.location.as_ref().filter(|_| is_location) {
            isobar_remote::insert(&mut body, &field.path, Value::String(location.clone()))?;
        }
    }
    let settings = matches.get_many::<(Vec<String>, String)>(options::SET).into_iter().flatten();
    for (path, text) in settings {
        isobar_remote::insert(&mut body, path, operation.value_at(path, text))?;
    }
    Ok(body)
}

/// Reads a body: JSON as it is, `-` for standard input, or a file.
pub fn read_body(place: &str) -> Result<Value, RemoteError> {
    if place.trim_start().starts_with(['{', '[']) {
        return serde_json::from_str(place)
            .map_err(|error| RemoteError::Value(format!("--body is no JSON: {error}")));
    }
    read_json("--body", place)
}

/// Reads JSON from a file, or from standard input.
fn read_json(option: &str, place: &str) -> Result<Value, RemoteError> {
    let wrong = |why: String| RemoteError::Value(format!("{option} {place}: {why}"));
    let mut text = String::new();
    let read = match place {
        "-" => std::io::stdin().lock().take(BODY_BYTES_MAX).read_to_string(&mut text),
        file => {
            std::fs::File::open(file).and_then(|file| file.take(BODY_BYTES_MAX).read_to_string(&mut text))
        }
    };
    read.map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| wrong(format!("it is no JSON: {error}")))
}

fn of_field(name: &str, field: &Field, matches: &ArgMatches) -> Result<Option<Value>, RemoteError> {
    if !matches.contains_id(name) {
        return Ok(None);
    }
    let text = || options::text(matches, name).unwrap_or_default();
    Ok(Some(match field.kind {
        Kind::Text(_) => Value::from(text()),
        Kind::Integer(..) => Value::from(matches.get_one::<i64>(name).copied().unwrap_or_default()),
        Kind::Switch => Value::from(text() == "true"),
        Kind::List => matches.get_many::<String>(name).into_iter().flatten().cloned().collect(),
        Kind::Map => {
            let pairs = matches.get_many::<(String, String)>(name).into_iter().flatten();
            Value::Object(pairs.map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect())
        }
        Kind::Json => match text().strip_prefix('@') {
            Some(file) => read_json(&format!("--{name}"), file)?,
            None => serde_json::from_str(text())
                .map_err(|error| RemoteError::Value(format!("--{name} is no JSON: {error}")))?,
        },
    }))
}
