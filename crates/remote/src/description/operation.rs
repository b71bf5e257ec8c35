//! One operation, and its parameters.

use std::collections::BTreeMap;

use serde_json::Value;

use super::field::{self, Field, Kind};

/// The parameter of a path that is the id of anything at all.
pub const SCOPE: &str = "scope";

/// Where a parameter stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In the headers.
    Header,
}

/// A parameter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub description: String,
    /// Whether it is a UUID.
    pub is_uuid: bool,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Operation {
    /// What people type for it.
    pub words: Vec<String>,
    /// Its method, in capitals.
    pub method: String,
    /// Its path, with parameters in braces.
    pub path: String,
    /// The version of the API that is asked for.
    pub version: Option<String>,
    /// What it does, in a sentence.
    pub description: String,
    /// What it is done to, in the plural: `Resource groups`.
    pub things: String,
    /// Its parameters but for the version, those of the path in the path's order.
    pub parameters: Vec<Parameter>,
    /// Whether it takes a body.
    pub takes_body: bool,
    /// The fields of the body that have a place of their own, those that are needed first.
    pub fields: Vec<Field>,
    /// Whether it may go on after it was answered.
    pub long_running: bool,
    /// What its answers mean, by status.
    pub answers: BTreeMap<u16, String>,
    /// Whether it answers with a list.
    pub lists: bool,
    /// What a table of the list shows, by dotted names; empty where the document does not say.
    pub columns: Vec<String>,
    /// The one text of the answer that people want: a report, by its dotted name.
    pub alone: Option<String>,
}

impl Operation {
    /// Reads one, if people type it.
    pub(super) fn read(path: &str, method: &str, described: &Value, schemas: &Value) -> Option<Operation> {
        let text = |name: &str| described[name].as_str().unwrap_or_default().to_owned();
        let words = text("x-isobar-command").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        if words.is_empty() {
            return None;
        }
        let listed = described["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        let version = listed.iter().find(|parameter| parameter["name"] == "api-version");
        let version = version.map(|parameter| &parameter["schema"]);
        let version = version.and_then(|schema| schema["enum"][0].as_str().or(schema["example"].as_str()));
        let body = &described["requestBody"]["content"]["application/json"]["schema"];
        let answer = &described["responses"]["200"]["content"]["application/json"]["schema"];
        let items = &field::resolved(answer, schemas)["properties"]["value"]["items"];
        let columns = field::resolved(items, schemas)["x-isobar-columns"].clone();
        let alone = field::resolved(answer, schemas)["x-isobar-alone"].as_str().map(str::to_owned);
        let answers = described["responses"].as_object().into_iter().flatten();
        let meaning = |of: &Value| of["description"].as_str().unwrap_or_default().to_owned();
        Some(Operation {
            words,
            method: method.to_uppercase(),
            path: path.to_owned(),
            version: version.map(str::to_owned),
            description: text("description"),
            things: text("x-isobar-resource"),
            parameters: listed.iter().filter_map(Parameter::read).collect(),
            takes_body: !body.is_null(),
            fields: field::of_body(body, schemas),
            long_running: described["x-ms-long-running-operation"] == true,
            answers: answers.filter_map(|(status, of)| Some((status.parse().ok()?, meaning(of)))).collect(),
            lists: !items.is_null(),
            columns: serde_json::from_value(columns).unwrap_or_default(),
            alone,
        })
    }

    /// The parameters of the path.
    pub fn in_path(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| parameter.place == Place::Path)
    }

    /// What a text means at a place of the body: a text where the schema has one, else JSON if it is that.
    pub fn value_at(&self, path: &[String], text: &str) -> Value {
        let is_text = self.fields.iter().any(|field| match (&field.kind, path.split_last()) {
            (Kind::Text(_), _) => field.path == path,
            (Kind::Map, Some((_, before))) => field.path == before,
            _ => false,
        });
        let as_text = || Value::from(text);
        if is_text { as_text() } else { serde_json::from_str(text).unwrap_or_else(|_| as_text()) }
    }

    /// The parameter that names what the operation is about, if it is not a list or a new thing: the last one
    /// of the path, unless the path goes on to what is below it.
    pub fn own_name(&self) -> Option<&Parameter> {
        let last = self.in_path().last()?;
        let ends_there = self.path.ends_with(&format!("{{{}}}", last.name));
        (ends_there || self.method == "POST").then_some(last)
    }
}

impl Parameter {
    fn read(described: &Value) -> Option<Parameter> {
        let name = described["name"].as_str().filter(|name| *name != "api-version")?;
        let place = match described["in"].as_str()? {
            "path" => Place::Path,
            "query" => Place::Query,
            "header" => Place::Header,
            _ => return None,
        };
        Some(Parameter {
            name: name.to_owned(),
            place,
            description: described["description"].as_str().unwrap_or_default().to_owned(),
            is_uuid: described["schema"]["format"] == "uuid",
        })
    }
}
