//! The table as an OpenAPI document (3.0.3).
//!
//! Schemas are data of their own, in `data/schemas.json`; operations name them. Every operation documents how
//! it answers when it goes well; whatever else happens has the form of an error. What is not OpenAPI's own:
//!
//! - `x-isobar-permission`: the action. `x-isobar-command`, `x-isobar-resource`: what people type for the
//!   operation, and what it is done to.
//! - `x-isobar-columns`, in the schema of what lists have: what a table of it shows, as far as
//!   it fits. `x-isobar-alone`, in the schema of an answer: the one text of it that people want.
//! - `x-ms-long-running-operation`, `x-ms-pageable`, `x-ms-secret`: as in Azure's own documents.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::table::{Command, Gate, Method, OUR_NEWEST_VERSION, Operation, Segment, Template, Versions};

/// All schemas, by name.
pub(crate) static SCHEMAS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../data/schemas.json")).unwrap_or_default());

/// What a part of a path is made of, and what a scope is, which has several.
pub(crate) const SEGMENT: &str = r"^[^<>%&\\?/#\u0000-\u001f\u007f-\u009f]+$";
const SCOPE: &str = r"^[^<>%&\\?#\u0000-\u001f\u007f-\u009f]+$";
/// A version.
const VERSION: &str = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(-preview)?$";

/// Parameters of paths that are GUIDs.
const GUIDS: &[&str] =
    &["subscriptionId", "tenantId", "objectId", "principalId", "roleAssignmentName", "roleDefinitionId"];

/// The document of these operations.
pub(crate) fn document(operations: impl IntoIterator<Item = &'static Operation>) -> Value {
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        let method = operation.method.as_str().to_lowercase();
        if let Value::Object(methods) = path {
            methods.insert(method, of_operation(operation));
        }
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Isobar control plane",
            "description": "Clusters of the Isobar parallel file system, in the manner of Azure Resource Manager.",
            "version": OUR_NEWEST_VERSION.to_string(),
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": *SCHEMAS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    })
}

/// Takes away what nobody can set of a document, by its schema.
pub(crate) fn without_read_only(document: &mut Value, schema: &str) {
    prune(document, &SCHEMAS[schema], &SCHEMAS);
}

fn prune(document: &mut Value, schema: &Value, schemas: &Value) {
    let schema = match schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        Some(name) => &schemas[name],
        None => schema,
    };
    match document {
        Value::Object(members) => {
            let of = |name: &str| &schema["properties"][name];
            members.retain(|name, _| of(name)["readOnly"] != json!(true));
            members.iter_mut().for_each(|(name, value)| prune(value, of(name), schemas));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| prune(item, &schema["items"], schemas)),
        _ => {}
    }
}

fn of_operation(operation: &Operation) -> Value {
    let mut document = Map::new();
    let mut set = |name: &str, value: Value| drop(document.insert(name.to_owned(), value));
    set("operationId", json!(operation.id));
    set("tags", json!([operation.id.split('_').next().unwrap_or_default()]));
    set("summary", json!(operation.display.operation));
    set("description", json!(operation.display.description));
    set("parameters", parameters(operation));
    if let Some(schema) = operation.body {
        let kind =
            if schema == "TokenRequest" { "application/x-www-form-urlencoded" } else { "application/json" };
        let content = json!({kind: {"schema": reference(schema)}});
        set("requestBody", json!({"required": needs_body(operation, schema), "content": content}));
    }
    set("responses", responses(operation));
    if operation.gate == Gate::Open {
        set("security", json!([]));
    } else {
        set("x-isobar-permission", json!(operation.action));
    }
    if let Command::Words(words) = operation.command {
        set("x-isobar-command", json!(words));
        set("x-isobar-resource", json!(operation.display.resource));
    }
    if operation.long_running {
        set("x-ms-long-running-operation", json!(true));
    }
    if let Some(schema) = operation.leaves {
        let left = reference(schema)["$ref"].clone();
        set("x-ms-long-running-operation-options", json!({"final-state-schema": left}));
    }
    if operation.query.iter().any(|parameter| parameter.name == "$skipToken") {
        set("x-ms-pageable", json!({"nextLinkName": "nextLink"}));
    }
    Value::Object(document)
}

