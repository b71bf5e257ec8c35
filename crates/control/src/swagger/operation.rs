//! One operation: its parameters, and how it answers.

use serde_json::{Map, Value, json};

use super::definitions::Definitions;
use super::shared::shared;
use crate::openapi::{SEGMENT, conditions, needs_body, words_for};
use crate::table::{Answer, Method, Operation, Segment, Template};
use isobar_arm::names;

/// Parameters that all providers share, and what each is called in the document.
const SHARED: &[(&str, &str)] = &[
    ("api-version", "ApiVersionParameter"),
    ("subscriptionId", "SubscriptionIdParameter"),
    ("resourceGroupName", "ResourceGroupNameParameter"),
    ("location", "LocationParameter"),
    ("operationId", "OperationIdParameter"),
];

/// Parameters whose values clients choose. Others come from answers and are what any part of a path may be.
const NAMES: &[&str] = &["clusterName", "reservationName", "validationName"];

/// The parameters of the document that operations refer to.
pub(super) struct Parameters {
    known: Map<String, Value>,
    made: Map<String, Value>,
}

impl Default for Parameters {
    fn default() -> Parameters {
        Parameters { known: shared("parameters"), made: Map::new() }
    }
}

impl Parameters {
    /// Those that were referred to.
    pub(super) fn made(self) -> Map<String, Value> {
        self.made
    }

    /// A reference to a parameter, if it is one that all providers share.
    fn reference(&mut self, name: &str) -> Option<Value> {
        let (_, title) = SHARED.iter().find(|(parameter, _)| *parameter == name)?;
        self.made.insert((*title).to_owned(), self.known.get(*title)?.clone());
        Some(json!({"$ref": format!("#/parameters/{title}")}))
    }
}

/// What the document says of an operation.
pub(super) fn document(
    operation: &Operation,
    definitions: &mut Definitions,
    parameters: &mut Parameters,
) -> Value {
    let mut document = json!({
        "operationId": operation.id,
        "tags": [operation.id.split('_').next().unwrap_or_default()],
        "summary": operation.display.operation,
        "description": description(operation),
        "parameters": parameters_of(operation, definitions, parameters),
        "responses": responses(operation, definitions),
    });
    if operation.long_running {
        let end = if operation.method == Method::Put { "azure-async-operation" } else { "location" };
        document["x-ms-long-running-operation"] = json!(true);
        document["x-ms-long-running-operation-options"] = json!({"final-state-via": end});
    }
    if let Some(schema) = operation.leaves {
        let left = definitions.reference(schema)["$ref"].clone();
        document["x-ms-long-running-operation-options"]["final-state-schema"] = left;
    }
    let is_list = |answer: &Answer| answer.schema.is_some_and(Definitions::is_list);
    if operation.method == Method::Get && operation.answers.iter().any(is_list) {
        document["x-ms-pageable"] = json!({"nextLinkName": "nextLink"});
    }
    document
}

/// What an operation does. Where an action answers 200 or 202, makers of SDKs take the body of the 200 for
/// what there is in the end, too. `final-state-schema` tells those that know it what an action `leaves`
/// instead; for all others it is in words, and here: they hand on nothing that is said of single answers.
fn description(operation: &Operation) -> String {
    let mut words = operation.display.description.to_owned();
    for answer in operation.answers.iter().filter(|_| operation.leaves.is_some()) {
        words.push_str(&format!(" {}: {}", answer.status, answer.description));
    }
    words
}

fn parameters_of(
    operation: &Operation,
    definitions: &mut Definitions,
    parameters: &mut Parameters,
) -> Vec<Value> {
    let mut all = Vec::new();
    all.extend(parameters.reference("api-version"));
    for segment in &Template::parse(operation.path).segments {
        let Segment::Param(name) = segment else { continue };
        all.push(parameters.reference(name).unwrap_or_else(|| in_path(name)));
    }
    for parameter in operation.query {
        let mut query = json!({
            "name": parameter.name, "in": "query", "required": false, "type": "string",
            "description": parameter.description,
        });
        if parameter.name == "$top" {
            (query["type"], query["format"], query["minimum"]) = (json!("integer"), json!("int32"), json!(1));
        }
        all.push(query);
    }
    for (name, description) in conditions(operation) {
        all.push(json!({
            "name": name, "in": "header", "required": false, "type": "string", "description": description,
            "x-ms-client-name": name.replace('-', "").replacen('I', "i", 1),
        }));
    }
    if let Some(schema) = operation.body {
        let (name, description) = match operation.method {
            Method::Put => ("resource", "The resource as it is to be."),
            Method::Patch => ("properties", "What changes of it."),
            _ => ("body", "What is asked for."),
        };
        all.push(json!({
            "name": name, "in": "body", "required": needs_body(operation, schema), "description": description,
            "schema": definitions.reference(schema),
        }));
    }
    all
}

fn in_path(name: &str) -> Value {
    let mut parameter = json!({
        "name": name, "in": "path", "required": true, "type": "string", "description": words_for(name),
    });
    if NAMES.contains(&name) {
        parameter["pattern"] = json!(names::RESOURCE.pattern.text());
        parameter["minLength"] = json!(3);
        parameter["maxLength"] = json!(63);
    } else {
        parameter["pattern"] = json!(SEGMENT);
    }
    parameter
}

fn responses(operation: &Operation, definitions: &mut Definitions) -> Map<String, Value> {
    let mut responses = Map::new();
    for answer in operation.answers {
        let mut response = json!({"description": answer.description});
        if let Some(schema) = answer.schema {
            response["schema"] = definitions.reference(schema);
        }
        let headers = headers(operation, answer.status);
        if !headers.is_empty() {
            response["headers"] = Value::Object(headers);
        }
        responses.insert(answer.status.to_string(), response);
    }
    let error = definitions.reference("ErrorResponse");
    let default = json!({"description": "It was refused, or it failed.", "schema": error});
    responses.insert("default".to_owned(), default);
    responses
}

