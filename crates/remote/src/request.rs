//! From values to a request.

use std::collections::BTreeMap;

use form_urlencoded::Serializer;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::description::{Operation, SCOPE};
use crate::error::RemoteError;

/// What a part of a path cannot have as it is.
const OF_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same of a scope, which is several parts.
const OF_SCOPE: &AsciiSet = &OF_PATH.remove(b'/');

/// A request, but for the token.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method of HTTP.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, by name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Value>,
}

/// What is given for the parameters of an operation.
#[derive(Clone, Default, Debug)]
pub struct Values {
    /// Those of the path, by name.
    pub path: BTreeMap<String, String>,
    /// Those of the query.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body, for an operation that takes one.
    pub body: Option<Value>,
}

impl Request {
    /// That of an operation with these values.
    ///
    /// # Errors
    /// A parameter of the path has no value.
    pub fn new(operation: &Operation, values: &Values) -> Result<Request, RemoteError> {
        let mut path = String::new();
        for part in operation.path.split('/').filter(|part| !part.is_empty()) {
            let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            let Some(name) = name else {
                path = format!("{path}/{part}");
                continue;
            };
            let value = values.path.get(name).map(String::as_str);
            let value = value.ok_or_else(|| RemoteError::Value(format!("{name} is not given")))?;
            match name {
                SCOPE if value.trim_matches('/').is_empty() => {}
                SCOPE => path = format!("{path}/{}", utf8_percent_encode(value.trim_matches('/'), OF_SCOPE)),
                // A part that is empty, or leads upwards, would make it another path.
                _ if value.is_empty() || value.chars().all(|c| c == '.') => {
                    return Err(RemoteError::Value(format!("'{value}' is no value for {name}")));
                }
                _ => path = format!("{path}/{}", utf8_percent_encode(value, OF_PATH)),
            }
        }
        let mut query = Serializer::new(String::new());
        query.extend_pairs(operation.version.iter().map(|version| ("api-version", version)));
        query.extend_pairs(&values.query);
        let query = query.finish();
        let between = if query.is_empty() { "" } else { "?" };
        Ok(Request {
            method: operation.method.clone(),
            path: format!("{path}{between}{query}"),
            headers: values.headers.clone(),
            body: values.body.clone().filter(|_| operation.takes_body),
        })
    }
}

/// Puts a value into a body, making the objects that lead there.
///
/// # Errors
/// There is something else than an object on the way.
pub fn insert(body: &mut Value, path: &[String], value: Value) -> Result<(), RemoteError> {
    let wrong = |name: &str| RemoteError::Value(format!("{name} in the body is no object"));
    let Some((last, before)) = path.split_last() else { return Err(wrong("''")) };
    let mut place = body;
    for name in before {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        let object = place.as_object_mut().ok_or_else(|| wrong(name))?;
        place = object.entry(name).or_insert(Value::Null);
    }
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
    place.as_object_mut().ok_or_else(|| wrong(last))?.insert(last.clone(), value);
    Ok(())
}

/// Reads `a.b=c`: where in a body, and the text of what goes there.
///
/// # Errors
/// One line that says how to write it.
pub fn parse_setting(text: &str) -> Result<(Vec<String>, String), String> {
    let (path, value) = text.split_once('=').ok_or("write NAME=VALUE, for example properties.notes=words")?;
    let path: Vec<String> = path.split('.').map(|name| name.trim().to_owned()).collect();
    if path.iter().any(String::is_empty) {
        return Err("write NAME=VALUE, with names between the dots of NAME".to_owned());
    }
    Ok((path, value.to_owned()))
}

/// A random UUID (RFC 9562, version 4), for whatever is named by one.
///
/// # Errors
/// The operating system gives no random bytes.
pub fn fresh_id() -> Result<String, RemoteError> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| RemoteError::NoRandomness(error.to_string()))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::description::Description;

    fn operation(path: &str) -> Operation {
        let document = json!({"paths": {path: {"put": {
            "operationId": "Things_Put",
            "x-isobar-command": "thing put",
            "parameters": [{"name": "api-version", "in": "query", "schema": {"enum": ["2026-12-01"]}}],
            "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
        }}}});
        Description::read(&document).operations.remove(0)
    }

    fn values(path: &[(&str, &str)]) -> Values {
        let path = path.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Values { path, ..Values::default() }
    }

    #[test]
    fn a_path_is_filled_and_nothing_in_it_leads_elsewhere() {
        let things = operation("/subscriptions/{subscriptionId}/things/{thingName}");
        let mut given = values(&[("subscriptionId", "s"), ("thingName", "a/b ?c")]);
        given.query.push(("$filter".to_owned(), "a eq 'b'".to_owned()));
        given.body = Some(json!({}));
        let request = Request::new(&things, &given).unwrap();
        let path = "/subscriptions/s/things/a%2Fb%20%3Fc?api-version=2026-12-01&%24filter=a+eq+%27b%27";
        assert_eq!((request.method.as_str(), request.path.as_str()), ("PUT", path));
        assert_eq!(request.body, Some(json!({})));
        for wrong in ["", "..", "."] {
            assert!(
                Request::new(&things, &values(&[("subscriptionId", "s"), ("thingName", wrong)])).is_err()
            );
        }
        let error = Request::new(&things, &values(&[("subscriptionId", "s")])).unwrap_err();
        assert_eq!(error.to_string(), "thingName is not given");
    }

    #[test]
    fn a_scope_is_several_parts_or_none() {
        let tags = operation("/{scope}/providers/P/tags/default");
        for (scope, path) in [("/subscriptions/s/", "/subscriptions/s/providers/P"), ("/", "/providers/P")] {
            let request = Request::new(&tags, &values(&[("scope", scope)])).unwrap();
            assert_eq!(request.path, format!("{path}/tags/default?api-version=2026-12-01"));
        }
    }

    #[test]
    fn settings_go_to_their_places() {
        let things = operation("/things");
        let mut body = json!({"properties": {"a": 1}});
        for text in ["properties.b.c=5", "sku.name=L1", "list=[1, 2]", "text=\"5\"", "empty="] {
            let (path, text) = parse_setting(text).unwrap();
            let value = things.value_at(&path, &text);
            insert(&mut body, &path, value).unwrap();
        }
        let wanted = json!({
            "properties": {"a": 1, "b": {"c": 5}}, "sku": {"name": "L1"}, "list": [1, 2], "text": "5", "empty": "",
        });
        assert_eq!(body, wanted);
        let (path, text) = parse_setting("properties.a.b=1").unwrap();
        assert!(insert(&mut body, &path, Value::from(text)).unwrap_err().to_string().contains("no object"));
        assert!(
            parse_setting("a").is_err() && parse_setting("a..b=1").is_err() && parse_setting("=1").is_err()
        );
    }
}
