//! The fields of a body, by their places in it.

use serde_json::{Map, Value};

use crate::limits::FIELD_DEPTH_MAX;

/// What a field takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A text; one of these, if there are any.
    Text(Vec<String>),
    /// A whole number, between these.
    Integer(i64, i64),
    /// Yes or no.
    Switch,
    /// Texts.
    List,
    /// Texts by name.
    Map,
    /// Anything else.
    Json,
}

/// A field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Names that lead to it: `properties`, `nodeCount`.
    pub path: Vec<String>,
    /// What it is.
    pub description: String,
    /// What it takes.
    pub kind: Kind,
    /// What it is where it is not given.
    pub default: Option<String>,
    /// Whether it has to be given.
    pub required: bool,
}

/// A schema, or the one that it refers to.
pub(super) fn resolved<'s>(schema: &'s Value, schemas: &'s Value) -> &'s Value {
    let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    name.map_or(schema, |name| &schemas[name])
}

/// The fields of a body of this schema that a client may give, those that it has to give first.
pub(super) fn of_body(schema: &Value, schemas: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    collect(schema, schemas, (&mut Vec::new(), true), &mut fields);
    fields.sort_by_key(|field| !field.required);
    fields
}

fn collect(
    schema: &Value,
    schemas: &Value,
    (path, required): (&mut Vec<String>, bool),
    fields: &mut Vec<Field>,
) {
    let schema = resolved(schema, schemas);
    let needed = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    for (name, described) in schema["properties"].as_object().into_iter().flatten() {
        let target = resolved(described, schemas);
        if [described, target].iter().any(|of| of["readOnly"] == true) {
            continue;
        }
        let required = required && needed.iter().any(|of| of == name);
        path.push(name.clone());
        let is_object = target["properties"].as_object().is_some_and(|of| !of.is_empty());
        if is_object && path.len() < FIELD_DEPTH_MAX {
            collect(target, schemas, (path, required), fields);
        } else {
            let of = |word: &str| described.get(word).or(target.get(word)).cloned().unwrap_or_default();
            fields.push(Field {
                path: path.clone(),
                description: of("description").as_str().unwrap_or_default().to_owned(),
                kind: kind(target, schemas),
                default: target
                    .get("default")
                    .map(|value| value.as_str().map_or(value.to_string(), str::to_owned)),
                required,
            });
        }
        path.pop();
    }
}

fn kind(schema: &Value, schemas: &Value) -> Kind {
    let bound = |name: &str, open: i64| schema[name].as_i64().unwrap_or(open);
    match schema["type"].as_str() {
        Some("string") => Kind::Text(serde_json::from_value(schema["enum"].clone()).unwrap_or_default()),
        Some("integer") => Kind::Integer(bound("minimum", i64::MIN), bound("maximum", i64::MAX)),
        Some("boolean") => Kind::Switch,
        Some("array") if resolved(&schema["items"], schemas)["type"] == "string" => Kind::List,
        Some("object") if schema["additionalProperties"].as_object().is_some_and(is_text) => Kind::Map,
        _ => Kind::Json,
    }
}

fn is_text(schema: &Map<String, Value>) -> bool {
    schema.get("type").is_some_and(|kind| kind == "string")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_may_be_given_is_found_at_its_place() {
        let schemas = json!({
            "State": {"type": "string", "readOnly": true},
            "Tags": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Words."},
            "Cluster": {"type": "object", "required": ["properties", "location"], "properties": {
                "id": {"type": "string", "readOnly": true},
                "location": {"type": "string"},
                "tags": {"$ref": "#/components/schemas/Tags"},
                "sku": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
                "properties": {"type": "object", "required": ["nodeCount"], "properties": {
                    "provisioningState": {"$ref": "#/components/schemas/State"},
                    "nodeCount": {"type": "integer", "minimum": 3, "maximum": 64, "description": "How many."},
                    "deletionProtection": {"type": "boolean", "default": true},
                    "zones": {"type": "array", "items": {"type": "string"}},
                    "anything": {"type": "object"},
                }},
            }},
        });
        let fields = of_body(&json!({"$ref": "#/components/schemas/Cluster"}), &schemas);
        let shown: Vec<_> =
            fields.iter().map(|of| (of.path.join("."), of.required, of.kind.clone())).collect();
        let of = |name: &str, required, kind| (name.to_owned(), required, kind);
        assert_eq!(
            shown,
            [
                of("location", true, Kind::Text(vec![])),
                of("properties.nodeCount", true, Kind::Integer(3, 64)),
                of("properties.anything", false, Kind::Json),
                of("properties.deletionProtection", false, Kind::Switch),
                of("properties.zones", false, Kind::List),
                // Whoever gives no size at all needs no name of one.
                of("sku.name", false, Kind::Text(vec![])),
                of("tags", false, Kind::Map),
            ]
        );
        assert_eq!(fields[1].description, "How many.");
        assert_eq!(fields[3].default.as_deref(), Some("true"));
        assert_eq!(fields[6].description, "Words.");
    }
}
