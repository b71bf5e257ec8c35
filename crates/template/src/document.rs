//! The parts of a template, read so that everything that is wrong with them is told at once.
//!
//! What is worked out from them is in other files; here a text with an expression is a text.

use std::sync::Arc;

use isobar_arm::{ArmError, Field, Fields, Problems};
use serde_json::{Map, Value};

use crate::kind::Kind;
use crate::limits::{
    COPIES_MAX, DEPENDS_ON_MAX, OUTPUTS_MAX, PARAMETERS_MAX, RESOURCE_DEPTH_MAX, RESOURCES_MAX, VARIABLES_MAX,
};

/// A template.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub parameters: Vec<Parameter>,
    pub variables: Map<String, Value>,
    pub resources: Vec<Resource>,
    pub outputs: Vec<Output>,
}

/// A parameter.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub name: String,
    pub kind: Kind,
    pub default: Option<Value>,
    pub allowed: Option<Vec<Value>>,
    /// The least and the greatest number.
    pub values: (Option<i64>, Option<i64>),
    /// The least and the greatest number of characters or items.
    pub lengths: (Option<u64>, Option<u64>),
}

/// A resource.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// Where it is in the template.
    pub place: String,
    pub kind: Value,
    pub api_version: Value,
    pub name: Value,
    pub condition: Option<Value>,
    pub scope: Option<Value>,
    pub depends_on: Vec<Value>,
    pub copy: Option<Copy>,
    pub body: Arc<Body>,
    pub children: Vec<Resource>,
}

/// What a resource is made with; copies share it.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// Members beside the properties.
    pub members: Map<String, Value>,
    pub properties: Option<Value>,
}

/// A loop of resources or of an output.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    pub name: String,
    pub count: Value,
    /// How many at a time; `None` for all.
    pub batch_size: Option<u64>,
    /// What an output has of each turn.
    pub input: Option<Value>,
}

/// An output.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub name: String,
    pub kind: Kind,
    pub condition: Option<Value>,
    pub value: Option<Value>,
    pub copy: Option<Copy>,
}

/// Members of a resource that go into its body as they are worked out.
const BODY: [&str; 9] =
    ["location", "tags", "sku", "kind", "zones", "identity", "plan", "managedBy", "extendedLocation"];

impl Template {
    /// Reads one.
    ///
    /// # Errors
    /// `InvalidTemplate`, with a detail for everything that is wrong.
    pub(crate) fn read(template: &Value) -> Result<Template, ArmError> {
        let problems = Problems::new();
        let read = read(&Fields::root(template, &problems));
        problems.into_result().map_err(as_template)?;
        Ok(read)
    }
}

/// The same error, by the name that ARM has for templates.
fn as_template(error: ArmError) -> ArmError {
    let message = format!("Deployment template validation failed: {}", error.message());
    let target = error.target().unwrap_or_default().to_owned();
    ArmError::new(400, "InvalidTemplate", message).with_target(target).with_details(error.details().to_vec())
}

fn read(root: &Fields<'_, '_>) -> Template {
    root.ignore(&["metadata"]);
    root.get("$schema").required().string(1..=512);
    root.get("contentVersion").required().string(1..=64);
    root.get("apiProfile").string(0..=64);
    let language = root.get("languageVersion");
    if language.is_present() {
        language.refuse("is not supported: resources are a list, without symbolic names");
    }
    for name in ["functions", "definitions", "imports", "extensions"] {
        let field = root.get(name);
        let is_empty = match field.value() {
            Some(Value::Array(items)) => items.is_empty(),
            Some(Value::Object(members)) => members.is_empty(),
            Some(_) => false,
            None => true,
        };
        if !is_empty {
            field.refuse("is not supported");
        }
    }
    Template {
        parameters: entries(root.get("parameters"), PARAMETERS_MAX, parameter),
        variables: variables(root.get("variables")),
        resources: resources(root.get("resources").required(), 0),
        outputs: entries(root.get("outputs"), OUTPUTS_MAX, output),
    }
}

/// The members of an object whose names are the template's own.
fn entries<T>(field: Field<'_, '_>, max: usize, read: fn(&str, &Fields<'_, '_>) -> Option<T>) -> Vec<T> {
    let entries = field.object_or_empty();
    let all: Vec<_> = entries.entries().collect();
    if all.len() > max {
        entries.refuse(&format!("There are {} of them, and at most {max} are possible.", all.len()));
        return Vec::new();
    }
    let one = |(name, field): (&str, Field<'_, '_>)| read(name, &field.object()?);
    all.into_iter().filter_map(one).collect()
}