/// What an answer says of something that goes on.
fn headers(operation: &Operation, status: u16) -> Map<String, Value> {
    let mut headers = Map::new();
    let mut set = |name: &str, header: Value| drop(headers.insert(name.to_owned(), header));
    let is_put = operation.method == Method::Put;
    if operation.long_running && (status == 202 || is_put) {
        let description = "Where it is told how the operation stands, if one was begun.";
        set("Azure-AsyncOperation", json!({"type": "string", "description": description}));
    }
    if status == 202 {
        let description = "Where the end of the operation is told.";
        set("Location", json!({"type": "string", "description": description}));
        let description = "After how many seconds to look again.";
        set("Retry-After", json!({"type": "integer", "format": "int32", "description": description}));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Display;

    const ONE: &str = "/subscriptions/{subscriptionId}/providers/Isobar.Storage/clusters/{clusterName}";

    fn of(operation: &Operation) -> (Value, Parameters) {
        let (mut definitions, mut parameters) = (Definitions::default(), Parameters::default());
        (document(operation, &mut definitions, &mut parameters), parameters)
    }

    #[test]
    fn what_all_providers_share_is_referred_to_and_names_have_their_rule() {
        let (document, parameters) = of(&Operation::get("Clusters_Get", ONE).paged());
        let reference = |name: &str| json!({"$ref": format!("#/parameters/{name}")});
        assert_eq!(document["parameters"][0], reference("ApiVersionParameter"));
        assert_eq!(document["parameters"][1], reference("SubscriptionIdParameter"));
        assert_eq!(document["parameters"][2]["pattern"], names::RESOURCE.pattern.text());
        assert_eq!(document["parameters"][3]["format"], "int32");
        let made: Vec<String> = parameters.made().keys().cloned().collect();
        assert_eq!(made, ["ApiVersionParameter", "SubscriptionIdParameter"]);
    }

    #[test]
    fn the_length_of_a_name_is_that_of_its_rule() {
        let parameter = in_path("clusterName");
        let (least, most) = (parameter["minLength"].as_u64(), parameter["maxLength"].as_u64());
        for length in [2, 3, 63, 64] {
            let fits = names::RESOURCE.pattern.fits(&"a".repeat(length));
            let length = u64::try_from(length).ok();
            assert_eq!(least <= length && length <= most, fits, "{length:?}");
        }
    }

    #[test]
    fn every_name_that_clients_choose_has_its_rule() {
        let ours =
            crate::rows::operations().filter(|of| of.method == Method::Put && of.path.contains("/Isobar."));
        for operation in ours {
            let last = Template::parse(operation.path).segments.pop();
            assert!(matches!(last, Some(Segment::Param(name)) if NAMES.contains(&name)), "{}", operation.id);
        }
    }

    const MADE: &[Answer] =
        &[Answer::of(200, "Cluster", "It was changed."), Answer::of(201, "Cluster", "It is made.")];
    const GONE: &[Answer] =
        &[Answer::empty(202, "It is under way."), Answer::empty(204, "It was not there.")];
    const THERE: &[Answer] = &[Answer::of(200, "Cluster", "It is there.")];
    const ALL: &[Answer] = &[Answer::of(200, "ClusterList", "All of them.")];

    #[test]
    fn what_goes_on_says_where_its_end_is_found() {
        let (put, _) = of(&Operation::put("A_Put", ONE)
            .action("A/b/write", Display::of("b", "Make", "Makes it."))
            .long_running()
            .takes("Cluster")
            .answers(MADE));
        assert_eq!(put["x-ms-long-running-operation-options"]["final-state-via"], "azure-async-operation");
        assert!(put["responses"]["201"]["headers"]["Azure-AsyncOperation"].is_object());
        assert_eq!(put["parameters"][3]["x-ms-client-name"], "ifMatch");
        assert_eq!(put["parameters"][4]["x-ms-client-name"], "ifNoneMatch");
        let (delete, _) = of(&Operation::delete("A_Delete", ONE).long_running().answers(GONE));
        assert_eq!(delete["x-ms-long-running-operation-options"]["final-state-via"], "location");
        assert!(delete["responses"]["202"]["headers"]["Location"].is_object());
        assert!(delete["responses"]["204"].get("headers").is_none());
    }

    #[test]
    fn an_action_that_goes_on_unless_it_is_a_dry_run_says_what_both_answer() {
        let restart = crate::rows::operations().find(|of| of.id == "Nodes_Restart").expect("an action");
        let (document, _) = of(restart);
        let answers = &document["responses"];
        assert_eq!(answers["200"]["schema"]["$ref"], "#/definitions/NodePlan");
        assert!(answers["202"].get("schema").is_none() && answers["202"]["headers"]["Location"].is_object());
        let options = json!({"final-state-via": "location", "final-state-schema": "#/definitions/Node"});
        assert_eq!(document["x-ms-long-running-operation-options"], options);
        let words = document["description"].as_str().expect("words");
        assert!(words.contains(" 200: A dry run") && words.contains(" 202: It is under way."), "{words}");
    }

    #[test]
    fn lists_have_pages_and_single_resources_have_none() {
        let (get, _) = of(&Operation::get("A_Get", ONE).answers(THERE));
        assert!(get.get("x-ms-long-running-operation").is_none() && get.get("x-ms-pageable").is_none());
        let (list, _) = of(&Operation::get("A_List", ONE).answers(ALL));
        assert_eq!(list["x-ms-pageable"]["nextLinkName"], "nextLink");
    }
}