/// Whether a request without its body is none: an action whose body has nothing that has to be there can do
/// without.
pub(crate) fn needs_body(operation: &Operation, schema: &str) -> bool {
    operation.method != Method::Post || SCHEMAS[schema].get("required").is_some()
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn parameters(operation: &Operation) -> Value {
    let mut parameters = Vec::new();
    let template = Template::parse(operation.path);
    let mut in_path = |name: &str, description: &str| {
        let mut schema = json!({"type": "string", "minLength": 1});
        match GUIDS.contains(&name) {
            true => schema["format"] = json!("uuid"),
            false => schema["pattern"] = json!(if name == "scope" { SCOPE } else { SEGMENT }),
        }
        parameters.push(json!({
            "name": name, "in": "path", "required": true, "schema": schema, "description": description,
        }));
    };
    if template.scoped {
        in_path("scope", "The id of a resource, a group, a subscription or the tenant.");
    }
    for segment in &template.segments {
        if let Segment::Param(name) = segment {
            in_path(name, &words_for(name));
        }
    }
    let version = match operation.versions {
        Versions::None => None,
        Versions::Ours => Some(json!({"type": "string", "enum": told(operation)})),
        Versions::Microsoft(_) => {
            Some(json!({"type": "string", "pattern": VERSION, "example": told(operation).first()}))
        }
        Versions::Lifecycle => Some(json!({"type": "string", "enum": ["2.0"]})),
    };
    if let Some(schema) = version {
        let description = "The version of the API.";
        parameters.push(json!({
            "name": "api-version", "in": "query", "required": true, "schema": schema, "description": description,
        }));
    }
    for parameter in operation.query {
        let schema = match parameter.name {
            "$top" => json!({"type": "integer", "minimum": 1}),
            _ => json!({"type": "string"}),
        };
        parameters.push(json!({
            "name": parameter.name, "in": "query", "required": false, "schema": schema,
            "description": parameter.description,
        }));
    }
    for (name, description) in conditions(operation) {
        parameters.push(json!({
            "name": name, "in": "header", "required": false,
            "schema": {"type": "string"}, "description": description,
        }));
    }
    Value::Array(parameters)
}

/// What a parameter of a path is: `resourceGroupName` is the name of the resource group.
pub(crate) fn words_for(name: &str) -> String {
    let (thing, what) = ["Name", "Id"]
        .into_iter()
        .find_map(|what| Some((name.strip_suffix(what)?, what.to_lowercase())))
        .unwrap_or((name, "name".to_owned()));
    let thing = thing.chars().fold(String::new(), |mut words, c| {
        if c.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
        words
    });
    format!("The {what} of the {thing}.")
}

fn told(operation: &Operation) -> Vec<String> {
    operation.versions.told().iter().map(ToString::to_string).collect()
}

/// Headers that a write may depend on.
pub(crate) fn conditions(operation: &Operation) -> &'static [(&'static str, &'static str)] {
    const IF_MATCH: (&str, &str) = ("If-Match", "Only if it has this version.");
    const IF_NONE_MATCH: (&str, &str) = ("If-None-Match", "Only if it is not there: *.");
    match (operation.gate, operation.method) {
        (Gate::Open, _) => &[],
        (_, Method::Put) => &[IF_MATCH, IF_NONE_MATCH],
        (_, Method::Patch | Method::Delete) => &[IF_MATCH],
        _ => &[],
    }
}

fn responses(operation: &Operation) -> Value {
    let mut responses = Map::new();
    for answer in operation.answers {
        let mut response = json!({"description": answer.description});
        if let Some(schema) = answer.schema {
            response["content"] = json!({"application/json": {"schema": reference(schema)}});
        }
        if let Some(media_type) = answer.text {
            response["content"] = json!({media_type: {"schema": {"type": "string"}}});
        }
        responses.insert(answer.status.to_string(), response);
    }
    let error = match operation.body {
        Some("TokenRequest") => "TokenError",
        _ => "ErrorResponse",
    };
    let default = json!({
        "description": "It was refused, or it failed.",
        "content": {"application/json": {"schema": reference(error)}},
    });
    responses.insert("default".to_owned(), default);
    Value::Object(responses)
}