fn variables(field: Field<'_, '_>) -> Map<String, Value> {
    let value = field.value().cloned();
    let fields = field.object_or_empty();
    let count = fields.entries().count();
    if count > VARIABLES_MAX {
        fields.refuse(&format!("There are {count} variables, and at most {VARIABLES_MAX} are possible."));
    }
    match value {
        Some(Value::Object(variables)) => variables,
        _ => Map::new(),
    }
}

fn parameter(name: &str, fields: &Fields<'_, '_>) -> Option<Parameter> {
    fields.ignore(&["metadata"]);
    let kind = fields.get("type").required().one_of(&Kind::WORDS);
    let default = fields.get("defaultValue").value().cloned();
    let allowed = fields.get("allowedValues").list(1..=1000);
    let allowed = allowed.map(|items| items.iter().filter_map(|item| item.value().cloned()).collect());
    let number = |name| {
        let field = fields.get(name);
        let number = field.value().and_then(Value::as_i64);
        if field.is_present() && number.is_none() {
            field.refuse("must be a whole number");
        }
        number
    };
    let values = (number("minValue"), number("maxValue"));
    let length = |name| fields.get(name).integer(0..=u64::from(u32::MAX));
    let lengths = (length("minLength"), length("maxLength"));
    Some(Parameter { name: name.to_owned(), kind: kind?, default, allowed, values, lengths })
}

fn output(name: &str, fields: &Fields<'_, '_>) -> Option<Output> {
    fields.ignore(&["metadata"]);
    let kind = fields.get("type").required().one_of(&Kind::WORDS);
    let condition = fields.get("condition").value().cloned();
    let copy = fields.get("copy").object().and_then(|of| copy(&of, true));
    let field = fields.get("value");
    let field = if copy.is_some() { field } else { field.required() };
    let value = field.value().cloned();
    Some(Output { name: name.to_owned(), kind: kind?, condition, value, copy })
}

/// Reads a loop. One of an output has no name and an input.
fn copy(fields: &Fields<'_, '_>, of_output: bool) -> Option<Copy> {
    let name = fields.get("name");
    let name = if of_output { name } else { name.required() }.string(1..=128).unwrap_or_default().to_owned();
    let count = fields.get("count").required().value().cloned();
    let input = match of_output {
        true => fields.get("input").required().value().cloned(),
        false => None,
    };
    let mut batch_size = None;
    if !of_output {
        let modes = [("parallel", false), ("serial", true)];
        let serial = fields.get("mode").one_of(&modes).unwrap_or(false);
        let size = fields.get("batchSize").integer(1..=COPIES_MAX);
        batch_size = serial.then(|| size.unwrap_or(1));
    }
    Some(Copy { name, count: count?, batch_size, input })
}

fn resources(field: Field<'_, '_>, depth: usize) -> Vec<Resource> {
    if field.value().is_some_and(Value::is_object) {
        field.refuse("must be a list: symbolic names are not supported");
        return Vec::new();
    }
    let items = field.list(0..=RESOURCES_MAX).unwrap_or_default();
    if depth == RESOURCE_DEPTH_MAX && !items.is_empty() {
        if let Some(first) = items.first() {
            first.refuse(&format!("is inside more than {RESOURCE_DEPTH_MAX} resources"));
        }
        return Vec::new();
    }
    items.into_iter().filter_map(|item| resource(item, depth)).collect()
}

fn resource(field: Field<'_, '_>, depth: usize) -> Option<Resource> {
    let place = field.path().to_owned();
    let fields = field.object()?;
    fields.ignore(&["comments", "metadata"]);
    let kind = fields.get("type").required().value().cloned();
    let api_version = fields.get("apiVersion").required().value().cloned();
    let name = fields.get("name").required().value().cloned();
    let depends_on = fields.get("dependsOn").list(0..=DEPENDS_ON_MAX).unwrap_or_default();
    let depends_on = depends_on.iter().filter_map(|item| item.value().cloned()).collect();
    let loop_of = fields.get("copy");
    if depth > 0 && loop_of.is_present() {
        loop_of.refuse("cannot be used inside another resource: put the resource beside it");
    }
    let copy = loop_of.object().and_then(|of| copy(&of, false));
    let mut members = Map::new();
    for name in BODY {
        members.extend(fields.get(name).value().map(|value| (name.to_owned(), value.clone())));
    }
    Some(Resource {
        place,
        kind: kind?,
        api_version: api_version?,
        name: name?,
        condition: fields.get("condition").value().cloned(),
        scope: fields.get("scope").value().cloned(),
        depends_on,
        copy,
        body: Arc::new(Body { members, properties: fields.get("properties").value().cloned() }),
        children: resources(fields.get("resources"), depth + 1),
    })
}
