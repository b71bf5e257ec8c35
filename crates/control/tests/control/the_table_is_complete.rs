//! What is served, documented, listed and permitted are the same rows.

use std::collections::BTreeSet;

use crate::common::World;
use crate::common::client::Client;
use isobar_control::table::{Command, Gate, Method, Operation};
use isobar_control::{openapi_document, operations, swagger_document};
use isobar_records::testing::TestDatabase;
use serde_json::Value;

fn in_document<'d>(document: &'d Value, operation: &Operation) -> &'d Value {
    &document["paths"][operation.path][operation.method.as_str().to_lowercase()]
}

#[test]
fn every_operation_is_in_the_openapi_document_with_its_answers() {
    let document = openapi_document();
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    for operation in operations() {
        let described = in_document(&document, operation);
        assert_eq!(described["operationId"], operation.id);
        let responses = described["responses"].as_object().expect("responses");
        assert!(responses.contains_key("default"), "{}", operation.id);
        assert!(!operation.answers.is_empty(), "{} never answers", operation.id);
        for answer in operation.answers {
            assert!(responses.contains_key(&answer.status.to_string()), "{}", operation.id);
        }
        let named = operation.answers.iter().filter_map(|answer| answer.schema).chain(operation.body);
        for schema in named {
            assert!(schemas.contains_key(schema), "{}: no schema {schema}", operation.id);
        }
        assert!(
            !operation.display.operation.is_empty() && !operation.display.description.is_empty(),
            "{}",
            operation.id
        );
    }
    let described: usize = document["paths"]
        .as_object()
        .expect("paths")
        .values()
        .map(|path| path.as_object().expect("methods").len())
        .sum();
    assert_eq!(described, operations().count(), "two rows are one operation");
}

#[test]
fn every_schema_that_is_named_is_there_and_every_one_is_named() {
    let text = openapi_document().to_string();
    let document: Value = serde_json::from_str(&text).expect("JSON");
    for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
        assert!(text.contains(&format!("\"#/components/schemas/{name}\"")), "nobody uses {name}");
    }
    for named in text.split("#/components/schemas/").skip(1) {
        let name = named.split('"').next().expect("a name");
        assert!(document["components"]["schemas"].get(name).is_some(), "no schema {name}");
    }
}

/// What has the path of a resource and is none: how something stands, and what is known of namespaces.
const NO_RESOURCES: [&str; 3] = ["OperationStatuses_Get", "OperationResults_Get", "ProviderOperations_Get"];

/// Whether a path names a resource: behind a namespace stand types and names in turn.
fn names_a_resource(path: &str) -> bool {
    let is_below = |top: &str| path.ends_with(top) && !path.contains("/providers/");
    let of_namespace = path.rsplit_once("/providers/").map_or(0, |(_, behind)| behind.split('/').count());
    let is_whole = of_namespace > 1 && of_namespace % 2 == 1;
    is_whole || is_below("/subscriptions/{subscriptionId}") || is_below("/resourceGroups/{resourceGroupName}")
}

#[test]
fn whether_a_resource_is_there_can_be_asked_of_every_kind() {
    let mut asked = 0;
    let reads = operations().filter(|of| of.method == Method::Get && names_a_resource(of.path));
    for get in reads.filter(|of| !NO_RESOURCES.contains(&of.id)) {
        let head = operations().find(|of| of.method == Method::Head && of.path == get.path);
        let head = head.unwrap_or_else(|| panic!("{}: say .exists(…) behind its row", get.id));
        let of = |operation: &Operation| (operation.action, operation.gate, operation.versions);
        assert_eq!(of(head), of(get), "{}", head.id);
        let answers: Vec<_> = head.answers.iter().map(|answer| (answer.status, answer.schema)).collect();
        assert_eq!(answers, [(204, None), (404, None)], "{}", head.id);
        asked += 1;
    }
    assert!(asked > 10, "{asked}");
    assert_eq!(asked, operations().filter(|of| of.method == Method::Head).count(), "a HEAD of no resource");
}

#[test]
fn every_operation_has_a_permission_unless_anybody_may() {
    let mut ids = BTreeSet::new();
    for operation in operations() {
        assert!(ids.insert(operation.id), "{} twice", operation.id);
        let open = operation.gate == Gate::Open;
        assert_eq!(operation.action.is_empty(), open, "{}", operation.id);
        if open {
            continue;
        }
        assert!(operation.action.split('/').count() >= 3, "{}", operation.action);
        let verb = operation.verb();
        let fits = match operation.method {
            Method::Get | Method::Head => verb == "read",
            Method::Put | Method::Patch => verb == "write",
            Method::Delete => verb == "delete",
            Method::Post => true,
        };
        assert!(fits && ["read", "write", "delete", "action"].contains(&verb), "{}: {verb}", operation.id);
    }
}

