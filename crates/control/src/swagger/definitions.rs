//! Schemas: those of the OpenAPI document, as makers of SDKs want them.

use serde_json::{Map, Value, json};

use super::shared::shared;
use crate::openapi::SCHEMAS;

/// Schemas that all providers share, and what each is called in the document.
const SHARED: &[(&str, &str)] = &[
    ("ErrorDetail", "ErrorDetail"),
    ("ErrorResponse", "ErrorResponse"),
    ("OperationList", "OperationListResult"),
    ("OperationStatus", "OperationStatusResult"),
    ("Resource", "Resource"),
    ("SystemData", "SystemData"),
];

/// What every resource has.
const ENVELOPE: &[&str] = &["id", "name", "type", "systemData"];
/// What one has besides that has a location.
const TRACKED: &[&str] = &["location", "tags"];

/// The definitions of the document: each is made when something refers to it.
pub(super) struct Definitions {
    shared: Map<String, Value>,
    made: Map<String, Value>,
}

impl Default for Definitions {
    fn default() -> Definitions {
        Definitions { shared: shared("definitions"), made: Map::new() }
    }
}

impl Definitions {
    /// Those that were referred to.
    pub(super) fn made(self) -> Map<String, Value> {
        self.made
    }

    /// Whether a schema is that of a list.
    pub(super) fn is_list(schema: &str) -> bool {
        SCHEMAS[schema]["properties"]["value"]["type"] == "array"
    }

    /// A reference to what has become of a schema.
    pub(super) fn reference(&mut self, schema: &str) -> Value {
        match SHARED.iter().find(|(ours, _)| *ours == schema) {
            Some((_, title)) => self.take_over(title),
            None => {
                if !self.made.contains_key(schema) {
                    // Marked as made first: a schema may refer to itself.
                    self.made.insert(schema.to_owned(), Value::Null);
                    let made = self.named(schema);
                    self.made.insert(schema.to_owned(), made);
                }
                reference(schema)
            }
        }
    }

    /// A reference to something that all providers share, which is taken over with all that it refers to.
    fn take_over(&mut self, title: &str) -> Value {
        if !self.made.contains_key(title) {
            let definition = self.shared.get(title).cloned().unwrap_or_default();
            let mut others = Vec::new();
            references(&definition, &mut others);
            self.made.insert(title.to_owned(), definition);
            for other in others {
                self.take_over(&other);
            }
        }
        reference(title)
    }

    /// A schema that has a name of its own. A resource is one of the shared kinds and what it has besides.
    fn named(&mut self, name: &str) -> Value {
        let mut schema = SCHEMAS[name].clone();
        let properties = &schema["properties"];
        if !ENVELOPE.iter().all(|name| properties.get(name).is_some()) {
            return self.converted(name, &schema);
        }
        let is_tracked = properties.get("location").is_some();
        let base = self.take_over(if is_tracked { "TrackedResource" } else { "ProxyResource" });
        let is_own = |name: &str| !ENVELOPE.contains(&name) && !TRACKED.contains(&name);
        if let Some(properties) = schema["properties"].as_object_mut() {
            properties.retain(|name, _| is_own(name));
        }
        if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|name| name.as_str().is_some_and(is_own));
        }
        let mut made = self.converted(name, &schema);
        made["allOf"] = json!([base]);
        made
    }

    /// A schema without what only OpenAPI knows; its properties become what properties are here.
    fn converted(&mut self, owner: &str, schema: &Value) -> Value {
        let mut made = Map::new();
        for (word, value) in schema.as_object().into_iter().flatten() {
            match word.as_str() {
                "properties" => {
                    let of = |(name, schema)| (String::clone(name), self.property(owner, name, schema));
                    made.insert(word.clone(), value.as_object().into_iter().flatten().map(of).collect());
                }
                "enum" => {
                    made.insert(word.clone(), value.clone());
                    made.insert("x-ms-enum".to_owned(), json!({"name": owner, "modelAsString": true}));
                }
                "nullable" => drop(made.insert("x-nullable".to_owned(), value.clone())),
                "example" => {}
                _ if word.starts_with("x-isobar-") => {}
                _ => drop(made.insert(word.clone(), value.clone())),
            }
        }
        Value::Object(made)
    }

    /// The schema of a property. What has properties itself becomes a definition.
    fn property(&mut self, owner: &str, name: &str, schema: &Value) -> Value {
        let schema = &merged(schema);
        let own = title(owner, name);
        if let Some(target) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            if target == "Tags" {
                let tracked = self.shared.get("TrackedResource").cloned().unwrap_or_default();
                return tracked["properties"]["tags"].clone();
            }
            return described(self.reference(target), schema);
        }
        if schema.get("properties").is_some() {
            let mut definition = self.converted(&own, schema);
            if let Some(definition) = definition.as_object_mut() {
                definition.remove("readOnly");
            }
            self.made.insert(own.clone(), definition);
            return described(reference(&own), schema);
        }
        let mut made = self.converted(&own, schema);
        if let Some(items) = schema.get("items") {
            let one = name.strip_suffix('s').unwrap_or(name);
            let items = self.property(owner, one, items);
            if let Some(identifiers) = self.identifiers(&items) {
                made["x-ms-identifiers"] = identifiers;
            }
            made["items"] = items;
        }
        made
    }

    /// What tells items of an array from each other, where it is not their id.
    fn identifiers(&self, items: &Value) -> Option<Value> {
        let definition = self.made.get(items["$ref"].as_str()?.rsplit('/').next()?)?;
        let has = |name: &str| definition["properties"].get(name).is_some();
        // One that is being made is one of those items that have themselves in them.
        if definition.is_null() || definition.get("allOf").is_some() || has("id") {
            return None;
        }
        Some(if has("name") { json!(["name"]) } else { json!([]) })
    }
}

fn reference(title: &str) -> Value {
    json!({"$ref": format!("#/definitions/{title}")})
}

/// The name of what a property is: `clientInfo` of `ClusterProperties` is a `ClusterClientInfo`.
fn title(owner: &str, property: &str) -> String {
    let mut letters = property.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    let owner = owner.strip_suffix("Properties").unwrap_or(owner);
    first.into_iter().fold(owner.to_owned(), |title, first| format!("{title}{first}{}", letters.as_str()))
}

/// A reference that is described where it stands is written as one in `allOf` in OpenAPI.
fn merged(schema: &Value) -> Value {
    let mut merged = schema.clone();
    let only =
        schema["allOf"].as_array().and_then(|all| if let [only] = &all[..] { Some(only) } else { None });
    if let (Some(only), Some(members)) = (only, merged.as_object_mut()) {
        members.remove("allOf");
        members.insert("$ref".to_owned(), only["$ref"].clone());
    }
    merged
}

/// A reference with what is said of it where it stands.
fn described(mut reference: Value, schema: &Value) -> Value {
    for word in ["description", "readOnly"] {
        if let Some(said) = schema.get(word) {
            reference[word] = said.clone();
        }
    }
    reference
}

/// All definitions that something refers to.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let to = members.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
            found.extend(to.map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