#[test]
fn one_action_has_one_display() {
    for one in operations() {
        for other in operations().filter(|other| other.action == one.action && !one.action.is_empty()) {
            assert_eq!(one.display, other.display, "{} and {}", one.id, other.id);
        }
    }
}

/// The parameters of a path.
fn parameters(operation: &Operation) -> BTreeSet<&'static str> {
    operation.path.split('{').skip(1).filter_map(|part| part.split('}').next()).collect()
}

#[test]
fn every_operation_has_a_command_or_a_reason_to_have_none() {
    let mut taken: Vec<(&str, &Operation)> = Vec::new();
    for operation in operations() {
        let words = match operation.command {
            Command::Words(words) => words,
            Command::ForPrograms(reason) => {
                assert!(!reason.is_empty(), "{}", operation.id);
                continue;
            }
            Command::Unsaid => panic!("{}: say .command(\"…\") or .for_programs(\"…\")", operation.id),
        };
        let is_word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        };
        assert!(words.split(' ').count() >= 2 && words.split(' ').all(is_word), "{}: {words}", operation.id);
        for (other_words, other) in &taken {
            let below = |one: &str, other: &str| other.starts_with(&format!("{one} "));
            assert!(!below(words, other_words) && !below(other_words, words), "{words} and {other_words}");
            if words == *other_words {
                let (one, other) = (parameters(operation), parameters(other));
                let nested = one != other && (one.is_subset(&other) || other.is_subset(&one));
                assert!(nested && operation.method == Method::Get, "{words} is said twice: {}", operation.id);
            }
        }
        taken.push((words, operation));
        let described = in_document(&openapi_document(), operation)["x-isobar-command"].clone();
        assert_eq!(described, words);
    }
    assert!(taken.len() > 30, "{}", taken.len());
}

async fn lists_of_operations_have_all_actions(database: TestDatabase) {
    let world = World::start(&database).await;
    let list = "/providers/Microsoft.Authorization/providerOperations";
    let all =
        world.client.get(&format!("{list}?api-version=2022-04-01&$expand=resourceTypes")).await.expect(200);
    let mut listed = BTreeSet::new();
    for namespace in all.body["value"].as_array().expect("namespaces") {
        for of_type in namespace["resourceTypes"].as_array().expect("types") {
            for operation in of_type["operations"].as_array().expect("operations") {
                listed.insert(operation["name"].as_str().expect("a name").to_owned());
            }
        }
    }
    let actions: BTreeSet<String> =
        operations().map(|of| of.action.to_owned()).filter(|action| !action.is_empty()).collect();
    assert_eq!(listed, actions);
    let path = "/providers/Isobar.Storage/operations?api-version=2026-12-01";
    let ours = world.client.get(path).await.expect(200);
    let ours: BTreeSet<&str> = ours.names().into_iter().collect();
    let actions: BTreeSet<&str> =
        actions.iter().map(String::as_str).filter(|of| of.starts_with("Isobar.Storage/")).collect();
    assert_eq!(ours, actions);
    world.client.get(&format!("{list}/isobar.storage?api-version=2022-04-01")).await.expect(200);
    world
        .client
        .get(&format!("{list}/no.such?api-version=2022-04-01"))
        .await
        .refused(404, "ProviderNotFound");
}

/// A path with something for each parameter.
fn filled(operation: &Operation, subscription: &str) -> String {
    let scope = format!("/subscriptions/{subscription}");
    let mut path = operation.path.replace("/{scope}", &scope).replace("{subscriptionId}", subscription);
    while let Some((before, rest)) = path.split_once('{') {
        let (_, after) = rest.split_once('}').expect("a parameter");
        path = format!("{before}x{after}");
    }
    path
}

async fn every_operation_is_served_and_asks_for_a_token(database: TestDatabase) {
    let world = World::start(&database).await;
    let stranger = Client::of(&world.running);
    for operation in operations() {
        let path = filled(operation, &world.subscription);
        let answer = stranger.send(operation.method.as_str(), &path, &[], b"").await;
        let code = answer.code();
        match operation.gate {
            Gate::Open => assert_ne!(answer.code(), "AuthenticationFailed", "{}", operation.id),
            _ if operation.method == Method::Head => assert_eq!(answer.status, 401, "{}", operation.id),
            _ => assert_eq!((answer.status, code), (401, "AuthenticationFailed"), "{}", operation.id),
        }
        assert_ne!(answer.status, 405, "{}", operation.id);
    }
    let served = stranger.get("/openapi.json").await.expect(200).body;
    assert_eq!(served, openapi_document());
    let served = stranger.get("/swagger.json").await.expect(200).body;
    assert_eq!(served, swagger_document());
}

isobar_records::on_both_databases!(
    lists_of_operations_have_all_actions,
    every_operation_is_served_and_asks_for_a_token,
);
